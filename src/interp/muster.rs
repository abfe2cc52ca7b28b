//! How a thread that stops the world learns that the others stand still, without being woken by each of them: it counts those that
//! still run, and sleeps until so many have arrived at a place where they are detached.
//!
//! | word | means | changed by |
//! |---|---|---|
//! | arrivals | how often a thread has detached because it saw STOP; wraps | the thread, after its `self` says DETACHED |
//! | awaited | at which number of arrivals the stopper looks again; an old one wakes nobody | the stopper, before it sleeps |
//!
//! Arrivals only say when to look: that the others stand still is what their `self` says. Who was seen attached after the arrivals
//! were read arrives once more, for its arrivals until then came after other detachments, which would have been seen. So a count
//! that was read before cannot be too high to be reached; and a thread that only tried to attach arrives as well, so it may be
//! reached too early.

use crate::sync::{AtomicU32, Ordering::*, fence_after_rmw, full_fence, mutant};

#[derive(Debug)]
pub struct Muster {
    arrivals: AtomicU32,
    awaited: AtomicU32,
    #[cfg(loom)]
    bell: loom::sync::Notify,
}

impl Muster {
    #[cfg(not(loom))]
    pub const fn new() -> Muster {
        Muster { arrivals: AtomicU32::new(0), awaited: AtomicU32::new(0) }
    }

    #[cfg(loom)]
    pub fn new() -> Muster {
        Muster { arrivals: AtomicU32::new(0), awaited: AtomicU32::new(0), bell: loom::sync::Notify::new() }
    }

    /// By a thread that has detached since it saw STOP, or whose state has ended. One of them all makes a system call.
    pub fn arrive(&self) {
        // Release: pairs with the Acquire in `arrivals`, so that who knows of the arrival sees the thread detached.
        let now = self.arrivals.fetch_add(1, Release).wrapping_add(1);
        // Pairs with the fence in `wait_for`: either the stopper sees this arrival, or this thread sees what is awaited.
        fence_after_rmw();
        if now == self.awaited.load(Relaxed) {
            self.ring();
        }
    }

    /// To be read before looking who still runs, for [`Muster::wait_for`].
    pub fn arrivals(&self) -> u32 {
        self.arrivals.load(Acquire) // pairs with the Release in `arrive`
    }

    /// Until `more` have arrived since there were `seen`. By one thread at a time: the stopper.
    pub fn wait_for(&self, seen: u32, more: u32) {
        let awaited = seen.wrapping_add(more);
        self.awaited.store(awaited, Relaxed);
        if !mutant!("musters-without-fence") {
            full_fence();
        }
        loop {
            let now = self.arrivals();
            if awaited.wrapping_sub(now).cast_signed() <= 0 {
                return;
            }
            self.sleep(now);
        }
    }

    #[cfg(not(loom))]
    fn sleep(&self, seen: u32) {
        crate::sys::futex::wait(&self.arrivals, seen, u64::MAX);
    }

    #[cfg(not(loom))]
    fn ring(&self) {
        crate::sys::futex::wake_all(&self.arrivals);
    }

    #[cfg(loom)]
    fn sleep(&self, _: u32) {
        self.bell.wait();
    }

    #[cfg(loom)]
    fn ring(&self) {
        self.bell.notify();
    }
}
