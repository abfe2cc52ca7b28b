//! A member has fewer references than visits: some traverse visits what its object does not refer to. It is kept, and the
//! type that visits it most often is named.

use super::Collector;
use super::find::references;
use super::lists::each;
use crate::check;
use crate::object::header::{CLEARED, Object};
use crate::object::types;
use crate::sync::Ordering::Relaxed;
use crate::thread::Thread;
use std::ffi::{c_int, c_void};
use std::ptr;

impl Collector {
    /// In checking mode, when garbage has been cleared: one that is still referred to, although all that seemed to refer to it
    /// has dropped its children, may have been in use. Callbacks can hand garbage on, so this is a hint.
    pub(super) fn name_survivor(&self) {
        let (mut whole, mut survivor) = (true, None);
        let alone = self.alone();
        each(&self.working, |links| match links.object() {
            o if o.gc.load(Relaxed) & CLEARED == 0 => whole = false,
            o if references(o).is_some() => survivor = Some(o),
            _ => {}
        });
        drop(alone);
        if let Some(o) = survivor.filter(|_| whole) {
            check::note(format_args!(
                "collector: an object of type {} was cleared, and is still referred to: a traverse visits what its object does not \
                 own, or a callback has handed it on",
                types::of(o).shown_name()
            ));
        }
    }
}

struct Visits {
    of: *const Object,
    count: usize,
}

impl Collector {
    /// In a finding, when the references that come from inside have been taken away. Once a finding: all of it is traversed
    /// again.
    pub(super) fn name_the_liar(&self, t: &'static Thread) {
        let child = self.visited_too_often.swap(ptr::null_mut(), Relaxed);
        // SAFETY: null, or a member; none is freed during a finding.
        let Some(child) = (unsafe { child.as_ref() }) else { return };
        let mut most = (0, None);
        each(&self.working, |links| {
            let parent = links.object();
            let mut visits = Visits { of: child, count: 0 };
            self.ask(t, parent, count, (&raw mut visits).cast());
            if visits.count > most.0 {
                most = (visits.count, Some(parent));
            }
        });
        let (count, Some(liar)) = most else { return };
        self.report(format_args!(
            "a type lies: an object of type {} has fewer references than visits, {count} of them in one traverse of type {}; it \
             is kept",
            types::of(child).shown_name(),
            types::of(liar).shown_name()
        ));
    }
}

unsafe extern "C" fn count(child: *mut Object, user: *mut c_void) -> c_int {
    // SAFETY: as `name_the_liar` passed it.
    let visits = unsafe { &mut *user.cast::<Visits>() };
    visits.count += usize::from(ptr::eq(child, visits.of));
    0
}
