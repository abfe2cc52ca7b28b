//! The bias: while one thread is alone with the lock, its plain stores to `self` are the lock (Dekker's algorithm with an
//! asymmetric fence, as in biased locking by Kawachiya, Koseki and Onodera, OOPSLA 2002, and Dice, Moir and Scherer).
//!
//! Whoever else wants the lock sets UNBIASED in the owner's breaker, makes a heavy barrier and reads the owner's `self`.
//! After the barrier either the revoker sees the owner's last store, or the owner sees UNBIASED. Grants and revocations
//! both hold the mutex: otherwise one that publishes before it clears would lose the other's (A3).
//!
//! `cfg(gilrt_stress)` grants biases at once and for ever: a build for the stress that shows what the barrier is for (L20).

use super::word::*;
use super::*;
use crate::sync::mutant;
use crate::thread::{CLOSED, DETACHED, UNBIASED};

/// So many acquisitions in a row by one thread, each about 10 ns dearer than a biased one, are worth the membarrier
/// (1 to 4 µs) that the next revocation costs.
pub const EARNED: u32 = if cfg!(gilrt_stress) { 1 } else { 1000 };
/// A contended lock pays one membarrier a millisecond at the most ...
const SHORTEST: Ns = if cfg!(gilrt_stress) { 0 } else { 1_000_000 };
/// ... and one whose biases never last, one a second.
const LONGEST: Ns = if cfg!(gilrt_stress) { 0 } else { 1_000_000_000 };

/// When the lock may be biased again.
#[derive(Debug)]
pub struct History {
    granted: Ns,
    not_before: Ns,
    backoff: Ns,
}

impl History {
    pub const fn new() -> History {
        History { granted: 0, not_before: 0, backoff: SHORTEST }
    }

    /// A bias that lasted ten times its pause was worth it; others double the pause.
    fn revoked(&mut self, now: Ns) {
        let lasted = now.saturating_sub(self.granted);
        self.backoff = if lasted > 10 * self.backoff { SHORTEST } else { (2 * self.backoff).min(LONGEST) };
        self.not_before = now + self.backoff;
    }
}

impl Gil {
    /// Under the mutex: takes the bias away from its owner. The lock is free afterwards if the owner was outside.
    pub(super) fn revoke(&self, inner: &mut Inner, seen: Word) -> Word {
        let owner = self.table.at(seen.holder());
        owner.breaker.fetch_or(UNBIASED, Relaxed);
        crate::sync::heavy_barrier();
        inner.counters.revocations += 1;
        inner.bias.revoked(crate::sync::now());
        self.earned.store(if cfg!(loom) { u32::MAX } else { EARNED }, Relaxed);
        // After the barriers: either we see the owner's last store to `self`, or it sees UNBIASED.
        // Acquire: pairs with the Release in `detach`; what the owner did is seen.
        let outside = owner.identity.load(Acquire) == DETACHED;
        let next = seen.without(if outside { BIASED | HELD } else { BIASED });
        // Nobody else changes a biased word: its owner comes through the mutex (A3).
        self.word.store(next.0, Release);
        next
    }

    /// By the holder: from now on the fast paths. Nothing happens when somebody waits, when it closes, too soon after a
    /// revocation, or where the heavy barrier is not to be had.
    #[cold]
    pub fn take_bias(&self, t: &'static Thread) {
        t.streak.store(0, Relaxed);
        let publish = |seen: Word| {
            self.word.compare_exchange(seen.0, seen.with(BIASED).0, Relaxed, Relaxed).is_ok()
        };
        let clear = || match mutant!("breaker-whole-word") {
            false => _ = t.breaker.fetch_and(!UNBIASED, Relaxed),
            true => t.breaker.store(0, Relaxed),
        };
        if mutant!("bias-publish-then-clear-unlocked") {
            let seen = self.word();
            if !seen.has(WAITERS | BIASED | FAIR) && publish(seen) {
                clear();
            }
            return;
        }
        let mut inner = self.inner.lock();
        let seen = self.word();
        let now = crate::sync::now();
        if !crate::sync::heavy_barrier_available() {
            self.earned.store(u32::MAX, Relaxed); // and nobody tries again
            return;
        }
        let closed = t.breaker.load(Relaxed) & CLOSED != 0; // set under the mutex
        if closed || seen.has(WAITERS | WAKING | FAIR | BIASED) || now < inner.bias.not_before {
            return;
        }
        inner.bias.granted = now;
        t.since.store(LONG_AGO, Relaxed);
        clear();
        // Held by us and without a flag, so only a waiter could change it, and waiters need the mutex.
        publish(seen);
    }
}
