//! Behind its header an object of a model says what it is, and how often it was finalized.

use crate::interp::Interp;
use crate::object::header::Object;
use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[derive(Debug)]
#[repr(C)]
pub struct Body {
    header: Object,
    pub ty: Type,
    pub finalized: AtomicU32,
}

#[derive(Debug)]
pub struct Type {
    interp: &'static Interp,
}

impl Type {
    pub fn interp(&self) -> Option<&'static Interp> {
        Some(self.interp)
    }

    pub fn name(&self) -> &CStr {
        c"model"
    }

    pub fn gain_immortal(&self) {}
}

pub fn of(o: &'static Object) -> &'static Type {
    &body(o).ty
}

pub fn body(o: &'static Object) -> &'static Body {
    // SAFETY: all objects of a model are made by `make`, with a body that begins with the header.
    unsafe { &*std::ptr::from_ref(o).cast() }
}

/// An object of `interp`, whose memory goes with it.
pub fn make(interp: &'static Interp, owner: u32, local: u32, shared: i32) -> &'static Object {
    let header = Object::born(owner, local, shared, 0);
    let body = Box::leak(Box::new(Body { header, ty: Type { interp }, finalized: AtomicU32::new(0) }));
    interp.objects.lock().unwrap().push(&body.header);
    &body.header
}

/// # Safety
/// Nobody uses the object any more, in the process that runs the model.
pub unsafe fn unmake(o: &'static Object) {
    // SAFETY: made by `make`; the rest by the contract.
    drop(unsafe { Box::from_raw(std::ptr::from_ref(body(o)).cast_mut()) });
}

pub fn finalizations(o: &'static Object) -> u32 {
    body(o).finalized.load(Relaxed)
}
