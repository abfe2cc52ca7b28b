//! What nothing outside refers to: trial deletion, as CPython's collector does it.
//!
//! 1. Each member is given the number of its references.
//! 2. Each member's children, if they are members, lose one: what is left comes from outside.
//! 3. In order, a member with references left stays, and its children get one; others are put aside, and come back when
//!    something that stays turns out to reach them.
//!
//! Bounded stack: the list is the work list. The lock is held, or the world is stopped. Nothing but `traverse` runs meanwhile, and it must not call back. If it does, the
//! members stay where they are: births go to the young generation, and what dies is freed later.
//!
//! # What detached threads count meanwhile
//!
//! They hold counted references, so what they hold is seen, unless one of them takes a reference to a member that has been
//! read and then drops one to a member that has not; and a weak reference leads to one from nothing. Hence the second finding,
//! among the candidates alone: every member is marked COLLECTING first; who takes a reference to what it does not own looks for
//! the mark afterwards and takes it away (`count`, `attempt`). The marks are looked at after the last count was read: at that
//! moment such a thread either still has what it had when the mark was set, which was counted, or it has taken a mark away
//! before it dropped that. Weak references are cleared if all marks are still there when nobody can follow one any more.

use super::lists::{MEMBER, Links, ONE, UNREACHED, each};
use super::{Collector, FINDING};
use crate::object::header::*;
use crate::object::types::{self, VisitFn};
use crate::object::weak;
use crate::sync::{Ordering::*, fence_after_rmw};
use crate::thread::Thread;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::fence;

/// References of what is kept whatever the others say: more than traverses could ever take away.
const HELD: usize = ONE << 48;

/// Acquire: pairs with the Release of who takes the mark away.
fn is_marked(o: &Object) -> bool {
    o.gc.load(Acquire) & COLLECTING != 0
}

/// The references that the header counts; None if the object is no business of the collector: immortal, hot, or dying
/// (pending, in its clear, or the last reference is just gone), or somebody merges it just now on behalf of its owner.
pub fn references(o: &Object) -> Option<usize> {
    let owner = o.owner.load(Acquire); // pairs with the AcqRel of the CAS in `merge`
    let local = match owner {
        IMMORTAL | HOT => return None,
        // Merged; or dead, and the header is a link (R19).
        owner if owner < FIRST_TOKEN => 0,
        _ => i64::from(o.local.load(Acquire)),
    };
    let shared = o.shared.load(Acquire);
    // A merge takes `local` after the owner and before it publishes `shared`.
    let torn = match owner < FIRST_TOKEN {
        true => state(shared) != MERGED,
        false => o.owner.load(Relaxed) != owner,
    };
    let sum = local + i64::from(count(shared));
    (!torn && sum > 0).then_some(sum as usize)
}

/// Which look at the members it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    First,
    /// At the candidates, with marks.
    Again,
    /// Likewise, when the collector has a reference to each.
    Pinned,
}

#[derive(Default)]
pub struct Found {
    pub kept: usize,
    /// Whether something of the garbage may have to be finalized, or has weak references.
    pub finalizers: bool,
    pub weak: bool,
}

impl Collector {
    /// Puts aside into `garbage` what nothing outside of `working` refers to, and leaves there what stays. `again`: see above.
    pub(super) fn find(&'static self, t: &'static Thread, look: Look) -> Found {
        let again = look != Look::First;
        let pins = usize::from(look == Look::Pinned);
        if again {
            each(&self.working, |links| _ = links.object().gc.fetch_or(COLLECTING, SeqCst));
            fence_after_rmw(); // the marks come before the counts: pairs with the fence in `count::add`
        }
        debug_assert!(self.garbage.is_empty() && self.is(FINDING));
        each(&self.working, |links| {
            let refs = references(links.object()).map_or(HELD, |n| n.saturating_sub(pins) * ONE);
            links.set_prev(refs | MEMBER);
        });
        // Pairs with the Release of the decrements: whoever dropped a reference before that was counted had looked for marks on
        // what it took before, and those looks come before ours.
        fence(Acquire);
        each(&self.working, |links| self.ask(t, links.object(), take_one, ptr::from_ref(self).cast()));
        self.name_the_liar(t);
        let mut found = Found::default();
        self.working.judge(&self.garbage, |links, refs| {
            let o = links.object();
            let stays = refs != 0 || again && !is_marked(o);
            if stays {
                found.kept += 1;
                self.ask(t, o, give_one, ptr::from_ref(self).cast());
            }
            stays
        });
        each(&self.garbage, |links| {
            links.set_prev(links.prev() & !(MEMBER | UNREACHED));
            found.finalizers |= types::of(links.object()).finalize.is_some();
            found.weak |= links.object().gc.load(Relaxed) & WEAK != 0;
        });
        found
    }

    /// Whether the garbage is garbage still; from then on nobody finds it any more.
    pub(super) fn condemn(&self, found: &Found) -> bool {
        let mut weak = found.weak.then(weak::freeze);
        let mut gone = false;
        each(&self.garbage, |links| {
            // One RMW against those of a try, which takes the mark away before or finds GARBAGE, and of a new weak reference.
            gone |= links.object().gc.fetch_or(GARBAGE, AcqRel) & COLLECTING == 0;
        });
        each(&self.garbage, |links| {
            let o = links.object();
            if gone {
                o.gc.fetch_and(!GARBAGE, Relaxed);
            } else if let Some(weak) = weak.as_mut().filter(|_| o.gc.load(Relaxed) & WEAK != 0) {
                weak::clear_frozen(weak, o);
            }
        });
        !gone
    }

    /// Has `visit` called for each child of `o`, unless they are being dropped: then they count as held from outside.
    #[inline(always)]
    pub(super) fn ask(&self, t: &'static Thread, o: &'static Object, visit: VisitFn, user: *const c_void) {
        if o.gc.load(Relaxed) & CLEARED != 0 {
            return;
        }
        let ty = types::of(o);
        let Some(traverse) = ty.traverse else { return };
        // SAFETY: the type's maker promised that traverse takes an object of it, and calls `visit` for its children.
        unsafe { traverse(ptr::from_ref(o).cast_mut(), visit, user.cast_mut()) };
        if self.has_strayed(t) {
            self.bring_back(t, ty);
        }
    }
}

/// The collector that asks, and the links of the child if it is a member of its finding.
#[inline(always)]
fn member(child: *mut Object, user: *mut c_void) -> Option<(&'static Collector, &'static Object, &'static Links)> {
    // SAFETY: `ask` passed its collector, which is never freed; a child is NULL, or an object that its parent refers to.
    let (collector, child): (&'static Collector, &'static Object) =
        unsafe { (&*user.cast::<Collector>(), child.as_ref()?) };
    let ty = types::of(child);
    if ty.traverse.is_none() || !ty.interp().is_some_and(|i| ptr::eq(&i.collector, collector)) {
        return None; // a leaf, or another interpreter's: from there it is a reference from outside
    }
    // SAFETY: its type has traverse.
    let links = unsafe { Links::of(child) };
    (links.prev() & MEMBER != 0).then_some((collector, child, links))
}

unsafe extern "C" fn take_one(child: *mut Object, user: *mut c_void) -> c_int {
    if let Some((collector, child, links)) = member(child, user) {
        match links.prev() {
            aside if aside & UNREACHED != 0 => {} // a traverse kept the function for later
            refs if refs >= ONE => links.set_prev(refs - ONE),
            _ => {
                links.set_prev(HELD | MEMBER);
                collector.visited_too_often.store(ptr::from_ref(child).cast_mut(), Relaxed);
            }
        }
    }
    0
}

unsafe extern "C" fn give_one(child: *mut Object, user: *mut c_void) -> c_int {
    if let Some((collector, _, links)) = member(child, user) {
        match links.prev() {
            aside if aside & UNREACHED != 0 => {
                links.unlink();
                collector.working.append_counted(links, ONE);
            }
            refs if refs < ONE => links.set_prev(ONE | MEMBER),
            _ => {}
        }
    }
    0
}
