//! A fork copies the lists, and may be made by a thread that does not hold the lock, at any moment of one that does.
//!
//! | the other was | the fork | the child |
//! |---|---|---|
//! | looking for garbage, or moving more than one object | waits for it | |
//! | linking or unlinking one | does not | does it again |
//! | in a finalizer or a clear | does not | takes back what the collection had, when the next begins |

use super::Frozen;
use super::generations::OLD;
use super::lists::{Links, List};
use super::{Collector, FINDING, FORSAKEN, IDLE};
use crate::object::count;
use crate::object::header::{COLLECTING, GARBAGE, Object};
use crate::sync::Ordering::*;
use crate::sys::tls;
use crate::thread::Thread;
use std::ptr;
use std::sync::atomic::compiler_fence;

impl Collector {
    /// Links or unlinks one object. Fences of the compiler are enough: what a child sees is what this processor had done at one
    /// moment.
    #[inline(always)]
    pub(super) fn change(&self, links: &Links, f: impl FnOnce()) {
        compiler_fence(SeqCst);
        self.changing.store(ptr::from_ref(links).cast_mut(), Relaxed);
        compiler_fence(SeqCst);
        f();
        compiler_fence(SeqCst);
        self.changing.store(ptr::null_mut(), Relaxed);
    }

    /// Held by a fork while the process is copied. Not by a fork in a traverse, which would wait for itself: that child has a
    /// finding to end.
    pub fn freeze(&'static self) -> Frozen {
        let mine = self.is(FINDING) && self.runner.load(Relaxed) == tls::current().id;
        ((!mine).then(|| self.finding.lock()), self.linking.lock())
    }

    /// In a forked child: finishes what a thread that does not exist here was doing to the lists.
    pub fn after_fork(&self, survivor: Option<&Thread>) {
        // SAFETY: null, or links in memory that was not freed, for whoever frees had changed them before.
        if let Some(links) = unsafe { self.changing.load(Relaxed).as_ref() } {
            links.unlink(); // again; a birth is undone: only its thread knew of the object
            self.changing.store(ptr::null_mut(), Relaxed);
        }
        if !self.is(IDLE) && survivor.is_none_or(|t| t.id != self.runner.load(Relaxed)) {
            self.phase.store(FORSAKEN, Relaxed);
        }
    }

    /// What a collection without an end had in its hands becomes old, and its references are dropped.
    pub(super) fn take_back(&self, t: &'static Thread) {
        let (pinned, releasing) = (self.pinned.swap(false, Relaxed), self.releasing.swap(false, Relaxed));
        for (list, pinned) in [(&self.working, pinned && !releasing), (&self.garbage, pinned)] {
            while let Some((o, garbage)) = self.take_first(list) {
                if pinned && garbage {
                    count::decref(o, t.identity.load(Relaxed));
                }
            }
        }
    }

    /// Makes the first of a list old. Whether it was garbage.
    fn take_first(&self, list: &List) -> Option<(&'static Object, bool)> {
        let mut first = None;
        self.guarded(|| {
            let _alone = self.alone(); // others may drop the last reference to what is not pinned
            let Some(links) = list.first() else { return };
            let garbage = links.object().gc.fetch_and(!(GARBAGE | COLLECTING), Relaxed) & GARBAGE != 0;
            links.unlink();
            self.lists[OLD].append(links, 0);
            first = Some((links.object(), garbage));
        });
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::collect::generations::YOUNG;
    use crate::object::collect::{RUNNING, lists};
    use crate::object::header::{IMMORTAL, Object, PLAIN};

    #[repr(C)]
    struct Tracked {
        links: [u64; 2],
        object: Object,
    }

    /// An object of no type, as the lists see it.
    fn tracked() -> &'static Object {
        let new = Tracked { links: [0; 2], object: Object::born(IMMORTAL, 0, PLAIN, 0, 0) };
        &Box::leak(Box::new(new)).object
    }

    fn young(c: &Collector) -> Vec<*const Object> {
        let mut members = Vec::new();
        lists::each(&c.lists[YOUNG], |links| members.push(ptr::from_ref(links.object())));
        members
    }

    fn collector_with(objects: &[&'static Object]) -> &'static Collector {
        let c: &Collector = Box::leak(Box::new(Collector::new()));
        // SAFETY: there is room for links before each, and they are in no list.
        objects.iter().for_each(|o| unsafe { c.track(o) });
        c
    }

    fn addresses(objects: &[&'static Object]) -> Vec<*const Object> {
        objects.iter().map(|o| ptr::from_ref(*o)).collect()
    }

    /// L15: a fork in the middle of it, at each of its stores.
    #[test]
    fn a_forked_child_finishes_what_was_being_done_to_a_list() {
        for at in 0..3 {
            for done in 0..=2 {
                let o = [tracked(), tracked(), tracked()];
                let c = collector_with(&o);
                // SAFETY: room for links, as above.
                let links = unsafe { Links::of(o[at]) };
                c.changing.store(ptr::from_ref(links).cast_mut(), Relaxed);
                links.unlink_up_to(done);
                c.after_fork(None);
                let mut left = addresses(&o);
                left.remove(at);
                assert_eq!(young(c), left);
                // Backwards too: whoever comes next and goes again leaves it as it was.
                let late = tracked();
                // SAFETY: as above; and it was tracked.
                unsafe {
                    c.track(late);
                    assert!(c.untrack(o[(at + 1) % 3]));
                }
                left.retain(|&member| !ptr::eq(member, o[(at + 1) % 3]));
                left.push(late);
                assert_eq!(young(c), left);
            }
        }
    }

    #[test]
    fn a_collection_whose_thread_a_fork_has_lost_is_taken_back() {
        let o = [tracked(), tracked(), tracked()];
        let c = collector_with(&o);
        c.working.absorb(&c.lists[YOUNG]);
        // SAFETY: room for links, as above.
        c.move_to(&c.garbage, unsafe { Links::of(o[1]) });
        o[1].gc.store(GARBAGE, Relaxed);
        c.phase.store(RUNNING, Relaxed);
        c.runner.store(7, Relaxed);
        c.after_fork(None);
        assert!(c.is(FORSAKEN));
        c.take_back(crate::runtime::nowhere());
        let mut old = Vec::new();
        lists::each(&c.lists[OLD], |links| old.push(ptr::from_ref(links.object())));
        assert_eq!(old, addresses(&[o[0], o[2], o[1]]));
        assert_eq!(o[1].gc.load(Relaxed), 0);
        assert!(c.working.is_empty() && c.garbage.is_empty());
    }
}
