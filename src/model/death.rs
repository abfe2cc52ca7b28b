//! The end of an object, as `crate::object::death` has it, less the host's code and the nesting.

use super::header::*;
use super::owners::Queue;
use super::types;
use super::{count, weak};
use crate::interp::{BURY, Interp};
use crate::sync::Ordering::*;
use crate::sys::tls;
use crate::thread::{DETACHED, SERVE, Thread};
use std::ptr;

pub fn bury(o: &'static Object) {
    clear_weak(o);
    let t = tls::current();
    let interp = types::of(o).interp().expect("interpreters of models stay open");
    if t.identity.load(Relaxed) == DETACHED || !ptr::eq(Interp::of(t), interp) {
        return pend(o, interp);
    }
    inter(o, t);
}

pub fn put_off(t: &'static Thread, dead: Queue) {
    for o in dead {
        clear_weak(o);
        types::chain(o, &t.trash);
        t.poll.fetch_or(SERVE, Relaxed);
    }
}

pub fn has_put_off(t: &Thread) -> bool {
    !t.trash.load(Relaxed).is_null()
}

pub fn bury_put_off(t: &'static Thread) {
    while let Some(o) = types::unchain(&t.trash) {
        inter(o, t);
    }
}

pub fn await_burial(o: &'static Object) {
    clear_weak(o);
    pend(o, types::of(o).interp().expect("as above"));
}

fn clear_weak(o: &'static Object) {
    if o.gc.load(Relaxed) & WEAK != 0 {
        weak::clear(o);
    }
}

fn pend(o: &'static Object, interp: &'static Interp) {
    interp.pending.lock().push(o);
    interp.request(BURY);
}

pub fn bury_pending(interp: &'static Interp) {
    while let Some(o) = take_pending(interp) {
        if !interp.pending.lock().is_empty() {
            interp.requests.fetch_or(BURY, SeqCst);
        }
        bury(o);
    }
}

fn take_pending(interp: &Interp) -> Option<&'static Object> {
    let mut taker = interp.owners.freeze();
    let mut pending = interp.pending.lock();
    let taken = pending.pop();
    taker.leave_pending(!pending.is_empty());
    taken
}

fn inter(o: &'static Object, t: &'static Thread) {
    clear_weak(o);
    assert_ne!(t.identity.load(Relaxed), DETACHED, "finalized by a detached thread");
    if o.gc.fetch_or(FINALIZED, Relaxed) & FINALIZED != 0 {
        return free(o);
    }
    let me = t.identity.load(Relaxed);
    o.shared.store(PLAIN, Relaxed);
    o.local.store(1, Relaxed);
    o.owner.store(me, Relaxed);
    types::finalize(o);
    count::decref(o, me);
}

fn free(o: &'static Object) {
    o.local.free();
    o.owner.free();
    o.shared.free();
    o.lock.free();
    o.gc.free();
}
