//! Extension modules: shared libraries that export `gilrt_module_get`.
//!
//! A library is closed in two steps. `gilrt_module_close` ends it for the host: no new calls, and `unload` as soon as none
//! runs. Its code stays mapped while an object of its types lives, and is unmapped by whoever next opens or closes a
//! module or finalizes the runtime: never by the thread that frees the last object, which may stand in that very code.

pub mod definition;
mod load;

use crate::attach::slow::{self as attach, Runtime};
use crate::attach::{acquire, release};
use crate::check;
use crate::object::types;
use crate::runtime;
use crate::status::Status;
use crate::sync::{Guard, Mutex, Ordering::*};
use crate::sys::boxed::try_box;
use crate::sys::dl::SharedObject;
use crate::sys::tls;
use crate::thread::DETACHED;
use crate::watch::error_text;
use crate::watch::log::{self, Text};
use definition::{Call, Definition, Function};
use load::Names;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr};

/// A module that was opened.
#[derive(Debug)]
pub struct Library {
    pub definition: &'static Definition,
    state: AtomicPtr<c_void>,
    /// It is closed and its unload has run, or its load failed: only objects of its types keep the code mapped.
    over: AtomicBool,
    handle: SharedObject,
}

/// The libraries that are mapped. In the mutex: whether each is open, and how many calls of it run.
pub type Libraries = Vec<Entry>;

#[derive(Debug)]
pub struct Entry {
    library: *const Library,
    open: bool,
    calls: usize,
}

// SAFETY: the pointer is to a Library, which is Sync, and only the mutex's holder frees it.
unsafe impl Send for Entry {}

static LIBRARIES: Mutex<Libraries> = Mutex::new(Vec::new());

pub fn freeze() -> Guard<'static, Libraries> {
    LIBRARIES.lock()
}

impl Library {
    pub fn functions(&self) -> &'static [Function] {
        match self.definition.function_count {
            0 => &[],
            // SAFETY: the module says that so many functions are there, and they live as long as its code.
            n => unsafe { std::slice::from_raw_parts(self.definition.functions, n) },
        }
    }

    fn name(&self) -> Text {
        Text(self.definition.name)
    }
}

/// Opens the module at `path` and runs its `load`, attached.
pub fn open(path: &CStr) -> Result<*const Library, Status> {
    reap();
    runtime::started()?;
    let (handle, definition) = load::find(path)?;
    let library = Library { definition, state: AtomicPtr::new(ptr::null_mut()), over: AtomicBool::new(false), handle };
    let library: &'static Library = Box::leak(try_box(library).ok_or(Status::Nomem)?);
    // In the list first, closed, so that nothing can fail once its load has run.
    if let Err(why) = list(library) {
        // SAFETY: made by `try_box`, and nobody knows it.
        drop(unsafe { Box::from_raw(ptr::from_ref(library).cast_mut()) });
        return Err(why);
    }
    let loaded = with_lock(library, || match definition.load {
        // SAFETY: the module's own function, attached, with a place for its state.
        Some(load) => unsafe { load(library.state.as_ptr()) },
        None => 0,
    });
    let loaded = loaded.and_then(|answer| match answer {
        0 => Ok(()),
        why => {
            let why = Status::from_code(why).map_or("no status of gilrt", |s| s.sentence().to_str().unwrap_or(""));
            Err(error_text::set(Status::Module, format_args!("{}: its load failed: {why}", Text(path.as_ptr()))))
        }
    });
    if let Err(why) = loaded {
        library.over.store(true, Release);
        reap();
        return Err(why);
    }
    if let Some(entry) = LIBRARIES.lock().iter_mut().find(|e| ptr::eq(e.library, library)) {
        entry.open = true;
    }
    Ok(library)
}

fn list(library: &'static Library) -> Result<(), Status> {
    let mut libraries = LIBRARIES.lock();
    libraries.try_reserve(1).map_err(|_| Status::Nomem)?;
    libraries.push(Entry { library, open: false, calls: 0 });
    Ok(())
}

/// Runs `function` with the lock held around it; what it returned.
pub fn call(library: *const Library, function: &CStr, call: &mut Call) -> Result<i32, Status> {
    let library = enter(library)?;
    let found = library.functions().iter().find(|f| load::is_named(f, function));
    let result = match found.and_then(|f| f.run) {
        None => Err(unknown(library, function)),
        Some(run) => {
            call.state = library.state.load(Relaxed);
            // SAFETY: the module's own function, attached, with a call that the caller filled in.
            with_lock(library, || unsafe { run(call) })
        }
    };
    leave(library);
    result
}

/// Ends the module for the host. Its code stays mapped while an object of its types lives.
pub fn close(library: *const Library) {
    let mut libraries = LIBRARIES.lock();
    let Some(entry) = libraries.iter_mut().find(|e| ptr::eq(e.library, library) && e.open) else { return };
    entry.open = false;
    let idle = entry.calls == 0;
    drop(libraries);
    if idle {
        unload(library);
    }
    reap();
}

/// Counts a call in, if the library is open.
fn enter(library: *const Library) -> Result<&'static Library, Status> {
    let mut libraries = LIBRARIES.lock();
    let entry = libraries.iter_mut().find(|e| ptr::eq(e.library, library)).ok_or(Status::Invalid)?;
    if !entry.open {
        return Err(Status::Closed);
    }
    entry.calls += 1;
    // SAFETY: in the list, hence not freed; and it is not reaped while a call is counted, for it is not over then.
    Ok(unsafe { &*library })
}

fn leave(library: *const Library) {
    let mut libraries = LIBRARIES.lock();
    let Some(entry) = libraries.iter_mut().find(|e| ptr::eq(e.library, library)) else { return };
    entry.calls -= 1;
    let last = entry.calls == 0 && !entry.open;
    drop(libraries);
    if last {
        unload(library);
    }
}

/// Runs `unload`, attached, and lets the code go as soon as its objects have. Once: the last call or the close does it.
fn unload(library: *const Library) {
    // SAFETY: in the list until it is over, which only this function leads to.
    let library: &'static Library = unsafe { &*library };
    if let Some(unload) = library.definition.unload {
        // SAFETY: the module's own function, with its own state, attached.
        let done = with_lock(library, || unsafe { unload(library.state.load(Relaxed)) });
        if done.is_err() {
            log::warn(format_args!("module {} was closed after the runtime: its unload did not run", library.name()));
        }
    }
    library.over.store(true, Release);
}

/// Unmaps the modules that are closed and have no object left.
pub fn reap() {
    loop {
        let mut libraries = LIBRARIES.lock();
        let done = |e: &Entry| {
            // SAFETY: in the list, hence not freed.
            let library = unsafe { &*e.library };
            // Acquire: pairs with the Release in `unload`, as that of `Live::count` does with the Release of deaths, so that
            // whatever used the code is over.
            !e.open && e.calls == 0 && library.over.load(Acquire) && types::live_of(library) == 0
        };
        let Some(i) = libraries.iter().position(done) else { return };
        let entry = libraries.swap_remove(i);
        drop(libraries);
        // SAFETY: made by `try_box`, out of the list, and nobody else looks at it.
        let library = unsafe { Box::from_raw(entry.library.cast_mut()) };
        types::forget(&library);
        if let Err(why) = library.handle.close() {
            log::warn(format_args!("a module could not be unmapped: {why}"));
        }
    }
}

/// Runs `f`, code of the module, attached, and restores what it left behind of the lock.
fn with_lock<R>(library: &'static Library, f: impl FnOnce() -> R) -> Result<R, Status> {
    acquire::<Runtime>(tls::current())?;
    let t = tls::current();
    let (depth, away, before) = (t.depth.load(Relaxed), t.away.load(Relaxed), t.library.load(Relaxed));
    t.library.store(ptr::from_ref(library).cast_mut().cast(), Relaxed);
    let result = f();
    t.library.store(before, Relaxed);
    let balanced = t.identity.load(Relaxed) != DETACHED
        && t.depth.load(Relaxed) == depth
        && t.away.load(Relaxed) == away;
    attach::call_out(t, None, || ()); // attaches again if the module did not
    t.depth.store(depth, Relaxed);
    t.away.store(away, Relaxed); // a region that the module left open
    release::<Runtime>(t)?;
    if !balanced {
        let text = format_args!("module {} returned with other acquires than releases", library.name());
        return Err(error_text::set(check::refused(Status::Module, text), text));
    }
    Ok(result)
}

fn unknown(library: &Library, function: &CStr) -> Status {
    let (name, function, names) = (library.name(), Text(function.as_ptr()), Names(library.functions()));
    error_text::set(Status::Module, format_args!("module {name} has no function {function}; it has {names}"))
}
