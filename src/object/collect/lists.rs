//! Lists of objects, linked through the 16 bytes before their headers: doubly, so that an object leaves its list without
//! knowing which it is.
//!
//! | `prev` | means |
//! |---|---|
//! | a pointer | in a list, and no member of a finding |
//! | references × ONE, MEMBER | a member, not judged yet: the list is linked forwards only |
//! | a pointer, MEMBER, UNREACHED | a member that nothing was seen to reach so far |
//!
//! Guarded by the lock of the interpreter. Atomics, because a visit function that a traverse keeps may be called at any
//! time; always Relaxed.

use crate::object::header::Object;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

pub const MEMBER: usize = 1;
pub const UNREACHED: usize = 2;
/// One reference in `prev`.
pub const ONE: usize = 4;
const FLAGS: usize = MEMBER | UNREACHED;

#[derive(Debug)]
#[repr(C, align(16))]
pub struct Links {
    prev: AtomicUsize,
    next: AtomicPtr<Links>,
}

const _: () = assert!(size_of::<Links>() == 16 && size_of::<Object>() == 16);

impl Links {
    /// # Safety
    /// The type of the object has traverse: then `heap::allocate` made room for links before its header.
    #[inline(always)]
    pub unsafe fn of(o: &Object) -> &'static Links {
        // SAFETY: by the contract; they live as long as the object.
        unsafe { &*ptr::from_ref(o).cast::<Links>().sub(1) }
    }

    /// Not of a list's head.
    #[inline(always)]
    pub fn object(&self) -> &'static Object {
        // SAFETY: links that are no list's head stand directly before an object's header, and in a list only while it lives.
        unsafe { &*ptr::from_ref(self).add(1).cast::<Object>() }
    }

    #[inline(always)]
    pub fn prev(&self) -> usize {
        self.prev.load(Relaxed)
    }

    #[inline(always)]
    pub fn set_prev(&self, prev: usize) {
        self.prev.store(prev, Relaxed);
    }

    #[inline(always)]
    fn next(&self) -> &'static Links {
        // SAFETY: a neighbour in the list: a head, which is the collector's, or an object's links, until it is unlinked.
        unsafe { &*self.next.load(Relaxed) }
    }

    /// Of a member whose `prev` is a pointer.
    fn before(&self) -> &'static Links {
        // SAFETY: as in `next`.
        unsafe { &*((self.prev() & !FLAGS) as *const Links) }
    }

    #[inline(always)]
    fn set_next(&self, next: &Links) {
        self.next.store(ptr::from_ref(next).cast_mut(), Relaxed);
    }

    #[inline(always)]
    pub fn address(&self) -> usize {
        ptr::from_ref(self) as usize
    }

    /// Takes an object out of whichever list it is in. What it points to stays as it was: `mend` may do this again.
    pub fn unlink(&self) {
        let (before, next) = (self.before(), self.next());
        before.set_next(next);
        next.set_prev(before.address() | (next.prev() & FLAGS));
    }
}

#[cfg(test)]
impl Links {
    /// As far as a fork may find it.
    pub fn unlink_up_to(&self, stores: usize) {
        let (before, next) = (self.before(), self.next());
        if stores > 0 {
            before.set_next(next);
        }
        if stores > 1 {
            next.set_prev(before.address());
        }
    }
}

/// A ring through its head. All zero is empty too: there is nothing to start.
#[derive(Debug)]
pub struct List {
    head: Links,
}

impl List {
    pub const fn new() -> List {
        List { head: Links { prev: AtomicUsize::new(0), next: AtomicPtr::new(ptr::null_mut()) } }
    }

    /// Empty, whatever its members point to.
    pub fn reset(&self) {
        self.head.set_prev(0);
        self.head.next.store(ptr::null_mut(), Relaxed);
    }

    pub fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    pub fn first(&self) -> Option<&'static Links> {
        // SAFETY: null, the head, or an object's links.
        let first: &'static Links = unsafe { self.head.next.load(Relaxed).as_ref() }?;
        self.is_member(first)
    }

    /// The one behind `links`, which is in this list.
    #[inline(always)]
    pub fn after(&self, links: &Links) -> Option<&'static Links> {
        self.is_member(links.next())
    }

    #[inline(always)]
    fn is_member(&self, links: &'static Links) -> Option<&'static Links> {
        (!ptr::eq(links, &self.head)).then_some(links)
    }

    fn ring(&self) -> &Links {
        if self.head.next.load(Relaxed).is_null() {
            self.head.set_prev(self.head.address());
            self.head.set_next(&self.head);
        }
        &self.head
    }

    /// At the end.
    #[inline(always)]
    pub fn append(&self, links: &Links, flags: usize) {
        self.prepare(links);
        links.set_prev(links.prev() | flags);
        self.publish(links);
    }

    /// At the end, as a member that is not judged yet.
    pub fn append_counted(&self, links: &Links, refs: usize) {
        self.prepare(links);
        self.publish(links);
        links.set_prev(refs | MEMBER);
    }

    /// The first half of appending: so far nothing but `links` has changed.
    #[inline(always)]
    pub fn prepare(&self, links: &Links) {
        let head = self.ring();
        links.set_prev(head.prev());
        links.set_next(head);
    }

    #[inline(always)]
    pub fn publish(&self, links: &Links) {
        links.before().set_next(links);
        self.head.set_prev(links.address());
    }

    /// Takes over everything that `other` has.
    pub fn absorb(&self, other: &List) {
        let Some(first) = other.first() else { return };
        let (head, last) = (self.ring(), other.head.before());
        let end = head.before();
        end.set_next(first);
        first.set_prev(end.address());
        last.set_next(head);
        head.set_prev(last.address());
        other.head.set_prev(other.head.address());
        other.head.set_next(&other.head);
    }

    /// Judges every member in order: `keep`, which is told the references left to it, says whether it stays. All before it have
    /// their `prev` back then, and so has it. What does not stay goes to `other`, UNREACHED. `keep` may append to this list and
    /// take out of `other`.
    #[inline(always)]
    pub fn judge(&self, other: &List, mut keep: impl FnMut(&'static Links, usize) -> bool) {
        let head = self.ring();
        let (mut previous, mut at) = (head, self.first());
        while let Some(links) = at {
            let refs = links.prev();
            links.set_prev(previous.address());
            if keep(links, refs & !FLAGS) {
                previous = links;
                at = self.after(links);
                continue;
            }
            let next = links.next();
            previous.set_next(next);
            if ptr::eq(next, head) {
                head.set_prev(previous.address());
            }
            other.append(links, MEMBER | UNREACHED);
            at = self.is_member(next);
        }
    }
}

/// In order; `f` must leave the list as it is.
#[inline(always)]
pub fn each(list: &List, mut f: impl FnMut(&'static Links)) {
    let mut at = list.first();
    while let Some(links) = at {
        f(links);
        at = list.after(links);
    }
}
