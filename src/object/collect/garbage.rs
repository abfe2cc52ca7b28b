//! The end of garbage (C9): weak references, finalizers, another look, clear.
//!
//! Finalizers and clear are code of the host and may do anything: let go of the lock, start threads, drop and make objects,
//! revive garbage. So nothing but the lists is kept across such a call, and an object leaves them by itself when it dies.

use super::find::{Found, references};
use super::lists::{Links, each};
use super::run::bury_dropped;
use super::*;
use crate::attach::slow as attach;
use crate::interp::Interp;
use crate::check;
use crate::object::count;
use crate::object::header::{COLLECTING, FINALIZED};
use crate::object::types;
use crate::thread::Thread;

impl Collector {
    /// `garbage` is what nothing was seen to refer to.
    pub(super) fn dispose(&'static self, t: &'static Thread, interp: &'static Interp) {
        let found = loop {
            self.guarded(|| self.working.absorb(&self.garbage));
            let found = self.look_again(t, interp);
            if self.condemn(&found) {
                break found;
            }
        };
        if found.finalizers {
            self.finalize_all(t);
            // What a finalizer has revived stays, and all that is reachable from it.
            self.look_again(t, interp);
        }
        self.clear_all(t);
        bury_dropped(interp);
        if check::enabled() {
            self.name_survivor();
        }
        // What is still there is referred to by something that no traverse shows, or has no clear.
        self.let_live();
    }

    /// What detached threads hold, or have got hold of since, stays.
    fn look_again(&'static self, t: &'static Thread, interp: &'static Interp) -> Found {
        let found = self.finding(t, interp, true);
        self.let_live();
        found
    }

    /// `working` is no garbage.
    fn let_live(&self) {
        each(&self.working, |links| _ = links.object().gc.fetch_and(!(GARBAGE | COLLECTING), Relaxed));
        self.guarded(|| self.lists[OLD].absorb(&self.working));
    }

    /// Moves `garbage` to `working`; each finalizer runs once in the life of its object.
    fn finalize_all(&'static self, t: &'static Thread) {
        while let Some(links) = self.garbage.first() {
            self.move_to(&self.working, links);
            let o = links.object();
            let ty = types::of(o);
            let Some(finalize) = ty.finalize else { continue };
            // Dying already (R11): by the finalizer of another, and its own is on its way.
            if references(o).is_none() || o.gc.fetch_or(ty.ending(), Relaxed) & FINALIZED != 0 {
                continue;
            }
            held(t, links, finalize);
        }
    }

    /// Moves `garbage` to `working`, from where most of it goes for good.
    fn clear_all(&'static self, t: &'static Thread) {
        while let Some(links) = self.garbage.first() {
            self.move_to(&self.working, links);
            let o = links.object();
            let Some(clear) = types::of(o).clear else { continue };
            if references(o).is_none() || o.gc.fetch_or(CLEARED, Relaxed) & CLEARED != 0 {
                continue;
            }
            held(t, links, clear);
        }
    }
}

/// Calls `f` with a reference, which may be the last when it is dropped.
fn held(t: &'static Thread, links: &Links, f: types::FinalizeFn) {
    let o = links.object();
    count::incref(o, t.identity.load(Relaxed));
    attach::call_out(t, None, || {
        // SAFETY: the type's maker promised that it takes an object of it; attached, and with a reference.
        unsafe { f(ptr::from_ref(o).cast_mut()) }
    });
    count::decref(o, t.identity.load(Relaxed));
}
