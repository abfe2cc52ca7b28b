//! The libraries that are mapped, one for each file and interpreter, and who uses them.
//!
//! | phase | means | who leads out of it |
//! |---|---|---|
//! | Loading | it is admitted and its load runs | its worker, to Ready or to Over |
//! | Ready | its functions may be called | who finds that it is neither wanted nor called, or ends its interpreter: to Ending |
//! | Ending | its unload runs | its worker, to Over, or back to Ready if the interpreter refuses it |
//! | Over | only hosts that have not closed it and objects of its types keep it | `next_done`, by taking it out |
//! | Lost | its worker does not exist in this process, a forked child | nobody: its code may be needed by what was left undone |
//!
//! It is wanted while somebody has it open. One that a call has loaded, which nobody has opened, is wanted while the file is
//! open in some other interpreter, and once closed it is for its calls alone.

use super::Library;
use super::definition::Definition;
use crate::attach::slow::Runtime;
use crate::attach::{region_begin, region_end};
use crate::interp::Interp;
use crate::object::types;
use crate::status::Status;
use crate::sync::{Guard, Mutex, Ordering::*};
use crate::sys::{self, futex, tls};
use std::ptr;
use std::sync::atomic::AtomicU32;

pub(super) static LIBRARIES: Mutex<Libraries> =
    Mutex::new(Libraries { entries: Vec::new(), sleepers: Vec::new(), last_number: 0 });
/// Changes whenever a phase does; who waits for that sleeps on it.
static CHANGES: AtomicU32 = AtomicU32::new(0);

#[derive(Debug)]
pub struct Libraries {
    /// By their number.
    entries: Vec<Entry>,
    sleepers: Vec<Sleeper>,
    last_number: u64,
}

#[derive(Debug)]
struct Entry {
    library: *const Library,
    number: u64,
    phase: Phase,
    /// Of Loading and Ending: the thread that does it.
    worker: u64,
    /// Opens without their close.
    opens: usize,
    closed: bool,
    calls: usize,
}

/// A thread that waits for the end of a load.
#[derive(Debug)]
struct Sleeper {
    thread: u64,
    library: *const Library,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Loading,
    Ready,
    Ending,
    Over,
    Lost,
}

/// For whom a library is obtained.
#[derive(Debug, Clone, Copy)]
pub(super) enum User {
    Host,
    Call,
}

pub(super) enum Claim {
    /// The user is counted in.
    Loaded(&'static Library),
    /// Another thread loads it.
    Wait(u32),
    /// It is in the list, and the caller is to load it.
    Mine,
}

pub(super) enum Last {
    Unload(&'static Library),
    Wait(u32),
    Nothing,
}

// SAFETY: the pointers are to Libraries, which are Sync, and only the mutex's holder takes one out.
unsafe impl Send for Entry {}
// SAFETY: as above; these are only compared.
unsafe impl Send for Sleeper {}

impl Entry {
    fn library(&self) -> &'static Library {
        // SAFETY: in the list, hence not freed; who keeps the reference has counted itself in, or is the entry's worker.
        unsafe { &*self.library }
    }

    fn is_in(&self, interp: &Interp) -> bool {
        self.library().interp().is_some_and(|i| ptr::eq(i, interp))
    }

    fn become_(&mut self, phase: Phase) {
        self.phase = phase;
        CHANGES.fetch_add(1, Relaxed); // ordered by the mutex
        futex::wake_all(&CHANGES);
    }

    fn add(&mut self, user: User) {
        match user {
            User::Host => self.opens += 1,
            User::Call => self.calls += 1,
        }
    }

    /// Nothing of it runs any more, but the finalizers of its types for as long as there are objects.
    fn is_done(&self) -> bool {
        // The count's Acquire pairs with the Release of the deaths, so that whatever used the code is over.
        self.phase == Phase::Over && self.calls == 0 && types::live_of(self.library()) == 0
    }
}

impl Libraries {
    fn entry(&mut self, library: *const Library) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|e| ptr::eq(e.library, library))
    }

    /// The one of the file of `made` that is loaded in `here` or being loaded; or `made`, now in the list, for the caller to load.
    /// Deadlock: its load waits for this thread.
    pub(super) fn claim(&mut self, made: &'static Library, here: &Interp, user: User) -> Result<Claim, Status> {
        let me = sys::this_thread();
        self.sleepers.retain(|s| s.thread != me);
        let usable = |e: &Entry| e.phase == Phase::Loading || e.phase == Phase::Ready && !e.closed;
        let same = |e: &&mut Entry| usable(e) && e.is_in(here) && e.library().handle == made.handle;
        let Some(entry) = self.entries.iter_mut().find(same) else {
            self.entries.try_reserve(1).map_err(|_| Status::Nomem)?;
            self.last_number += 1;
            let number = self.last_number;
            let phase = Phase::Loading;
            self.entries.push(Entry { library: made, number, phase, worker: me, opens: 0, closed: false, calls: 0 });
            return Ok(Claim::Mine);
        };
        if entry.phase == Phase::Ready {
            entry.add(user);
            return Ok(Claim::Loaded(entry.library()));
        }
        let library = entry.library;
        if self.waits_for(library, me) {
            return Err(Status::Deadlock);
        }
        self.sleepers.try_reserve(1).map_err(|_| Status::Nomem)?;
        self.sleepers.push(Sleeper { thread: me, library });
        Ok(Claim::Wait(CHANGES.load(Relaxed)))
    }

    /// Whether the load of `library` does not end before `thread` goes on. What waits already is in no circle, so this ends.
    fn waits_for(&self, library: *const Library, thread: u64) -> bool {
        let mut next = Some(library);
        while let Some(library) = next {
            let loading = |e: &&Entry| ptr::eq(e.library, library) && e.phase == Phase::Loading;
            let Some(entry) = self.entries.iter().find(loading) else { return false };
            if entry.worker == thread {
                return true;
            }
            next = self.sleepers.iter().find(|s| s.thread == entry.worker).map(|s| s.library);
        }
        false
    }

    /// By the worker: for whom it was loaded; nobody, if that failed.
    pub(super) fn loaded(&mut self, library: &'static Library, user: Option<User>) {
        let Some(entry) = self.entry(library) else { return };
        if let Some(user) = user {
            entry.add(user);
        }
        entry.become_(if user.is_some() { Phase::Ready } else { Phase::Over });
    }

    /// By the worker. Not done: whoever ends the interpreter does it.
    pub(super) fn ended(&mut self, library: &'static Library, done: bool) {
        if let Some(entry) = self.entry(library) {
            entry.become_(if done { Phase::Over } else { Phase::Ready });
        }
    }

    /// Counts a call in: the library that was asked for, and the one of its file in `here`. None: there is none yet, and the
    /// first is counted instead.
    pub(super) fn enter(
        &mut self,
        library: *const Library,
        here: &Interp,
    ) -> Result<(&'static Library, Option<&'static Library>), Status> {
        let asked = self.entry(library).ok_or(Status::Invalid)?;
        if asked.phase != Phase::Ready || asked.opens == 0 {
            return Err(Status::Closed);
        }
        let asked = asked.library();
        let loaded = |e: &&mut Entry| e.phase == Phase::Ready && !e.closed && e.is_in(here);
        let found = self.entries.iter_mut().filter(loaded).find(|e| e.library().handle == asked.handle);
        let found = found.map(|e| {
            e.calls += 1;
            e.library()
        });
        if found.is_none() && let Some(entry) = self.entry(asked) {
            entry.calls += 1;
        }
        Ok((asked, found))
    }

    /// The inverse; true if it is to be unloaded.
    pub(super) fn leave(&mut self, library: &'static Library) -> bool {
        let Some(at) = self.entries.iter().position(|e| ptr::eq(e.library, library)) else { return false };
        self.entries[at].calls -= 1;
        let entry = &self.entries[at];
        entry.calls == 0 && entry.opens == 0 && !self.is_wanted(entry)
    }

    /// Undoes one open; true if it was the last.
    pub(super) fn close(&mut self, library: *const Library) -> bool {
        let Some(entry) = self.entry(library).filter(|e| e.opens > 0) else { return false };
        entry.opens -= 1;
        entry.closed = entry.opens == 0;
        entry.closed
    }

    fn is_wanted(&self, entry: &Entry) -> bool {
        let handle = &entry.library().handle;
        let lends = |e: &Entry| e.phase == Phase::Ready && e.opens > 0 && e.library().handle == *handle;
        !entry.closed && self.entries.iter().any(lends)
    }

    /// By who ends `interp`, where nobody else gets in any more: what is still to be unloaded there.
    pub(super) fn last_of(&mut self, interp: &'static Interp) -> Last {
        let mut wait = false;
        for entry in self.entries.iter_mut().filter(|e| e.is_in(interp)) {
            match entry.phase {
                Phase::Ready => {
                    entry.worker = sys::this_thread();
                    entry.phase = Phase::Ending;
                    return Last::Unload(entry.library());
                }
                Phase::Ending => wait = true, // refused, its worker says so, unless it is done
                _ => {}
            }
        }
        if wait {
            return Last::Wait(CHANGES.load(Relaxed));
        }
        for entry in self.entries.iter_mut().filter(|e| e.is_in(interp)) {
            entry.library().interp.store(ptr::null_mut(), Relaxed); // another may be made in its place
        }
        Last::Nothing
    }

    /// One whose code may run in `interp`.
    pub(super) fn first_in(&self, interp: &Interp, wanted: impl Fn(&Definition) -> bool) -> Option<&'static Library> {
        let found = |e: &&Entry| e.is_in(interp) && wanted(e.library().definition) && !e.is_done();
        self.entries.iter().find(found).map(Entry::library)
    }

    /// In a forked child, of whose parent's threads only this one exists; `idle` if it runs no module's code.
    pub fn reset_after_fork(&mut self, idle: bool) {
        self.sleepers.clear();
        for entry in &mut self.entries {
            if matches!(entry.phase, Phase::Loading | Phase::Ending) && entry.worker != sys::this_thread() {
                entry.phase = Phase::Lost;
            }
            if idle {
                entry.calls = 0;
            }
        }
    }
}

/// The next from the number `from` on that is to be unloaded, for the caller to do it.
pub(super) fn next_unwanted(from: &mut u64) -> Option<&'static Library> {
    let mut libraries = LIBRARIES.lock();
    let due = |e: &Entry| e.number >= *from && e.phase == Phase::Ready && e.calls == 0 && !libraries.is_wanted(e);
    let at = libraries.entries.iter().position(due)?;
    let entry = &mut libraries.entries[at];
    *from = entry.number + 1;
    entry.worker = sys::this_thread();
    entry.phase = Phase::Ending;
    Some(entry.library())
}

/// One that nobody can use any more, out of the list.
pub(super) fn next_done() -> Option<*const Library> {
    let mut libraries = LIBRARIES.lock();
    let at = libraries.entries.iter().position(|e| e.opens == 0 && e.is_done())?;
    Some(libraries.entries.remove(at).library)
}

/// Sleeps, detached, unless something has changed since `seen`.
pub(super) fn await_change(seen: u32) {
    let t = tls::current();
    let saved = region_begin::<Runtime>(t);
    futex::wait(&CHANGES, seen, u64::MAX);
    region_end::<Runtime>(t, saved);
}

pub fn freeze() -> Guard<'static, Libraries> {
    LIBRARIES.lock()
}
