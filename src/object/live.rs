//! How many objects of a type are alive: exact when nobody is born or dies meanwhile, and never too few.
//!
//! | word | who changes it | how |
//! |---|---|---|
//! | inside | whoever counts under the token of the type's lock | load and store: the lock keeps the others away |
//! | outside | everybody else: detached threads, helpers, threads without a lock | RMW |
//!
//! The type of an interpreter that was closed is an orphan: nobody is inside any more, and whose death takes `outside` down to
//! ORPHANED takes the type along (C8).
//!
//! An RMW at every birth and every death would cost more than all else that they do.

use crate::sync::Ordering::*;
use std::sync::atomic::AtomicI64;

/// Added to `outside`.
const ORPHANED: i64 = 1 << 62;

#[derive(Debug)]
pub struct Live {
    inside: AtomicI64,
    outside: AtomicI64,
}

impl Live {
    pub const fn new() -> Live {
        Live { inside: AtomicI64::new(0), outside: AtomicI64::new(0) }
    }

    #[inline(always)]
    pub fn born(&self, inside: bool) {
        self.add(1, inside);
    }

    /// The last touch of the type, and of the code that it comes from, by who buries an object; but if it was the last of an
    /// orphan, and then this is true.
    #[inline(always)]
    pub fn died(&self, inside: bool) -> bool {
        self.add(-1, inside) == ORPHANED
    }

    /// What it comes to, if outside.
    #[inline(always)]
    fn add(&self, n: i64, inside: bool) -> i64 {
        // Release: pairs with the Acquire in `count`. The lock carries what its earlier holders did over to this store.
        if inside {
            self.inside.store(self.inside.load(Relaxed) + n, Release);
            return 0;
        }
        self.outside.fetch_add(n, Release) + n
    }

    /// Nobody is inside any more. True if none is alive.
    pub fn orphan(&self) -> bool {
        let n = self.inside.swap(0, Relaxed) + ORPHANED;
        // Acquire: pairs with the Release of the deaths.
        self.outside.fetch_add(n, AcqRel) + n == ORPHANED
    }

    /// Outside first: whoever died there was born before, and that is seen then. The other way round a death could be counted
    /// without its birth.
    pub fn count(&self) -> i64 {
        let outside = self.outside.load(Acquire);
        let count = self.inside.load(Acquire) + outside;
        if count >= ORPHANED / 2 { count - ORPHANED } else { count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn births_and_deaths_add_up_wherever_they_are() {
        let live = Live::new();
        live.born(true);
        live.born(true);
        live.died(false);
        assert_eq!(live.count(), 1);
        live.died(true);
        assert_eq!(live.count(), 0);
        assert!(live.orphan());
    }

    #[test]
    fn the_last_of_an_orphan_is_known() {
        let live = Live::new();
        live.born(true);
        live.born(false);
        live.born(true);
        assert!(!live.orphan());
        assert_eq!(live.count(), 3);
        assert_eq!([live.died(false), live.died(false), live.died(false)], [false, false, true]);
    }
}
