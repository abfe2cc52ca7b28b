//! Memory for objects: 16-aligned and zeroed, from the host's hooks or from the C library.
//!
//! | before the header | in objects | holds |
//! |---|---|---|
//! | 16 bytes, directly | whose type has traverse | the collector's links |
//! | 16 bytes, before those | made with extra bytes | their number: a host's `free` is told the size |

use super::collect::lists::Links;
use super::header::{EXTRA, Object};
use crate::sync::Ordering::Relaxed;
use crate::sys::errno::KeepErrno;
use std::ffi::c_void;
use std::ptr::{self, NonNull};

pub const ALIGN: usize = 16;
const HEADER: usize = size_of::<Object>();
/// Up to here the C library's malloc finds a block among those that the same thread has freed. calloc passes them over in glibc
/// before 2.41: 12.5 ns for 48 bytes and their free, where malloc takes 8.5 and zeroing them less than 1.
const SMALL: usize = 1024;

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

/// The largest payload of a small object.
pub const SMALL_PAYLOAD: usize = SMALL - HEADER;

/// Room for a header and as many bytes of zeroed payload, SMALL_PAYLOAD at the most, from the C library.
#[inline(always)]
pub fn allocate_small(payload: usize) -> Option<NonNull<Object>> {
    debug_assert!(payload <= SMALL_PAYLOAD);
    // SAFETY: plain C; malloc aligns to 16 bytes on 64-bit systems.
    let start = unsafe { libc::malloc(HEADER + payload) };
    if start.is_null() {
        return None;
    }
    // SAFETY: so many bytes are ours.
    unsafe { zero(start.cast(), HEADER + payload) };
    NonNull::new(start.cast())
}

/// # Safety
/// `o` came from [`allocate_small`], or from [`allocate`] without hooks, extra bytes or links, and nobody uses it any more.
#[inline(always)]
pub unsafe fn free_small(o: &'static Object) {
    // SAFETY: by the contract.
    unsafe { libc::free(ptr::from_ref(o).cast_mut().cast()) };
}

/// Room for a header and `bytes` of zeroed payload, `extra` of which the type does not know of; `tracked`: for links too.
#[inline(always)]
pub fn allocate(hooks: &Option<Hooks>, bytes: usize, extra: usize, tracked: bool) -> Option<NonNull<Object>> {
    if extra != 0 || tracked {
        return allocate_with_more(hooks, bytes, extra, tracked);
    }
    zeroed(hooks, HEADER + bytes).map(NonNull::cast)
}

#[inline(never)]
fn allocate_with_more(hooks: &Option<Hooks>, bytes: usize, extra: usize, tracked: bool) -> Option<NonNull<Object>> {
    let before = before(extra != 0, tracked);
    let start = zeroed(hooks, before + HEADER + bytes)?;
    // SAFETY: within the block, and aligned as it is.
    unsafe {
        if extra != 0 {
            start.cast::<usize>().write(extra);
        }
        Some(start.add(before).cast())
    }
}

/// `size` zeroed bytes, a header at least.
#[inline(always)]
fn zeroed(hooks: &Option<Hooks>, size: usize) -> Option<NonNull<u8>> {
    let start = match hooks {
        None if size <= SMALL => {
            // SAFETY: plain C; malloc aligns to 16 bytes on 64-bit systems.
            let start = unsafe { libc::malloc(size) };
            if !start.is_null() {
                // SAFETY: `size` bytes are ours.
                unsafe { zero(start.cast(), size) };
            }
            start
        }
        // SAFETY: as above.
        None => unsafe { libc::calloc(1, size) },
        Some(hooks) => allocate_by(hooks, size),
    };
    debug_assert_eq!(start as usize % ALIGN, 0);
    NonNull::new(start.cast())
}

#[cold]
fn allocate_by(hooks: &Hooks, size: usize) -> *mut c_void {
    // SAFETY: the host promised an allocator.
    let start = unsafe { (hooks.alloc)(size, ALIGN, hooks.user) };
    if !start.is_null() {
        // SAFETY: `size` bytes are ours.
        unsafe { start.write_bytes(0, size) };
    }
    start
}

/// # Safety
/// `start` has `size` bytes, [`HEADER`] at least.
#[inline(always)]
unsafe fn zero(start: *mut u8, size: usize) {
    let last = size - HEADER;
    if last > 3 * HEADER {
        // SAFETY: by the contract.
        return unsafe { start.write_bytes(0, size) };
    }
    // Most objects are small, and a call of memset takes longer than these stores, some of which overlap.
    for at in [0, last.min(HEADER), last.min(2 * HEADER), last] {
        // SAFETY: `at` is no greater than `last`.
        unsafe { start.add(at).cast::<[u64; 2]>().write_unaligned([0; 2]) };
    }
}

/// Where the memory of an object begins, and how long it is.
pub type Block = (usize, usize);

/// # Safety
/// `o` came from [`allocate`] with this `tracked`, its type has `payload` bytes, and nobody uses it any more.
#[inline(always)]
pub unsafe fn block(o: *mut Object, payload: usize, tracked: bool) -> Block {
    // SAFETY: by the contract; the extra bytes stand where `allocate` wrote them.
    unsafe {
        let has_extra = (*o).gc.load(Relaxed) & EXTRA != 0;
        let before = before(has_extra, tracked);
        let start = o.cast::<u8>().sub(before);
        let extra = if has_extra { start.cast::<usize>().read() } else { 0 };
        (start.expose_provenance(), before + HEADER + payload + extra)
    }
}

/// Bytes before the header.
fn before(has_extra: bool, tracked: bool) -> usize {
    usize::from(tracked) * size_of::<Links>() + usize::from(has_extra) * HEADER
}

/// # Safety
/// The block of an object that came from [`allocate`] with these hooks, and that nobody uses any more.
pub unsafe fn release(hooks: &Option<Hooks>, (start, size): Block) {
    let start = ptr::with_exposed_provenance_mut(start);
    // SAFETY: by the contract.
    unsafe {
        match hooks {
            None => libc::free(start),
            Some(hooks) => release_by(hooks, start, size),
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

/// # Safety
/// `start` came from these hooks, for `size` bytes, and nobody uses it any more.
#[cold]
unsafe fn release_by(hooks: &Hooks, start: *mut c_void, size: usize) {
    let _errno = KeepErrno::new(); // the C library's free keeps it by itself
    // SAFETY: by the contract.
    unsafe { (hooks.free)(start, size, ALIGN, hooks.user) };
}
