//! Memory of blocks that are no objects.

use std::ptr::NonNull;

pub fn allocate_block<T>(_hooks: &()) -> Option<NonNull<T>> {
    let place = Box::<T>::new_uninit();
    NonNull::new(Box::into_raw(place).cast())
}

/// # Safety
/// `block` came from [`allocate_block`], was written, and nobody uses it any more.
pub unsafe fn release_block<T>(_hooks: &(), block: NonNull<T>) {
    // SAFETY: by the contract.
    drop(unsafe { Box::from_raw(block.as_ptr().cast::<std::mem::MaybeUninit<T>>()) });
}
