//! Guards: whoever has one holds off the end of an interpreter.
//!
//! An end has two parts. As long as there are guards, only new ones are refused, and everything else goes on: a guard is for a
//! thread that comes in later, on behalf of whoever made it, and nobody can tell that thread from others. When the last guard is
//! gone, threads are refused and those inside are asked to leave ([`Interp::try_close`]). All of it happens under the mutex of all
//! interpreters, so that a guard is either seen by whoever closes, or refused.

use super::{Interp, attach, lives};
use crate::runtime;
use crate::status::Status;
use crate::sync::Ordering::Relaxed;
use crate::sys::boxed::try_box;
use crate::sys::tls;
use crate::watch::log;
use std::fmt;
use std::ptr::{self, NonNull};

#[derive(Debug)]
pub struct Guard {
    interp: &'static Interp,
    maker: Maker,
}

#[derive(Debug, Clone, Copy)]
struct Maker {
    /// Of its state, for the host: 0 as long as the thread is not known. It may have another one later.
    serial: u64,
    /// For a fork: whatever states it has, and nobody else's ever.
    number: usize,
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.serial {
            0 => f.write_str("a thread that is not known"),
            serial => write!(f, "thread {serial}"),
        }
    }
}

fn me() -> Maker {
    Maker { serial: tls::current().serial.load(Relaxed), number: tls::number() }
}

/// All guards, in [`lives::All`].
#[derive(Debug)]
pub struct Guards(Vec<&'static Guard>);

impl Guards {
    pub const fn new() -> Guards {
        Guards(Vec::new())
    }

    fn of(&self, interp: &Interp) -> impl Iterator<Item = &'static Guard> {
        self.0.iter().copied().filter(move |g| ptr::eq(g.interp, interp))
    }

    /// In a forked child: those of threads that do not exist hold nothing off.
    pub fn forget_others(&mut self) {
        let me = tls::number();
        self.0.retain(|g| g.maker.number == me);
    }
}

/// Closed if the interpreter is closing or closed.
pub fn new(interp: &'static Interp) -> Result<NonNull<Guard>, Status> {
    runtime::started()?;
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    let mut all = lives::hold();
    if runtime::finalized() || !all.has(interp) || interp.refuses_guards.load(Relaxed) {
        return Err(Status::Closed);
    }
    all.guards.0.try_reserve(1).map_err(|_| Status::Nomem)?;
    let guard = NonNull::from(Box::leak(try_box(Guard { interp, maker: me() }).ok_or(Status::Nomem)?));
    // SAFETY: a box that only `free` ends, which takes this out before.
    all.guards.0.push(unsafe { guard.as_ref() });
    Ok(guard)
}

/// Deadlock, and nothing happened, in a signal handler that interrupted the library.
///
/// # Safety
/// It came from [`new`], and nobody uses it afterwards.
pub unsafe fn free(guard: NonNull<Guard>) -> Result<(), Status> {
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    let mut all = lives::hold();
    if let Some(at) = all.guards.0.iter().position(|g| ptr::eq(*g, guard.as_ptr())) {
        all.guards.0.swap_remove(at);
    }
    // SAFETY: `new` made it from a box, and only the list referred to it.
    let interp = unsafe { Box::from_raw(guard.as_ptr()) }.interp;
    let awaited = interp.refuses_guards.load(Relaxed);
    drop(all);
    if awaited {
        interp.gil.departed();
    }
    Ok(())
}

/// From now on there are no new guards. Busy as long as there are old ones.
pub fn refuse(interp: &Interp) -> Result<(), Status> {
    let all = lives::hold();
    interp.refuses_guards.store(true, Relaxed);
    if all.guards.of(interp).next().is_some() { Err(Status::Busy) } else { Ok(()) }
}

/// Tells of those that hold the end off; false if there are none.
pub fn name_all(interp: &Interp) -> bool {
    let name = &interp.name;
    let all = lives::hold();
    let tell = |g: &Guard| {
        log::warn(format_args!("cannot close interpreter {name}: a guard that {} made holds it off", g.maker));
    };
    all.guards.of(interp).inspect(|g| tell(g)).count() > 0
}
