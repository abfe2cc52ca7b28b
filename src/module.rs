//! Extension modules: shared libraries that export `gilrt_module_get`.
//!
//! A file is mapped once, and loaded once for each interpreter that uses it: a [`Library`] is a file in an interpreter, with
//! the state that `load` made there. A host opens it, or a call does that comes from an interpreter where it is not loaded yet.
//!
//! It ends in two steps. First its `unload` runs, in its interpreter: when the host has closed it and no call of it runs, or when
//! the interpreter is closed. Its code stays mapped while an object of its types lives, and is unmapped by whoever next opens or
//! closes a module or an interpreter: never by the thread that frees the last object, which may stand in that very code.

pub mod definition;
mod inside;
mod list;
mod load;
mod need;

use crate::interp::{Interp, lives};
use crate::object::types;
use crate::runtime;
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::sys::boxed::try_box;
use crate::sys::dl::SharedObject;
use crate::sys::tls;
use crate::watch::error_text;
use crate::watch::log::{self, Text};
use definition::{Call, Definition, Function};
pub use list::{Libraries, freeze};
use list::{Claim, LIBRARIES, Last, User};
use load::Names;
pub use need::let_go_of_lock;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::AtomicPtr;

/// A module in an interpreter.
#[derive(Debug)]
pub struct Library {
    pub definition: &'static Definition,
    /// Where it is loaded; null once that has ended.
    interp: AtomicPtr<Interp>,
    state: AtomicPtr<c_void>,
    /// One of as many as there are libraries of the file: the dynamic linker counts them.
    handle: SharedObject,
}

impl Library {
    /// Nobody knows it yet.
    fn new(definition: &'static Definition, interp: &'static Interp, handle: SharedObject) -> Result<&'static Library, Status> {
        let interp = AtomicPtr::new(ptr::from_ref(interp).cast_mut());
        let library = Library { definition, interp, state: AtomicPtr::new(ptr::null_mut()), handle };
        Ok(Box::leak(try_box(library).ok_or(Status::Nomem)?))
    }

    /// The inverse: nobody knows it any more.
    fn forget(library: *const Library) -> Box<Library> {
        // SAFETY: made by `new`, and by the contract of this private function the caller's alone.
        unsafe { Box::from_raw(library.cast_mut()) }
    }

    pub fn functions(&self) -> &'static [Function] {
        match self.definition.function_count {
            0 => &[],
            // SAFETY: the module says that so many functions are there, and they live as long as its code.
            n => unsafe { std::slice::from_raw_parts(self.definition.functions, n) },
        }
    }

    fn interp(&self) -> Option<&'static Interp> {
        // SAFETY: null, or an interpreter: those are never given back to the allocator.
        unsafe { self.interp.load(Relaxed).as_ref() }
    }

    fn name(&self) -> Text {
        Text(self.definition.name)
    }
}

/// Opens the module at `path` in the calling thread's interpreter, where its `load` runs unless it has.
pub fn open(path: &CStr) -> Result<*const Library, Status> {
    runtime::started()?;
    reap();
    let here = current()?;
    let (handle, definition) = load::find(path)?;
    let library = obtain(Library::new(definition, here, handle)?, here, Text(path.as_ptr()), User::Host)?;
    Ok(library)
}

/// The calling thread's interpreter, if it is open.
fn current() -> Result<&'static Interp, Status> {
    let t = tls::current();
    if runtime::finalized() || lives::is_closed(t) { Err(Status::Closed) } else { Ok(Interp::of(t)) }
}

/// The library of the file of `made` in `here`, loaded, with the user counted in; it is `made` if there was none.
fn obtain(made: &'static Library, here: &'static Interp, who: Text, user: User) -> Result<&'static Library, Status> {
    loop {
        let claim = LIBRARIES.lock().claim(made, here, user);
        match claim {
            Ok(Claim::Mine) => break,
            Ok(Claim::Wait(seen)) => list::await_change(seen),
            Ok(Claim::Loaded(library)) => {
                drop(Library::forget(made));
                return Ok(library);
            }
            Err(why) => {
                drop(Library::forget(made));
                return Err(match why {
                    Status::Deadlock => error_text::set(why, format_args!("{who}: is opened by its own load")),
                    other => other,
                });
            }
        }
    }
    let loaded = need::admit(made, here, &who).and_then(|()| run_load(made, &who));
    LIBRARIES.lock().loaded(made, loaded.is_ok().then_some(user));
    if loaded.is_err() {
        reap();
    }
    loaded.map(|()| made)
}

fn run_load(library: &'static Library, who: &Text) -> Result<(), Status> {
    let Some(load) = library.definition.load else { return Ok(()) };
    // SAFETY: the module's own function, attached, with a place for its state.
    let answer = inside::attached(library, || unsafe { load(library.state.as_ptr()) })?.balanced(library)?;
    if answer == 0 {
        return Ok(());
    }
    let why = Status::from_code(answer).map_or("no status of gilrt", |s| s.sentence().to_str().unwrap_or(""));
    Err(error_text::set(Status::Module, format_args!("{who}: its load failed: {why}")))
}

/// Runs `function` in the calling thread's interpreter, attached; what it returned.
pub fn call(library: *const Library, function: &CStr, call: &mut Call) -> Result<i32, Status> {
    let library = enter(library)?;
    let found = library.functions().iter().find(|f| load::is_named(f, function));
    let result = match found.and_then(|f| f.run) {
        None => Err(unknown(library, function)),
        Some(run) => inside::attached(library, || {
            call.state = library.state.load(Relaxed);
            // SAFETY: the module's own function, attached, with a call that the caller filled in.
            unsafe { run(call) }
        })
        .and_then(|ran| ran.balanced(library)),
    };
    leave(library);
    result
}

/// Counts a call in: of the library of the same file in the calling thread's interpreter.
fn enter(library: *const Library) -> Result<&'static Library, Status> {
    runtime::started()?;
    let here = current()?;
    let (asked, found) = LIBRARIES.lock().enter(library, here)?;
    if let Some(found) = found {
        return Ok(found);
    }
    // Counted in too, so that it stays while it is loaded here.
    let again = asked.handle.again().ok_or(Status::Nomem);
    let made = again.and_then(|handle| Library::new(asked.definition, here, handle));
    let loaded = made.and_then(|made| obtain(made, here, asked.name(), User::Call));
    leave(asked);
    loaded
}

fn leave(library: &'static Library) {
    let idle = LIBRARIES.lock().leave(library);
    if idle {
        tidy();
    }
}

/// Undoes one open.
pub fn close(library: *const Library) {
    let closed = LIBRARIES.lock().close(library);
    if closed {
        tidy();
    }
}

/// Unloads what nobody wants any more, and unmaps what nobody can use any more.
fn tidy() {
    let mut from = 0;
    while let Some(library) = list::next_unwanted(&mut from) {
        let done = unload(library);
        LIBRARIES.lock().ended(library, done);
    }
    reap();
}

/// By the last thread of an interpreter that has been closed, attached: what is still loaded there is unloaded.
pub fn end_in(interp: &'static Interp) {
    loop {
        let next = LIBRARIES.lock().last_of(interp);
        match next {
            Last::Unload(library) => {
                unload(library);
                LIBRARIES.lock().ended(library, true);
            }
            Last::Wait(seen) => list::await_change(seen),
            Last::Nothing => return,
        }
    }
}

/// Runs its unload, in its interpreter. False if that refuses this thread: then it is closing, which does the same.
fn unload(library: &'static Library) -> bool {
    let (Some(unload), Some(interp)) = (library.definition.unload, library.interp()) else { return true };
    // SAFETY: the module's own function, with its own state, attached.
    let ran = inside::within(library, interp, || unsafe { unload(library.state.load(Relaxed)) });
    if let Ok(ran) = &ran
        && let Err(why) = ran.balanced_only(library)
    {
        log::warn(format_args!("the unload of module {}: {}", library.name(), why.sentence().to_string_lossy()));
    }
    ran.is_ok()
}

/// Unmaps the modules that have ended and have no object left.
pub fn reap() {
    while let Some(library) = list::next_done() {
        let library = Library::forget(library); // out of the list, and nobody else looks at it
        types::forget(&library);
        if let Err(why) = library.handle.close() {
            log::warn(format_args!("a module could not be unmapped: {why}"));
        }
    }
}

fn unknown(library: &Library, function: &CStr) -> Status {
    let (name, function, names) = (library.name(), Text(function.as_ptr()), Names(library.functions()));
    error_text::set(Status::Module, format_args!("module {name} has no function {function}; it has {names}"))
}
