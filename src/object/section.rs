//! Critical sections: locks of one or two objects that a thread gives up whenever it blocks or detaches, so that no order of
//! nesting deadlocks. Where a GIL excludes already they are noted and take nothing.
//!
//! The sections of a thread form a stack, linked through frames of the host's. What it holds is a run from the top:
//!
//! | sections | held | means | the way on |
//! |---|---|---|---|
//! | none | none | in no section | begin |
//! | some | the topmost ones' | inside the innermost | end, begin, or [`suspend`] by a detach |
//! | some | none | detached, waiting for a section, or where a GIL excludes | [`resume`] when it is attached again |
//!
//! No cycle of waits: a thread waits for a SECTION lock with no other, or with that of the same section's first object, whose
//! address is lower; it waits for anything else with none.

use super::header::Object;
use super::lock::{self, Kind};
use super::types;
use crate::attach::slow as attach;
use crate::check::{self, record::By};
use crate::interp::Interp;
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::sys::tls;
use crate::thread::{DETACHED, HELD_MOST, SECTIONS, Thread};
use std::ptr;

/// A section, in the host's frame.
#[derive(Debug)]
#[repr(C)]
pub struct Frame {
    outer: *const Frame,
    /// None: nothing was begun, and the end does nothing.
    first: Option<&'static Object>,
    second: Option<&'static Object>,
}

impl Frame {
    fn objects(&self) -> impl Iterator<Item = &'static Object> {
        self.first.into_iter().chain(self.second)
    }

    fn covers(&self, o: &Object) -> bool {
        self.objects().any(|mine| ptr::eq(mine, o))
    }
}

/// Begins a section for `a` and, if it is another object, `b`. On every error nothing was begun.
///
/// # Safety
/// `frame` is valid for writing, and stays where it is until [`end`].
pub unsafe fn begin(t: &'static Thread, frame: *mut Frame, a: &'static Object, b: &'static Object) -> Result<(), Status> {
    let [low, high] = if ptr::from_ref(a) < b { [a, b] } else { [b, a] };
    let mut new = Frame { outer: innermost(t), first: None, second: None };
    let allowed = check(t, [low, high]);
    // A callback on the way back into the outer section, which was given up for a stop, has not got its locks.
    let holds = t.held_count.load(Relaxed) != 0 || !takes_locks(t);
    // SAFETY: null, or a frame that was not ended, which the host keeps.
    let covered = holds && unsafe { new.outer.as_ref() }.is_some_and(|f| f.covers(low) && f.covers(high));
    let begun = allowed.is_ok() && !covered;
    if begun {
        new.first = Some(low);
        new.second = (!ptr::eq(low, high)).then_some(high);
    }
    // SAFETY: by the contract.
    unsafe { frame.write(new) };
    if begun {
        // SAFETY: just written, and the host's until the end.
        enter(t, unsafe { &*frame });
    }
    allowed
}

/// # Safety
/// `frame` is one that [`begin`] has written, on this thread.
pub unsafe fn end(t: &'static Thread, frame: *const Frame) {
    // SAFETY: by the contract.
    let frame = unsafe { &*frame };
    if frame.first.is_none() {
        return;
    }
    if !ptr::eq(innermost(t), frame) {
        if check::enabled() {
            check::report(format_args!("a section was ended that is not the innermost one\n  by {}", By::me()));
        }
        suspend(t); // what was left without its end is over
    } else if t.held_count.load(Relaxed) != 0 {
        frame.objects().for_each(|_| release(t));
    }
    set_innermost(t, frame.outer);
    if t.held_count.load(Relaxed) == 0 {
        resume(t);
    }
}

/// Gives up what the thread holds, if it is in sections: before it blocks, detaches or stops.
pub fn suspend(t: &Thread) {
    while t.held_count.load(Relaxed) != 0 {
        release(t);
    }
    // In no section any more: detaching is fast again.
    if innermost(t).is_null() && t.breaker.load(Relaxed) & SECTIONS != 0 {
        t.breaker.fetch_and(!SECTIONS, Relaxed);
    }
}

/// Takes the innermost section again, by a thread that has just attached, outside of every slow path: it may wait.
pub fn resume(t: &'static Thread) {
    resume_by(t, |wait| attach::detached(wait));
}

/// The same where `detached` is how the thread detaches while it waits.
pub fn resume_by(t: &'static Thread, detached: impl Fn(&dyn Fn())) {
    // SAFETY: as in `begin`.
    if let Some(frame) = unsafe { innermost(t).as_ref() }
        && t.held_count.load(Relaxed) == 0
        && t.identity.load(Relaxed) != DETACHED
        && takes_locks(t)
    {
        take(t, frame, detached);
    }
}

/// The thread has ended inside sections, or was lost by a fork. Its frames are not looked at: they may be gone.
pub fn abandon(t: &Thread) {
    set_innermost(t, ptr::null());
    suspend(t);
}

/// By the thread that is left in a forked child: what it holds may have stood in the record of a thread that was about to take
/// it.
pub fn insist(t: &Thread) {
    for slot in &t.held[..t.held_count.load(Relaxed) as usize] {
        lock::insist(object(slot), Kind::Section);
    }
}

/// Sections are for attached threads and objects of their interpreter (M3).
fn check(t: &Thread, objects: [&'static Object; 2]) -> Result<(), Status> {
    let refused = |why, what| check::refused(why, format_args!("a section {what}"));
    match () {
        _ if tls::is_inside() => Err(Status::Deadlock),
        _ if check::enabled() && !objects.iter().all(|o| check::table::alive("obj_section_begin", o)) => {
            Err(Status::Invalid)
        }
        _ if t.identity.load(Relaxed) == DETACHED => Err(refused(Status::NotAttached, "of a detached thread")),
        _ if objects.iter().any(|o| !types::of(o).is_of(Interp::of(t))) => {
            Err(refused(Status::Invalid, "for an object of another interpreter"))
        }
        _ => Ok(()),
    }
}

fn enter(t: &'static Thread, frame: &'static Frame) {
    set_innermost(t, frame);
    if !takes_locks(t) {
        return;
    }
    if t.held_count.load(Relaxed) as usize > HELD_MOST - 2 || !try_take(t, frame) {
        suspend(t);
        take(t, frame, |wait| attach::detached(wait));
    }
}

/// Holding nothing: waits for the locks of the innermost section, detached, and comes back with them.
#[cold]
fn take(t: &'static Thread, frame: &Frame, detached: impl Fn(&dyn Fn())) {
    // What is taken while it is detached may be given up again on the way back, for a stop.
    while t.held_count.load(Relaxed) == 0 && !try_take(t, frame) {
        detached(&|| {
            // All of them or none: a handler that acquired in between, and released, or one that is owed a release, would give up some.
            let _inside = attach::enter();
            for o in frame.objects() {
                record(t, o);
                lock::lock(o, Kind::Section);
            }
        });
    }
}

fn try_take(t: &Thread, frame: &Frame) -> bool {
    let before = t.held_count.load(Relaxed);
    for o in frame.objects() {
        record(t, o);
        if !lock::try_lock(o, Kind::Section) {
            forget(t); // this one; the first is given back
            while t.held_count.load(Relaxed) != before {
                release(t);
            }
            return false;
        }
    }
    true
}

/// Before the lock is taken, and [`forget`] after it was given back: at no moment is there one that a forked child, or the
/// exit hook, does not know of.
fn record(t: &Thread, o: &Object) {
    if t.breaker.load(Relaxed) & SECTIONS == 0 {
        t.breaker.fetch_or(SECTIONS, Relaxed); // this thread's own detach is what must see it
    }
    let count = t.held_count.load(Relaxed);
    t.held[count as usize].store(ptr::from_ref(o).cast_mut().cast(), Relaxed);
    t.held_count.store(count + 1, Release);
}

fn forget(t: &Thread) {
    t.held_count.store(t.held_count.load(Relaxed) - 1, Relaxed);
}

/// The lock that it took last.
fn release(t: &Thread) {
    let last = t.held_count.load(Relaxed) as usize - 1;
    lock::unlock(object(&t.held[last]), Kind::Section);
    forget(t);
}

fn object(slot: &std::sync::atomic::AtomicPtr<std::ffi::c_void>) -> &'static Object {
    // SAFETY: recorded by its thread, which has a reference to it throughout the section.
    unsafe { &*slot.load(Relaxed).cast() }
}

fn innermost(t: &Thread) -> *const Frame {
    t.sections.load(Relaxed).cast()
}

fn set_innermost(t: &Thread, frame: *const Frame) {
    t.sections.store(frame.cast_mut().cast(), Relaxed);
}

/// Where a GIL excludes, there is nothing to take.
#[inline]
fn takes_locks(t: &Thread) -> bool {
    Interp::of(t).is_free()
}
