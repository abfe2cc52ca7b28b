//! Memory for objects: 16-aligned and zeroed, from the host's hooks or from the C library.
//!
//! An object with extra bytes has 16 bytes more before its header, which hold their number: a host's `free` is told the
//! size.

use super::header::{EXTRA, Object};
use crate::sync::Ordering::Relaxed;
use std::ffi::c_void;
use std::ptr::{self, NonNull};

pub const ALIGN: usize = 16;
const HEADER: usize = size_of::<Object>();

pub type AllocFn = unsafe extern "C" fn(size: usize, align: usize, user: *mut c_void) -> *mut c_void;
pub type FreeFn = unsafe extern "C" fn(p: *mut c_void, size: usize, align: usize, user: *mut c_void);

/// The host's allocator.
#[derive(Debug, Clone)]
pub struct Hooks {
    pub alloc: AllocFn,
    pub free: FreeFn,
    pub user: *mut c_void,
}

// SAFETY: the host's functions may be called from any thread, as gilrt_config_t says.
unsafe impl Send for Hooks {}
// SAFETY: as above.
unsafe impl Sync for Hooks {}

/// Room for a header and `bytes` of zeroed payload, `extra` of which the type does not know of.
pub fn allocate(hooks: &Option<Hooks>, bytes: usize, extra: usize) -> Option<NonNull<Object>> {
    let before = if extra == 0 { 0 } else { HEADER };
    let size = before + HEADER + bytes;
    let start = match hooks {
        // SAFETY: plain C; malloc and calloc align to 16 bytes on 64-bit systems.
        None => unsafe { libc::calloc(1, size) },
        Some(h) => {
            // SAFETY: the host promised an allocator.
            let start = unsafe { (h.alloc)(size, ALIGN, h.user) };
            if !start.is_null() {
                // SAFETY: `size` bytes are ours.
                unsafe { start.write_bytes(0, size) };
            }
            start
        }
    };
    if start.is_null() {
        return None;
    }
    debug_assert_eq!(start as usize % ALIGN, 0);
    // SAFETY: within the block, and aligned as it is.
    unsafe {
        if extra != 0 {
            start.cast::<usize>().write(extra);
        }
        NonNull::new(start.add(before).cast())
    }
}

/// Where the memory of an object begins, and how long it is.
pub type Block = (usize, usize);

/// # Safety
/// `o` came from [`allocate`], its type has `payload` bytes, and nobody uses it any more.
pub unsafe fn block(o: *mut Object, payload: usize) -> Block {
    // SAFETY: by the contract; the extra bytes stand where `allocate` wrote them.
    unsafe {
        if (*o).gc.load(Relaxed) & EXTRA == 0 {
            return (o.expose_provenance(), HEADER + payload);
        }
        let start = o.cast::<u8>().sub(HEADER);
        (start.expose_provenance(), HEADER + HEADER + payload + start.cast::<usize>().read())
    }
}

/// # Safety
/// The block of an object that came from [`allocate`] with these hooks, and that nobody uses any more.
pub unsafe fn release(hooks: &Option<Hooks>, (start, size): Block) {
    let start = ptr::with_exposed_provenance_mut(start);
    // SAFETY: by the contract.
    unsafe {
        match hooks {
            None => libc::free(start),
            Some(h) => (h.free)(start, size, ALIGN, h.user),
        }
    }
}

/// Room for a `T` that is no object.
pub fn allocate_block<T>(hooks: &Option<Hooks>) -> Option<NonNull<T>> {
    const { assert!(align_of::<T>() <= ALIGN) };
    NonNull::new(match hooks {
        // SAFETY: plain C.
        None => unsafe { libc::malloc(size_of::<T>()) }.cast(),
        // SAFETY: the host promised an allocator.
        Some(h) => unsafe { (h.alloc)(size_of::<T>(), ALIGN, h.user) }.cast(),
    })
}

/// # Safety
/// `block` came from [`allocate_block`] with these hooks, and nobody uses it any more.
pub unsafe fn release_block<T>(hooks: &Option<Hooks>, block: NonNull<T>) {
    // SAFETY: by the contract.
    unsafe {
        match hooks {
            None => libc::free(block.as_ptr().cast()),
            Some(h) => (h.free)(block.as_ptr().cast(), size_of::<T>(), ALIGN, h.user),
        }
    }
}
