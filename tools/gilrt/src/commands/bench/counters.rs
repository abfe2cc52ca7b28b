//! The counted pointers of Rust and of GLib, measured by the same loops as the C kernels of counts.c.

use std::ffi::c_void;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering, compiler_fence};
use std::time::{Duration, Instant};

use libloading::os::unix::{Library as SharedObject, RTLD_LAZY, RTLD_LOCAL};

/// `units` turns, timed; the compiler must not merge one with the next.
#[inline(always)]
pub fn times(units: u64, mut turn: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..units {
        turn();
        compiler_fence(Ordering::SeqCst);
    }
    start.elapsed()
}

/// A clone and its drop. What is counted is known to others, as far as the compiler can tell.
#[inline(always)]
fn pairs<P: Clone>(units: u64, first: P) -> Duration {
    black_box(&first);
    let took = times(units, || {
        let another = first.clone();
        compiler_fence(Ordering::SeqCst);
        drop(another);
    });
    black_box(&first);
    took
}

pub fn rc(units: u64) -> Duration {
    pairs(units, Rc::new(1))
}

pub fn arc(units: u64) -> Duration {
    pairs(units, Arc::new(1))
}

pub fn hybrid_local(units: u64) -> Duration {
    pairs(units, hybrid_rc::Rc::new(1))
}

/// The shared half alone: what it counts is not local to any thread.
pub fn hybrid_shared(units: u64) -> Duration {
    pairs(units, hybrid_rc::Arc::new(1))
}

pub fn new_rc(units: u64) -> Duration {
    times(units, || drop(black_box(Rc::new([0_u8; 32]))))
}

pub fn new_arc(units: u64) -> Duration {
    times(units, || drop(black_box(Arc::new([0_u8; 32]))))
}

/// GLib's objects, if it is there.
pub struct GObject {
    take: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    drop: unsafe extern "C" fn(*mut c_void),
    object: *mut c_void,
}

impl GObject {
    pub const NAME: &str = "g_object_ref";
    const FILE: &str = "libgobject-2.0.so.0";
    /// G_TYPE_OBJECT, a constant of GLib's interface.
    const TYPE: usize = 20 << 2;

    pub fn open() -> Result<Self, libloading::Error> {
        type New = unsafe extern "C" fn(usize, *const c_void, ...) -> *mut c_void;
        // SAFETY: GLib's initialisers need nothing of the caller; the symbols have the types that its headers say.
        unsafe {
            let library = SharedObject::open(Some(Self::FILE), RTLD_LAZY | RTLD_LOCAL)?;
            let new = *library.get::<New>(b"g_object_new")?;
            let take = *library.get(b"g_object_ref")?;
            let drop = *library.get(b"g_object_unref")?;
            // It has threads of its own and cannot be unmapped.
            std::mem::forget(library);
            Ok(Self { take, drop, object: new(Self::TYPE, std::ptr::null()) })
        }
    }

    pub fn pairs(&self, units: u64) -> Duration {
        // SAFETY: the object lives as long as this, which has a reference.
        times(units, || unsafe {
            (self.take)(self.object);
            (self.drop)(self.object);
        })
    }
}

impl Drop for GObject {
    fn drop(&mut self) {
        // SAFETY: the reference that `open` made.
        unsafe { (self.drop)(self.object) };
    }
}
