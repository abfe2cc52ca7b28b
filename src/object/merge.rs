//! From two counts to one.
//!
//! | who merges | what keeps the owner's plain counts away | what orders them before |
//! |---|---|---|
//! | the owner, at `local == 0` | it is the owner | program order |
//! | whoever holds the lock, or its helper, for what was handed to the lock's token | the lock | the lock |
//! | whoever hands over, while the owner is a detached thread | the mutex of the owners, which a thread that sees HANDED takes | `self`: Release, Acquire |
//! | whoever hands over, after the token was retired | nobody has it | the mutex of the owners |

use super::header::*;
use super::{count, death, types};
use crate::interp::{Interp, MERGE};
use crate::sync::{Ordering::*, mutant};

/// Merges, less `queued` references of a queue; true if none is left. Any number of threads may try, in any order.
pub fn merge(o: &'static Object, owner: u32, queued: i32) -> bool {
    // A sum that does not fit never becomes one: no window in which it would be counted down (C4).
    let sum = i64::from(o.local.load(Relaxed)) + i64::from(header_count(o));
    let next = if sum >= LIMIT && !mutant!("sum-wraps") { IMMORTAL } else { MERGED_OWNER };
    let early = mutant!("local-first").then(|| take_local(o));
    if mutant!("merge-trusts") {
        o.owner.store(owner, Relaxed);
    }
    // Owner first: the winner alone takes `local` (C2, R1). By CAS, so that IMMORTAL stays.
    match o.owner.compare_exchange(owner, next, AcqRel, Acquire) {
        Ok(_) if next == IMMORTAL => {
            types::of(o).gain_immortal();
            count::tell_saturated(o);
            return false;
        }
        Ok(_) => {}
        Err(IMMORTAL) => return false,
        Err(_) => return queued == 1 && count::subtract_merged(o),
    }
    let local = early.unwrap_or_else(|| take_local(o));
    // Shared last, and nothing is touched after it: from here on others may free (R1).
    let merged = |s: i32| (super::header::count(s).wrapping_add(local).wrapping_sub(queued) << 2) | MERGED;
    let old = o.update(AcqRel, |s| Some(merged(s)));
    if mutant!("tidy-last") {
        o.local.store(0, Relaxed);
    }
    matches!(old, Ok(old) if merged(old) == MERGED)
}

fn take_local(o: &Object) -> i32 {
    let local = o.local.load(Relaxed) as i32;
    o.local.store(0, Relaxed);
    local
}

/// Merges what was handed to the lock of `interp`, by its holder or the helper. The dead are buried, or pending.
pub fn drain(interp: &'static Interp) {
    let token = interp.token();
    while let Some(o) = interp.owners.pop(token, || _ = interp.requests.fetch_and(!MERGE, AcqRel)) {
        if merge(o, token, 1) {
            death::await_burial(o);
        }
    }
}

fn header_count(o: &Object) -> i32 {
    super::header::count(o.shared.load(Relaxed))
}
