//! A member has fewer references than visits: some traverse visits what its object does not refer to. It is kept, and the
//! type that visits it most often is named.

use super::Collector;
use super::lists::each;
use crate::object::header::Object;
use crate::object::types;
use crate::sync::Ordering::Relaxed;
use crate::thread::Thread;
use std::ffi::{c_int, c_void};
use std::ptr;

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
