//! Winning the lock.

use super::word::*;
use super::*;
use crate::sync::mutant;
use crate::thread::{CLOSED, DETACHED};

/// Acquire: pairs with the Release that freed the lock. Release: whoever finds this thread by the word, in `Gil::tell`, finds
/// its state as the table made it.
const ACQUIRE: std::sync::atomic::Ordering = AcqRel;

impl Gil {
    /// Called by an acquire that found its breaker set; it has stored the token into `self` already. On Ok the lock word
    /// names the thread and `self` is its token; on Err `self` is DETACHED.
    pub fn acquire_slow(&self, t: &'static Thread, how: Wait) -> Result<(), Status> {
        if !self.take_free(t) {
            self.win_in_mutex(t, how)?;
            t.acquires.store(t.acquires.load(Relaxed) + 1, Relaxed);
        }
        self.admit(t, how)
    }

    /// By a thread that has just won the lock: once its interpreter is closing, it keeps it only to come back.
    #[inline]
    pub fn admit(&self, t: &'static Thread, how: Wait) -> Result<(), Status> {
        // Pairs with the fence in `close`: either the closer sees the lock held, or this thread sees CLOSED.
        if !mutant!("admits-unfenced") {
            fence_after_win();
        }
        if t.breaker.load(Relaxed) & CLOSED == 0 {
            return Ok(());
        }
        if how == Wait::Return && !mutant!("close-refuses-regions") {
            // Whoever closes looks at the lock and then at `away`, which the caller is about to count down: not in between.
            if !mutant!("return-meets-closer") {
                drop(self.inner.lock());
            }
            return Ok(());
        }
        let refused = refuse(t, Status::Closed);
        self.release_slow(t);
        refused
    }

    /// Takes a free lock by one CAS, which is all that an acquire needs when nobody has the bias and nobody is inside.
    #[inline]
    pub fn take_free(&self, t: &'static Thread) -> bool {
        if !self.try_word(t) {
            return false;
        }
        t.acquires.store(t.acquires.load(Relaxed) + 1, Relaxed);
        true
    }

    /// Whether the holder may take the bias, which needs the mutex: not to be done where a signal handler would be let in.
    #[inline]
    pub fn has_earned(&self, t: &'static Thread) -> bool {
        t.streak.load(Relaxed) >= self.earned.load(Relaxed) && t.id != HELPER
    }

    #[inline]
    pub(super) fn try_word(&self, t: &'static Thread) -> bool {
        let mut seen = self.word();
        while !seen.has(HELD) {
            // Acquire: pairs with the Release that freed the lock, in `free_held` or `let_go`.
            let order = if mutant!("word-acquire-relaxed") { Relaxed } else { ACQUIRE };
            match self.word.compare_exchange_weak(seen.0, seen.taken_by(t.id).0, order, Relaxed) {
                Ok(_) => {
                    self.began(t, seen, || seen.has(WAITERS));
                    return true;
                }
                Err(now) => seen = Word(now),
            }
        }
        false
    }

    #[cold]
    pub(super) fn win_in_mutex(&self, t: &'static Thread, how: Wait) -> Result<(), Status> {
        let seen = self.word();
        if mutant!("own-bias-unlocked") && seen.held_by(t.id) {
            return Ok(());
        }
        if how == Wait::Try
            && seen.has(HELD)
            && !seen.has(BIASED)
            && t.breaker.load(Relaxed) & CLOSED == 0
            && (t.id == HELPER || !seen.held_by(t.id) || mutant!("try-forgets-own"))
        {
            return refuse(t, Status::Timeout);
        }
        let mut inner = self.inner.lock();
        let mut seen = self.word();
        loop {
            if seen.held_by(t.id) && (t.id != HELPER || mutant!("helpers-are-one")) {
                return Ok(()); // our own bias; only under the mutex is that no stale view (A3)
            }
            // Under the mutex, as it is set: who queues after this is found there by the closer.
            if t.breaker.load(Relaxed) & CLOSED != 0 && (how != Wait::Return || mutant!("close-refuses-regions")) {
                return refuse(t, Status::Closed);
            }
            if seen.has(BIASED) {
                seen = self.revoke(&mut inner, seen);
                continue;
            }
            if seen.has(HELD) && how == Wait::Try {
                return refuse(t, Status::Timeout);
            }
            let next = if seen.has(HELD) { seen.with(WAITERS) } else { seen.taken_by(t.id) };
            if mutant!("flag-without-rmw") && seen.has(HELD) {
                self.word.store(next.0, Relaxed);
                break;
            }
            // An RMW on the word that the release inspects (L7). Acquire: as above, when it takes a free lock.
            match self.word.compare_exchange(seen.0, next.0, ACQUIRE, Relaxed) {
                Err(now) => seen = Word(now),
                Ok(_) if seen.has(HELD) => break,
                Ok(_) => {
                    self.began(t, seen, || seen.has(WAITERS));
                    return Ok(());
                }
            }
        }
        self.queue(t, how, inner, seen.holder(), [None; 2])
    }

    /// The thread holds the lock that `free` said nobody had. The clock is read only if somebody will ask.
    fn began(&self, t: &Thread, free: Word, asked: impl Fn() -> bool) {
        if free.holder() == t.id {
            t.streak.store(t.streak.load(Relaxed).saturating_add(1), Relaxed);
            return;
        }
        self.note_holder(t);
        t.streak.store(0, Relaxed);
        let since: &OwnU64 = &t.since;
        since.store(if asked() { crate::sync::now() } else { LONG_AGO }, Relaxed);
    }
}

/// Every error leaves through here: left attached, the next acquire would be a nested one without the lock (A1).
pub(super) fn refuse(t: &Thread, why: Status) -> Result<(), Status> {
    if !mutant!("error-stays-attached") {
        t.identity.store(DETACHED, Release); // pairs with the Acquire of whoever reads `self` to see what it did
    }
    Err(why)
}

/// On x86 the locked instruction that won the lock is the barrier already. Models draw it where somebody closes, since it would hide
/// a missing Acquire of that instruction.
#[inline(always)]
fn fence_after_win() {
    #[cfg(all(not(loom), not(target_arch = "x86_64")))]
    crate::sync::full_fence();
    #[cfg(loom)]
    if crate::sync::model::closes() {
        crate::sync::full_fence();
    }
}
