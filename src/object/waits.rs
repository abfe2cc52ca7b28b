//! Checking mode: who holds which object's lock, and who waits for which. Before a thread blocks it follows thread → waits for →
//! held by; if that leads back to itself, nobody of them would ever go on.
//!
//! A thread notes what it holds before it can wait for anything else, and both under one mutex: whichever thread comes
//! last to a cycle sees the rest of it. SECTION locks are not noted: whoever waits has given its sections up.

use super::count;
use super::header::Object;
use super::lock::{self, Kind};
use super::types;
use crate::attach::slow::detached;
use crate::check::{self, record::By};
use crate::status::Status;
use crate::sync::{Guard, Mutex};
use crate::sys::errno::KeepErrno;
use crate::sys::tls;
use crate::watch::log::Text;
use std::fmt::{Display, Formatter};
use crate::sync::Ordering::Relaxed;

/// What a lock answers to whom it does not keep waiting for ever.
#[derive(Debug, PartialEq, Eq)]
pub enum Got {
    Now,
    /// The calling thread had it.
    Already,
}

#[derive(Debug, Clone, Copy)]
struct Who {
    /// The same in a forked child.
    thread: libc::pthread_t,
    serial: u64,
}

impl Who {
    fn am_i() -> Who {
        // SAFETY: only answers.
        let thread = unsafe { libc::pthread_self() };
        Who { thread, serial: tls::current().serial.load(Relaxed) }
    }

    fn name(self) -> By {
        By(self.serial)
    }
}

impl PartialEq for Who {
    fn eq(&self, other: &Who) -> bool {
        self.thread == other.thread
    }
}

/// A thread that holds a lock, or waits for one.
#[derive(Debug, Clone, Copy)]
struct Entry {
    who: Who,
    object: &'static Object,
    kind: Kind,
}

impl Entry {
    fn is_for(&self, o: &Object, kind: Kind) -> bool {
        std::ptr::eq(self.object, o) && self.kind == kind
    }
}

impl Display for Entry {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        let which = if self.kind == Kind::Count { "count" } else { "lock" };
        let name = Text(types::of(self.object).name().as_ptr());
        write!(f, "the {which} of object {:p} of type {name}", self.object)
    }
}

#[derive(Debug)]
pub struct Waits {
    holds: Vec<Entry>,
    waits: Vec<Entry>,
    /// Decrements that would have waited for ever: for when their thread holds nothing more.
    deferred: Vec<Entry>,
}

static WAITS: Mutex<Waits> = Mutex::new(Waits { holds: Vec::new(), waits: Vec::new(), deferred: Vec::new() });

/// As [`lock::lock`], detached while it waits. Deadlock, and a report, if that would be for ever.
pub fn lock(o: &'static Object, kind: Kind) -> Result<Got, Status> {
    let _errno = KeepErrno::new();
    let me = Entry { who: Who::am_i(), object: o, kind };
    let mut waits = WAITS.lock();
    if waits.holder(o, kind) == Some(me.who) {
        drop(waits);
        if kind == Kind::Bare {
            let who = me.who.name();
            check::note(format_args!("this wait could never end\n  {who} waits for {me}, which it holds itself"));
        }
        return Ok(Got::Already);
    }
    if lock::try_lock(o, kind) {
        return waits.held(me);
    }
    let chain = waits.chain(me);
    if chain.closes {
        drop(waits); // the host's log function may lock an object
        check::note(format_args!("this wait could never end{chain}"));
        return Err(Status::Deadlock);
    }
    note(&mut waits.waits, me);
    drop(waits);
    detached(|| {
        lock::wait(o, kind);
        let mut waits = WAITS.lock();
        waits.waits.retain(|e| e.who != me.who);
        waits.held(me)
    })
}

/// Invalid, and a report, if the calling thread does not hold it. A COUNT lock is the library's own business.
pub fn unlock(o: &'static Object, kind: Kind) -> Result<(), Status> {
    let _errno = KeepErrno::new();
    let me = Entry { who: Who::am_i(), object: o, kind };
    let mut waits = WAITS.lock();
    if let Some(at) = waits.holds.iter().rposition(|e| e.who == me.who && e.is_for(o, kind)) {
        waits.holds.swap_remove(at);
    } else if kind == Kind::Bare {
        let holder = waits.holder(o, kind);
        drop(waits);
        let who = me.who.name();
        match holder.map(Who::name) {
            Some(holder) => check::report(format_args!("{who} unlocks {me}, which {holder} holds")),
            None => check::report(format_args!("{who} unlocks {me}, which nobody holds")),
        }
        return Err(Status::Invalid);
    }
    lock::unlock(o, kind); // under the mutex: a fork finds no lock whose holder is not noted, or about to be
    drop(waits);
    while let Some(o) = take_deferred(me.who) {
        count::decref_shared(o);
    }
    Ok(())
}

/// A decrement that would wait for ever. It was reported; the reference is dropped when this thread holds nothing more.
pub fn defer(o: &'static Object) {
    note(&mut WAITS.lock().deferred, Entry { who: Who::am_i(), object: o, kind: Kind::Count });
}

fn take_deferred(who: Who) -> Option<&'static Object> {
    let mut waits = WAITS.lock();
    if waits.holds.iter().any(|e| e.who == who) {
        return None;
    }
    let at = waits.deferred.iter().position(|e| e.who == who)?;
    Some(waits.deferred.remove(at).object)
}

/// What cannot be remembered for want of memory is not checked: a deadlock hangs then, a deferred reference is leaked.
fn note(list: &mut Vec<Entry>, entry: Entry) -> bool {
    let room = list.try_reserve(1).is_ok();
    if room {
        list.push(entry);
    }
    room
}

/// Waits, each for what the next one's thread holds.
struct Chain {
    waits: [Option<Entry>; Chain::SHOWN],
    /// The last one's lock is held by the first one's thread.
    closes: bool,
}

impl Chain {
    /// More would help nobody to understand.
    const SHOWN: usize = 16;
}

/// A line for each wait.
impl Display for Chain {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        let waits = || self.waits.iter().flatten();
        let holders = waits().skip(1).chain(waits().take(1));
        waits().zip(holders).try_for_each(|(wait, holder)| {
            write!(f, "\n  {} waits for {wait}, which {} holds", wait.who.name(), holder.who.name())
        })
    }
}

impl Waits {
    /// The calling thread has just got the lock.
    fn held(&mut self, me: Entry) -> Result<Got, Status> {
        if note(&mut self.holds, me) || me.kind == Kind::Count {
            return Ok(Got::Now);
        }
        lock::unlock(me.object, me.kind); // its own unlock would not be believed
        Err(Status::Nomem)
    }

    fn holder(&self, o: &Object, kind: Kind) -> Option<Who> {
        self.holds.iter().find(|e| e.is_for(o, kind)).map(|e| e.who)
    }

    /// From a wait that is about to begin. Ends, since no cycle was let in before.
    fn chain(&self, begin: Entry) -> Chain {
        let mut chain = Chain { waits: [None; Chain::SHOWN], closes: false };
        let mut slots = chain.waits.iter_mut();
        let mut at = begin;
        loop {
            if let Some(slot) = slots.next() {
                *slot = Some(at);
            }
            let Some(holder) = self.holder(at.object, at.kind) else { return chain };
            if holder == begin.who {
                chain.closes = true;
                return chain;
            }
            match self.waits.iter().find(|e| e.who == holder) {
                Some(wait) => at = *wait,
                None => return chain,
            }
        }
    }

    /// In a forked child, where only the calling thread exists. A count that nobody finishes is free again; a bare lock stays
    /// locked, as a mutex does. Who waited may have got the lock, and not have noted it yet.
    pub fn reset(&mut self) {
        let me = Who::am_i();
        let gone = self.holds.extract_if(.., |e| e.who != me).chain(self.waits.drain(..));
        gone.filter(|e| e.kind == Kind::Count).for_each(|e| lock::reset(e.object, e.kind));
        self.holds.iter().for_each(|e| lock::insist(e.object, e.kind));
        self.deferred.retain(|e| e.who == me);
    }
}

/// Held by a fork while the process is copied.
pub fn freeze() -> Guard<'static, Waits> {
    WAITS.lock()
}
