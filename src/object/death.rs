//! The end of an object: finalizer, children, memory; once, and attached.
//!
//! The finalizer runs under an ordinary reference of the thread that runs it, so it may count, hand out and keep the
//! object (C5, R10). Dropping that reference is an ordinary decrement: who comes to zero then, here or elsewhere, frees
//! without finalizing.

use super::header::*;
use super::owners::Queue;
use super::types::{self, Type};
use super::{count, heap, locked, weak};
use crate::attach::slow as attach;
use crate::check::{self, record::Event};
use crate::interp::{BURY, Interp};
use crate::runtime;
use crate::sync::Ordering::*;
use crate::sys::errno::KeepErrno;
use crate::sys::tls;
use crate::thread::{DETACHED, SERVE, Thread};
use std::ptr;
use std::sync::atomic::AtomicPtr;

/// Destructors that drop the last reference of something else nest so deep at the most; beyond it the dead wait in a list
/// until the outermost one is done, so that a list of ten million nodes dies on a small stack (R18).
const NESTING: u32 = 16;

/// The object is dead: nobody has a reference. Buries it here and now if this thread may, else leaves it to one that may
/// (C7, R13).
#[inline(never)]
pub(super) extern "C" fn bury(o: &'static Object) {
    let ty = types::of(o);
    if ty.silent && o.gc.load(Relaxed) & (WEAK | EXTRA) == 0 {
        // SAFETY: as in `free`; made by `allocate_small`, or as such an object would be.
        unsafe { heap::free_small(o) };
        return types::object_died(ty, tls::current().identity.load(Relaxed));
    }
    bury_any(o, ty);
}

#[inline(never)]
extern "C" fn bury_any(o: &'static Object, ty: &'static Type) {
    clear_weak(o);
    if ty.is_plain() { free(o, ty) } else { bury_with_its_code(o, ty) }
}

/// With a finalizer or a clear of the host's.
#[inline(never)]
extern "C" fn bury_with_its_code(o: &'static Object, ty: &'static Type) {
    let _errno = KeepErrno::new();
    let t = tls::current();
    let Some(interp) = ty.interp() else { return free(o, ty) }; // no finalizers after the end of their interpreter (C8)
    if t.identity.load(Relaxed) == DETACHED || !ptr::eq(Interp::of(t), interp) {
        return pend(o, interp);
    }
    let depth = t.burying.load(Relaxed);
    if depth >= NESTING {
        return push(&t.trash, o);
    }
    t.burying.store(depth + 1, Relaxed);
    inter(o, ty, t);
    if depth == 0 {
        empty_trash(t);
    }
    t.burying.store(depth, Relaxed);
}

/// By an attached thread, of the dead of its queue: they wait for its outermost destructor to return, or for its next safepoint.
/// If it ends before, others take them over.
pub fn put_off(t: &'static Thread, dead: Queue) {
    for o in dead {
        clear_weak(o);
        push(&t.trash, o);
        t.ask(SERVE);
    }
}

pub fn has_put_off(t: &Thread) -> bool {
    !t.trash.load(Relaxed).is_null() && t.burying.load(Relaxed) == 0
}

pub fn bury_put_off(t: &'static Thread) {
    t.burying.store(1, Relaxed);
    empty_trash(t);
    t.burying.store(0, Relaxed);
}

fn empty_trash(t: &'static Thread) {
    while let Some(next) = take(&t.trash) {
        inter(next, types::of(next), t);
    }
}

/// The thread has ended inside a destructor, or was lost by a fork: what it had put off is for others.
pub fn leave_trash(t: &Thread) {
    t.burying.store(0, Relaxed);
    while let Some(o) = take(&t.trash) {
        await_burial(o);
    }
}

/// By a merge that is no place for destructors (a release, a helper): they run at the next safepoint (C7).
pub fn await_burial(o: &'static Object) {
    clear_weak(o);
    let ty = types::of(o);
    match ty.interp() {
        Some(interp) if !ty.is_plain() => pend(o, interp),
        _ => free(o, ty),
    }
}

/// Before anything else, and on whichever thread: nobody finds the object by a weak reference any more.
fn clear_weak(o: &'static Object) {
    // Relaxed: set by a thread that had a reference, whose end came before this death.
    if o.gc.load(Relaxed) & WEAK != 0 {
        weak::clear(o);
    }
}

/// By an attached thread at a safepoint or at the end of an outermost acquire. One at a time: a finalizer may end its thread,
/// or leave for a region while others bury the rest.
pub fn bury_pending(interp: &'static Interp) {
    while let Some(o) = take_pending(interp) {
        if !interp.pending.load(Relaxed).is_null() {
            interp.requests.fetch_or(BURY, SeqCst); // for whoever attaches while this one is away
        }
        bury(o);
    }
}

/// What has come into the list of an interpreter that was closed meanwhile: its types have none any more, or another one's in the
/// same place, whose thread it then waits for.
pub fn bury_orphans(interp: &'static Interp) {
    while let Some(o) = take_pending(interp) {
        match types::of(o).interp() {
            None => await_burial(o),
            Some(_) => return pend(o, interp),
        }
    }
}

/// One at a time may take out, in an interpreter without a lock too.
fn take_pending(interp: &'static Interp) -> Option<&'static Object> {
    let mut taker = interp.owners.freeze();
    let taken = take(&interp.pending);
    taker.leave_pending(!interp.pending.load(Relaxed).is_null());
    taken
}

fn pend(o: &'static Object, interp: &'static Interp) {
    let _inside = attach::enter(); // None in a slow path: a signal handler must not come to wait for the mutex of the owners
    push(&interp.pending, o);
    interp.request(BURY);
}

/// As the others do, for one who tells whoever attaches otherwise.
pub fn pend_silently(o: &'static Object, interp: &'static Interp) {
    push(&interp.pending, o);
}

/// With the lock of the object's interpreter held.
fn inter(o: &'static Object, ty: &'static Type, t: &'static Thread) {
    clear_weak(o); // of those that come straight from a queue
    // Dying before anything that can block (R11). An RMW, as all changes of this byte are.
    let hold = locked::hold(o);
    let begun = o.gc.load(Relaxed) & FINALIZED != 0;
    let before = o.gc.fetch_or(if begun { CLEARED } else { ty.ending() }, Relaxed);
    if !begun && let Some(finalize) = ty.finalize {
        let me = match t.identity.load(Relaxed) {
            _ if check::enabled() => CHECKED,
            NOBODY => LOCKED, // several threads may be NOBODY at once, and none of them counts plainly (C10)
            me => me,
        };
        if o.owner.load(Relaxed) == LOCKED {
            locked::revive(o);
        } else {
            // PLAIN and 0 refuses tries as MERGED and 0 did.
            o.shared.store(PLAIN, Relaxed);
            o.local.store(1, Relaxed);
            o.owner.store(me, Relaxed);
        }
        if check::enabled() {
            check::table::step("finalize", o, Event::Finalize);
        }
        attach::call_out(t, None, || {
            // SAFETY: the type's maker promised that finalize takes an object of it; attached, and with a reference.
            unsafe { finalize(ptr::from_ref(o).cast_mut()) }
        });
        drop(hold);
        // An ordinary decrement: at zero it comes here again, and is not the first.
        return count::decref(o, t.identity.load(Relaxed));
    }
    if before & CLEARED == 0 && let Some(clear) = ty.clear {
        // Nobody is left whose counting could matter: from here on it changes nothing, from any thread.
        if check::enabled() {
            check::table::step("clear", o, Event::Clear);
        }
        // Release: pairs with the Acquire of a try, which then sees FINALIZED and refuses.
        o.owner.store(IMMORTAL, Release);
        attach::call_out(t, None, || {
            // SAFETY: as above; nobody else knows the object any more.
            unsafe { clear(ptr::from_ref(o).cast_mut()) }
        });
    }
    drop(hold); // before the memory goes (R14)
    free(o, ty);
}

#[inline(always)]
pub(super) fn free(o: &'static Object, ty: &'static Type) {
    let tracked = ty.traverse.is_some();
    if tracked
        && let Some(interp) = ty.interp()
        // SAFETY: it was tracked at birth.
        && !unsafe { interp.collector.untrack(o) }
    {
        return; // a traverse has let go of the lock: the memory is still in a list
    }
    let hooks = &runtime::started().expect("objects exist only while the runtime runs").hooks;
    if check::enabled() {
        return_kept(hooks, o, ty);
    } else {
        // SAFETY: nobody has a reference, and this thread alone decided so.
        unsafe { heap::release(hooks, heap::block(ptr::from_ref(o).cast_mut(), ty.payload_size, tracked)) };
    }
    types::object_died(ty, tls::current().identity.load(Relaxed));
}

/// In checking mode the memory is kept for a while, and what was kept longest is given back.
#[cold]
fn return_kept(hooks: &Option<heap::Hooks>, o: &'static Object, ty: &'static Type) {
    // SAFETY: as in `free`.
    check::table::bury(o, unsafe { super::block(o, ty) });
    while let Some(block) = check::table::evict() {
        // SAFETY: the block of an object that was freed here, and that nobody can find any more.
        unsafe { heap::release(hooks, block) };
    }
}

/// A dead object's first word serves as a link: its owner half has no top bit then, so it is nobody's token (R19).
fn link(o: &'static Object) -> &'static AtomicPtr<std::ffi::c_void> {
    // SAFETY: the object is dead, so its first 8 bytes, which are aligned, are nobody's counts any more.
    unsafe { &*ptr::from_ref(o).cast() }
}

/// Any thread may push.
pub(super) fn push(list: &AtomicPtr<std::ffi::c_void>, o: &'static Object) {
    let mut head = list.load(Relaxed);
    loop {
        link(o).store(head, Relaxed);
        // Release: pairs with the Acquire in `take`.
        match list.compare_exchange_weak(head, ptr::from_ref(o).cast_mut().cast(), Release, Relaxed) {
            Ok(_) => return,
            Err(now) => head = now,
        }
    }
}

/// One at a time may take out, its thread from its own list, the holder of a mutex from the interpreter's. So what is at the
/// head stays there, or further down, until it is taken, and its link does not change: there is no ABA.
pub(super) fn take(list: &AtomicPtr<std::ffi::c_void>) -> Option<&'static Object> {
    let mut head = list.load(Acquire); // pairs with the Release in `push`
    while !head.is_null() {
        // SAFETY: a dead object in the list, which nobody else takes out.
        let o: &'static Object = unsafe { &*head.cast() };
        match list.compare_exchange_weak(head, link(o).load(Relaxed), Acquire, Acquire) {
            Ok(_) => return Some(o),
            Err(now) => head = now,
        }
    }
    None
}
