//! The end of garbage (C9): weak references, finalizers, another look, clear.
//!
//! Finalizers and clear are code of the host and may do anything: let go of the lock, start threads, drop and make objects,
//! revive garbage; and where there is no lock, other threads run meanwhile. So the collector has a reference to all that is
//! garbage until it has done with it: nothing leaves its list before.
//!
//! | world | what is done |
//! |---|---|
//! | stopped | the second look at the candidates; weak references are cleared; the references are taken |
//! | running | finalizers |
//! | stopped | the third look: what they have revived stays |
//! | running | clear; the references are dropped, and with them nearly all of the garbage |

use super::find::Look;
use super::lists::each;
use super::run::bury_dropped;
use super::*;
use crate::attach::slow as attach;
use crate::check;
use crate::interp::{Interp, world};
use crate::object::count;
use crate::object::header::{COLLECTING, FINALIZED};
use crate::object::types;
use crate::thread::Thread;

impl Collector {
    /// `garbage` is what nothing was seen to refer to. The world is stopped, and goes on in here.
    pub(super) fn dispose(&'static self, t: &'static Thread, interp: &'static Interp) {
        let found = loop {
            self.guarded(|| self.working.absorb(&self.garbage));
            let found = self.finding(t, interp, Look::Again);
            self.let_live();
            if self.condemn(&found) {
                break found;
            }
        };
        let me = t.identity.load(Relaxed);
        self.guarded(|| {
            each(&self.garbage, |links| count::incref(links.object(), me));
            self.pinned.store(true, Relaxed);
        });
        world::resume_own(t, interp);
        if found.finalizers {
            self.finalize_all(t);
            world::stop(t, interp);
            self.guarded(|| self.working.absorb(&self.garbage));
            self.finding(t, interp, Look::Pinned);
            world::resume_own(t, interp);
            self.release_revived(t);
        }
        self.clear_all(t);
        self.releasing.store(true, Relaxed);
        self.release_all(t);
        self.pinned.store(false, Relaxed);
        self.releasing.store(false, Relaxed);
        bury_dropped(t, interp);
        if check::enabled() {
            self.name_survivor();
        }
        // What is still there is referred to by something that no traverse shows, or has no clear.
        self.let_live();
    }

    /// `working` is no garbage, or no longer.
    fn let_live(&self) {
        self.guarded(|| {
            let _alone = self.alone();
            each(&self.working, |links| _ = links.object().gc.fetch_and(!(GARBAGE | COLLECTING), Relaxed));
            self.lists[OLD].absorb(&self.working);
        });
    }

    /// Each finalizer runs once in the life of its object.
    fn finalize_all(&'static self, t: &'static Thread) {
        each(&self.garbage, |links| {
            let o = links.object();
            let ty = types::of(o);
            let Some(finalize) = ty.finalize else { return };
            if o.gc.fetch_or(ty.ending(), Relaxed) & FINALIZED == 0 {
                call(t, o, finalize);
            }
        });
    }

    fn clear_all(&'static self, t: &'static Thread) {
        each(&self.garbage, |links| {
            let o = links.object();
            let Some(clear) = types::of(o).clear else { return };
            if o.gc.fetch_or(CLEARED, Relaxed) & CLEARED == 0 {
                call(t, o, clear);
            }
        });
    }

    /// What a finalizer has revived, and all that is reachable from it, is in `working`.
    fn release_revived(&self, t: &'static Thread) {
        while let Some(links) = self.working.first() {
            let o = links.object();
            o.gc.fetch_and(!(GARBAGE | COLLECTING), Relaxed);
            self.move_to(&self.lists[OLD], links);
            count::decref(o, t.identity.load(Relaxed));
        }
    }

    /// Moves `garbage` to `working`, from where most of it goes for good.
    fn release_all(&self, t: &'static Thread) {
        while let Some(links) = self.garbage.first() {
            let o = links.object();
            self.move_to(&self.working, links);
            count::decref(o, t.identity.load(Relaxed));
        }
    }
}

fn call(t: &'static Thread, o: &'static Object, f: types::FinalizeFn) {
    attach::call_out(t, None, || {
        // SAFETY: the type's maker promised that it takes an object of it; attached, and with a reference.
        unsafe { f(ptr::from_ref(o).cast_mut()) }
    });
}
