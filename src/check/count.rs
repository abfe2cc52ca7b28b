//! Counting in checking mode: under the table's mutex, where nothing can be confused, with a note of who did it.

use super::record::{Event, State};
use super::table::{FREED, with};
use crate::object::count::counted;
use crate::object::header::{CHECKED, FINALIZED, GARBAGE, LIMIT, Object};
use crate::sync::Ordering::*;

/// What a count has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Done; or reported, and left alone.
    Done,
    /// That was the last reference.
    Dead,
    /// A try has failed.
    Refused,
    /// One more cannot be counted: the object must live for ever.
    Full,
    /// The object is one, and counted in another way.
    Elsewhere,
}

pub fn incref(o: &'static Object) -> Counted {
    let counted = with("obj_incref", o, |record, me| match record.state {
        State::Freed => Err(FREED),
        State::Dead => Err("no reference is left to take another from"),
        _ => Ok(take(o, |count| record.remember(Event::Incref, count, me))),
    });
    counted.unwrap_or(Counted::Done)
}

/// The finalizer's object and one whose finalizer has run refuse (C5).
pub fn try_incref(o: &'static Object) -> Counted {
    let counted = with("obj_try_incref", o, |record, me| match record.state {
        State::Freed => Err(FREED),
        State::Alive if o.gc.load(Relaxed) & (FINALIZED | GARBAGE) == 0 => {
            Ok(take(o, |count| record.remember(Event::Incref, count, me)))
        }
        _ => Ok(Counted::Refused),
    });
    counted.unwrap_or(Counted::Refused)
}

pub fn decref(o: &'static Object) -> Counted {
    const BELOW: &str = "decref below zero";
    let counted = with("obj_decref", o, |record, me| {
        if matches!(record.state, State::Dead | State::Freed) {
            return Err(BELOW);
        }
        if o.owner.load(Relaxed) != CHECKED {
            record.remember(Event::Decref, o.local.load(Relaxed), me);
            return Ok(Counted::Elsewhere);
        }
        let count = o.local.load(Relaxed).checked_sub(1).ok_or(BELOW)?;
        o.local.swap(count, AcqRel); // as the decrement of whoever does not own an object
        record.remember(Event::Decref, count, me);
        if count > 0 {
            return Ok(Counted::Done);
        }
        record.state = State::Dead;
        Ok(Counted::Dead)
    });
    counted.unwrap_or(Counted::Done)
}

fn take(o: &'static Object, remember: impl FnOnce(u32)) -> Counted {
    let count = o.local.load(Relaxed);
    if o.owner.load(Relaxed) != CHECKED {
        remember(count);
        return Counted::Elsewhere;
    }
    if i64::from(count) >= LIMIT {
        return Counted::Full;
    }
    o.local.swap(count + 1, Relaxed);
    counted(o); // the collector reads the count without the mutex
    remember(count + 1);
    Counted::Done
}
