//! libgilrt through its C interface: found and opened once, then each call made safe.

use std::ffi::{CStr, CString, c_char};
use std::ops::{Add, Sub};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libloading::os::unix::{Library as SharedObject, RTLD_GLOBAL, RTLD_NOW};

use serde::{Deserialize, Serialize};

use crate::bindings::{
    self, Gilrt, gil_interp_config_t, gil_interp_t, gilrt_call_t, gilrt_library_t, gilrt_module_t,
    gilrt_stats_t,
};
use crate::failure::Failure;

/// Names the library where it lies elsewhere than beside the tool.
const LIBRARY_VARIABLE: &str = "GILRT_LIBRARY";
const FILE_NAME: &str = "libgilrt.so";
/// How long an interpreter may take to close: finalizers run meanwhile, and nothing else can be waited for.
const CLOSING: Duration = Duration::from_secs(10);

/// The opened library. It stays mapped until the process ends, since its threads' exit hooks are code of its own.
pub struct Library {
    api: Gilrt,
}

/// The figures of an interpreter's lock since it was made, or what became of them meanwhile.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct LockFigures {
    pub acquires: u64,
    pub contended: u64,
    pub waited: Duration,
}

impl Add for LockFigures {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            acquires: self.acquires + other.acquires,
            contended: self.contended + other.contended,
            waited: self.waited + other.waited,
        }
    }
}

impl Sub for LockFigures {
    type Output = Self;

    /// What came after `before`.
    fn sub(self, before: Self) -> Self {
        Self {
            acquires: self.acquires.saturating_sub(before.acquires),
            contended: self.contended.saturating_sub(before.contended),
            waited: self.waited.saturating_sub(before.waited),
        }
    }
}

/// Whether an interpreter has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Locked,
    Free,
}

impl Library {
    /// Finds and opens the library, and makes sure that it speaks the interface this tool was built for.
    pub fn open() -> Result<Self, Failure> {
        let path = locate()?;
        let refused = |why: String| Failure::Failed(format!("cannot use {}: {why}", path.display()));
        // Modules have their gil_* and obj_* symbols open and find them among the global ones.
        // SAFETY: the library's initialisers prepare its thread-local storage and need nothing of the caller.
        let object = unsafe { SharedObject::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) }
            .map_err(|error| refused(error.to_string()))?;
        // Before all other symbols are looked up: a library of another version lacks some, and this tells why.
        check_abi(&object).map_err(refused)?;
        // SAFETY: the symbols belong to a library whose ABI number was checked, so they have the bindings' types.
        let api = unsafe { Gilrt::from_library(object) }.map_err(|error| refused(error.to_string()))?;
        Ok(Self { api })
    }

    /// Opens the extension module in this file.
    pub fn open_module(&self, path: &Path) -> Result<Module<'_>, Failure> {
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| Failure::Usage("a path cannot hold a NUL byte".to_owned()))?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the path is a C string that outlives the call, and `raw` is a place to store a pointer.
        let status = unsafe { self.api.gilrt_module_open(name.as_ptr(), &mut raw) };
        if status != bindings::GILRT_OK {
            return Err(Failure::Failed(self.explain(status)));
        }
        Ok(Module { library: self, raw })
    }

    /// The interpreter that every process has.
    pub fn main_interpreter(&self) -> Interpreter<'_> {
        // SAFETY: the function needs nothing.
        Interpreter { library: self, raw: unsafe { self.api.gil_interp_main() }, is_main: true }
    }

    /// Makes an interpreter beside the main one.
    pub fn new_interpreter(&self, name: &CStr, mode: Mode) -> Result<Interpreter<'_>, Failure> {
        let config = gil_interp_config_t {
            struct_size: size_of::<gil_interp_config_t>(),
            name: name.as_ptr(),
            mode: match mode {
                Mode::Locked => bindings::GIL_MODE_LOCKED as i32,
                Mode::Free => bindings::GIL_MODE_FREE as i32,
            },
            // SAFETY: the struct holds integers, pointers and optional functions, for all of which zero is a value.
            ..unsafe { std::mem::zeroed() }
        };
        let mut raw = std::ptr::null_mut();
        // SAFETY: the config has the size that it says, its name is a C string, and `raw` is a place to store a pointer.
        let status = unsafe { self.api.gil_interp_new(&config, &mut raw) };
        if status != bindings::GILRT_OK {
            return Err(Failure::Failed(format!("cannot make an interpreter: {}", self.explain(status))));
        }
        Ok(Interpreter { library: self, raw, is_main: false })
    }

    /// The figures of the main interpreter's lock; the difference of two readings tells what happened between them.
    pub fn lock_figures(&self) -> Result<LockFigures, Failure> {
        self.main_interpreter().lock_figures()
    }

    /// Why the calling thread's last call failed: the library's own sentence, or else the meaning of the status.
    fn explain(&self, status: i32) -> String {
        // SAFETY: neither function needs anything, and both return a C string that is valid until the thread's next failure.
        let (detail, meaning) =
            unsafe { (text(self.api.gilrt_error_text()), text(self.api.gilrt_strerror(status))) };
        if detail.is_empty() { meaning } else { detail }
    }
}

/// An interpreter: a world of objects, with a lock or without one. One beside the main one is closed when it is dropped.
pub struct Interpreter<'library> {
    library: &'library Library,
    raw: *mut gil_interp_t,
    is_main: bool,
}

// SAFETY: the library allows its calls on an interpreter from any thread and at the same time.
unsafe impl Send for Interpreter<'_> {}
// SAFETY: as above.
unsafe impl Sync for Interpreter<'_> {}

impl Interpreter<'_> {
    /// From now on the calling thread's acquires mean this interpreter, to which it is known.
    pub fn enter(&self) -> Result<(), Failure> {
        // SAFETY: the interpreter is the main one or was made and is not closed; NULL means that the one left is not wanted.
        let status = unsafe { self.library.api.gil_interp_enter(self.raw, std::ptr::null_mut()) };
        if status == bindings::GILRT_OK {
            return Ok(());
        }
        Err(Failure::Failed(format!("cannot enter an interpreter: {}", self.library.explain(status))))
    }

    pub fn lock_figures(&self) -> Result<LockFigures, Failure> {
        let mut stats = gilrt_stats_t {
            struct_size: size_of::<gilrt_stats_t>(),
            // SAFETY: the struct holds integers only, for which zero is a value.
            ..unsafe { std::mem::zeroed() }
        };
        // SAFETY: the interpreter is open, and `stats` has the size that it says.
        let status = unsafe { self.library.api.gilrt_stats_get(self.raw, &mut stats) };
        if status != bindings::GILRT_OK {
            let why = self.library.explain(status);
            return Err(Failure::Failed(format!("cannot read the lock's figures: {why}")));
        }
        Ok(LockFigures {
            acquires: stats.acquires,
            contended: stats.contended,
            waited: Duration::from_nanos(stats.wait_ns_total),
        })
    }
}

impl Drop for Interpreter<'_> {
    fn drop(&mut self) {
        if !self.is_main {
            // Nobody is inside; were somebody, it would stay until the process ends, and nothing would be lost by it.
            // SAFETY: it is open, and nobody can reach it any more.
            unsafe { self.library.api.gil_interp_close(self.raw, CLOSING.as_nanos() as u64) };
        }
    }
}

/// A loaded extension module.
pub struct Module<'library> {
    library: &'library Library,
    raw: *mut gilrt_library_t,
}

// SAFETY: the library allows calls of one module from any thread and at the same time; closing needs `&mut`, by `Drop`.
unsafe impl Send for Module<'_> {}
// SAFETY: as above.
unsafe impl Sync for Module<'_> {}

/// What a module says of one of its functions.
pub struct Function {
    pub name: String,
    pub help: String,
}

impl<'library> Module<'library> {
    /// The library that has opened it.
    pub fn library(&self) -> &'library Library {
        self.library
    }

    /// The name that the module gives itself.
    pub fn name(&self) -> String {
        // SAFETY: a C string, or NULL, that lives as long as the module is open.
        unsafe { text(self.description().name) }
    }

    /// Whether the module is right without a lock that lets one thread run at a time.
    pub fn is_free_threaded(&self) -> bool {
        self.description().flags & bindings::GILRT_MODULE_FREE_THREADED != 0
    }

    /// The functions in the module's own order.
    pub fn functions(&self) -> Vec<Function> {
        let description = self.description();
        if description.functions.is_null() {
            return Vec::new();
        }
        // SAFETY: the module promises `function_count` entries, which live as long as it is open.
        let entries =
            unsafe { std::slice::from_raw_parts(description.functions, description.function_count) };
        entries
            .iter()
            // SAFETY: both are C strings, or NULL, that live as long as the entries.
            .map(|entry| unsafe { Function { name: text(entry.name), help: text(entry.help) } })
            .collect()
    }

    /// Calls a function on the calling thread; an error is the sentence that explains its status.
    pub fn call(&self, function: &CStr, call: &mut gilrt_call_t) -> Result<(), String> {
        // SAFETY: the module is open, the name is a C string, and the caller filled in all of `call` but its state.
        let status = unsafe { self.library.api.gilrt_module_call(self.raw, function.as_ptr(), call) };
        if status == bindings::GILRT_OK { Ok(()) } else { Err(self.library.explain(status)) }
    }

    fn description(&self) -> &gilrt_module_t {
        // SAFETY: the module is open; its description is never NULL and stays valid and unchanged until it is closed.
        unsafe { &*self.library.api.gilrt_module_describe(self.raw) }
    }
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        // SAFETY: the module is open, and nobody else can reach it any more.
        unsafe { self.library.api.gilrt_module_close(self.raw) }
    }
}

/// The text of a C string; nothing for NULL.
///
/// # Safety
/// `text` is NULL or a C string that stays valid for the duration of the call.
pub unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not NULL, and so by this function's contract a C string.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The library's file: the one that the environment names, or the first of those that lie around the tool.
fn locate() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Ok(for_the_loader(&path));
        }
        return Err(Failure::Failed(format!(
            "{LIBRARY_VARIABLE} is {}, which is no file; set it to a {FILE_NAME}, or to nothing",
            path.display()
        )));
    }
    let folder = executable_folder()?;
    // `deps` first: Cargo always refreshes the library there, but the copy beside the tool only on `cargo build`.
    let places = [folder.join("deps"), folder.clone(), folder.join("../lib")];
    places.iter().map(|place| place.join(FILE_NAME)).find(|path| path.is_file()).ok_or_else(|| {
        Failure::Failed(format!(
            "there is no {FILE_NAME} in {}, in deps beside it or in ../lib; build it with cargo build, or set \
             {LIBRARY_VARIABLE} to its path",
            folder.display()
        ))
    })
}

/// The folder of the running tool.
pub fn executable_folder() -> Result<PathBuf, Failure> {
    let unknown = || Failure::Failed("cannot find out where this tool lies; is /proc mounted?".to_owned());
    let executable = std::env::current_exe().map_err(|_| unknown())?;
    executable.parent().map(Path::to_path_buf).ok_or_else(unknown)
}

/// The path with a slash in it; for a bare file name the loader would search the system's libraries.
pub fn for_the_loader(path: &Path) -> PathBuf {
    if path.components().count() > 1 { path.to_owned() } else { Path::new(".").join(path) }
}

fn check_abi(object: &SharedObject) -> Result<(), String> {
    // SAFETY: in every version of the library the symbol is a function without arguments that returns a uint32_t.
    let spoken = unsafe {
        let gilrt_abi = object
            .get::<unsafe extern "C" fn() -> u32>(b"gilrt_abi\0")
            .map_err(|_| "it is not libgilrt: it has no gilrt_abi".to_owned())?;
        gilrt_abi()
    };
    if spoken == bindings::GILRT_ABI {
        return Ok(());
    }
    Err(format!(
        "it speaks ABI {spoken}, but this tool was built for ABI {}; use the library and the tool of one build",
        bindings::GILRT_ABI
    ))
}
