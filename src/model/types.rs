//! Behind its header an object of a model says what it is, and how often it was finalized.

use crate::attach::slow::call_out;
use crate::interp::Interp;
use crate::object::header::Object;
use crate::sys::tls;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::Relaxed};

#[repr(C)]
pub struct Body {
    header: Object,
    ty: Type,
    finalized: AtomicU32,
    /// It is, or was, in the host's map.
    mapped: AtomicBool,
    /// The next that its thread has put off.
    next: AtomicPtr<c_void>,
}

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

fn body(o: &'static Object) -> &'static Body {
    // SAFETY: all objects of a model are made by `make`, with a body that begins with the header.
    unsafe { &*std::ptr::from_ref(o).cast() }
}

/// An object of `interp`, whose memory goes with it.
pub fn make(interp: &'static Interp, owner: u32, local: u32, shared: i32) -> &'static Object {
    let header = Object::born(owner, local, shared, 0, 0);
    let body = Box::leak(Box::new(Body { header, ty: Type { interp }, finalized: AtomicU32::new(0), mapped: AtomicBool::new(false), next: AtomicPtr::default() }));
    interp.objects.lock().unwrap().push(&body.header);
    &body.header
}

/// # Safety
/// Nobody uses the object any more, in the process that runs the model.
pub unsafe fn unmake(o: &'static Object) {
    // SAFETY: made by `make`; the rest by the contract.
    drop(unsafe { Box::from_raw(std::ptr::from_ref(body(o)).cast_mut()) });
}

pub fn map(o: &'static Object) {
    body(o).mapped.store(true, Relaxed);
    body(o).ty.interp.map.lock().push(o);
}

/// The host's finalizer.
pub fn finalize(o: &'static Object) {
    assert_eq!(body(o).finalized.fetch_add(1, Relaxed), 0, "finalized twice");
    let first = body(o).ty.interp.in_finalizer.lock().unwrap().take();
    first.into_iter().for_each(|f| call_out(tls::current(), None, f));
    if body(o).mapped.load(Relaxed) {
        body(o).ty.interp.map.lock().retain(|p| !std::ptr::eq(*p, o));
    }
}

/// Into a list of the calling thread's own.
pub fn chain(o: &'static Object, list: &AtomicPtr<c_void>) {
    body(o).next.store(list.load(Relaxed), Relaxed);
    list.store(std::ptr::from_ref(o).cast_mut().cast(), Relaxed);
}

pub fn unchain(list: &AtomicPtr<c_void>) -> Option<&'static Object> {
    // SAFETY: null, or what `chain` has put there, which nobody frees before.
    let o: &'static Object = unsafe { list.load(Relaxed).cast::<Object>().as_ref() }?;
    list.store(body(o).next.load(Relaxed), Relaxed);
    Some(o)
}

pub fn finalizations(o: &'static Object) -> u32 {
    body(o).finalized.load(Relaxed)
}
