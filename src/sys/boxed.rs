//! Boxes that can be refused.

use std::alloc::{Layout, alloc};

/// A box, or None when there is no memory.
pub fn try_box<T>(value: T) -> Option<Box<T>> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the layout is that of T, which is not empty, and the memory is filled before it becomes a box.
    unsafe {
        let p = alloc(Layout::new::<T>()).cast::<T>();
        if p.is_null() {
            return None;
        }
        p.write(value);
        Some(Box::from_raw(p))
    }
}
