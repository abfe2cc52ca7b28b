//! A fork waits until nobody is between locking a count and unlocking it: the lock's holder would not exist in the child, and
//! no record says which object it was (L15). Counting says so by a plain store, as attaching does; who forks pays.
//!
//! | `counting` | forks | means |
//! |---|---|---|
//! | 0 | any | has no count locked |
//! | 1 | 0 | may have; whoever forks from now on waits |
//! | 1 | 1 | finishes, if it did not see the fork; otherwise takes it back without having locked |

use crate::sync::{AtomicU32, Ordering::*, fence_or_heavy_barrier, full_fence, heavy_barrier_available, light_barrier};
use crate::sys::tls;
use crate::thread::Thread;
use crate::thread::table::Table;

/// How many threads are about to fork.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Until it is dropped, no fork copies the process. For some instructions that do not block, or for others that have one.
pub struct Counting(&'static Thread);

impl Counting {
    pub fn begin() -> Counting {
        let t = tls::current();
        loop {
            set(t, 1);
            // Against `before_fork`: either this thread sees the fork, or the fork sees that it counts.
            if heavy_barrier_available() { light_barrier() } else { full_fence() }
            if FORKS.load(Relaxed) == 0 {
                return Counting(t);
            }
            set(t, 0);
            std::thread::yield_now();
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        set(self.0, 0);
    }
}

/// Release: pairs with the Acquire in `before_fork`; the lock was given back.
fn set(t: &Thread, counting: u32) {
    match (t.id, counting) {
        (0, 0) => _ = t.counting.fetch_sub(1, Release), // all threads that are nowhere have one state
        (0, _) => _ = t.counting.fetch_add(1, Relaxed),
        _ => t.counting.store(counting, Release),
    }
}

/// Holding every mutex under which somebody may come to count, and none that a count may need. A handler of a signal that interrupted this very thread while it counted does not
/// wait for itself.
pub fn before_fork(threads: &'static Table) {
    FORKS.fetch_add(1, Relaxed);
    fence_or_heavy_barrier();
    let me = tls::current();
    let strangers = [crate::runtime::nowhere()];
    for t in threads.all().chain(strangers).filter(|t| t.id == 0 || !std::ptr::eq(*t, me)) {
        while t.counting.load(Acquire) != 0 {
            std::thread::yield_now();
        }
    }
}

pub fn after_fork_in_parent() {
    FORKS.fetch_sub(1, Relaxed);
}

/// Of those who were about to fork, or to count, none exists here.
pub fn after_fork_in_child() {
    FORKS.store(0, Relaxed);
    crate::runtime::nowhere().counting.store(0, Relaxed);
}
