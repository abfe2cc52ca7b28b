//! References that wait for the owner of their object: each was dropped by a thread that does not own it, when nobody had
//! counted the object atomically before (C1).

use super::count;
use super::header::*;
use super::types;
use crate::interp::MERGE;
use crate::sync::{AtomicU32, Guard, Mutex, Ordering::*};
use crate::sys::errno::KeepErrno;
use crate::watch::log;

/// Each entry owns one reference.
pub type Queue = Vec<&'static Object>;

#[derive(Debug)]
pub struct Handed(Mutex<Queue>);

impl Handed {
    pub const fn new() -> Handed {
        Handed(Mutex::new(Vec::new()))
    }

    /// The next, or None, and then MERGE is clear: whoever hands over later sets it again, after its push.
    pub fn take(&self, requests: &AtomicU32) -> Option<&'static Object> {
        let mut queue = self.0.lock();
        let next = queue.pop();
        if next.is_none() {
            requests.fetch_and(!MERGE, AcqRel);
        }
        next
    }

    pub fn freeze(&'static self) -> Guard<'static, Queue> {
        self.0.lock()
    }
}

/// The caller has set QUEUED, and its reference belongs to the queue now.
#[cold]
pub(super) fn hand_over(o: &'static Object) {
    let _errno = KeepErrno::new();
    let _inside = crate::attach::slow::enter(); // None when it is a slow path that drops the reference
    let interp = types::of(o).interp;
    let mut queue = interp.handed.0.lock();
    // Under the lock of the queue, for the owner may have merged since, and then no queue owns the reference (R4).
    match o.owner.load(Acquire) {
        IMMORTAL => return,
        MERGED_OWNER => {
            drop(queue);
            return count::decref_shared(o);
        }
        _ => {}
    }
    if queue.try_reserve(1).is_err() {
        drop(queue);
        // Nothing can be remembered, nothing can be answered: a leak, never a use after free.
        count::immortalize(o);
        return log::error(format_args!("out of memory: an object that another thread dropped is leaked"));
    }
    queue.push(o);
    drop(queue);
    interp.request(MERGE);
    interp.help();
}
