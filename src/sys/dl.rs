//! Shared objects that are opened while the program runs. Nothing is allocated here but by the dynamic linker, which says so
//! when it fails.

use crate::watch::log::Text;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt::{Display, Formatter};
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

/// What the linker knows of an object: the beginning of link.h's `struct link_map`, which has been the same for ever.
#[repr(C)]
struct LinkMap {
    address: usize,
    name: *const c_char,
}

/// dlfcn.h: the answer is a `struct link_map *`.
const RTLD_DI_LINKMAP: c_int = 2;

// cbindgen:ignore
unsafe extern "C" {
    fn dlinfo(handle: *mut c_void, request: c_int, info: *mut c_void) -> c_int;
}

/// Closed when it is dropped. Equal to another of the same file: the linker has one handle for each, and counts.
#[derive(Debug, PartialEq, Eq)]
pub struct SharedObject(NonNull<c_void>);

// SAFETY: the dynamic linker takes handles from any thread.
unsafe impl Send for SharedObject {}
// SAFETY: as above.
unsafe impl Sync for SharedObject {}

impl SharedObject {
    /// With all symbols resolved, and visible to nobody else; or the linker's words. A name without a slash is looked for in
    /// the system's folders.
    ///
    /// # Safety
    /// The file's initialisers run.
    pub unsafe fn open(path: &CStr) -> Result<SharedObject, Reason> {
        // SAFETY: by the contract.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        NonNull::new(handle).map(SharedObject).ok_or_else(Reason::new)
    }

    /// What the object exports under this name, if anything.
    pub fn symbol(&self, name: &CStr) -> Option<NonNull<c_void>> {
        // SAFETY: an open handle and a C string.
        NonNull::new(unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) })
    }

    /// The same once more, whatever its file has become meanwhile: it is opened by the name by which the linker has it. None if there is
    /// no memory.
    pub fn again(&self) -> Option<SharedObject> {
        let mut map = ptr::null_mut::<LinkMap>();
        // SAFETY: an open handle, and a place for what this request answers.
        if unsafe { dlinfo(self.0.as_ptr(), RTLD_DI_LINKMAP, (&raw mut map).cast()) } != 0 {
            return None;
        }
        // SAFETY: of an open object, whose name is a C string that lives as long. Nothing is initialised, for it is there.
        let handle = unsafe { libc::dlopen((*map).name, libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_NOLOAD) };
        NonNull::new(handle).map(SharedObject).filter(|other| other == self)
    }

    pub fn close(self) -> Result<(), Reason> {
        ManuallyDrop::new(self).unmap()
    }

    fn unmap(&self) -> Result<(), Reason> {
        // SAFETY: an open handle, which is not used afterwards: the callers give it up.
        if unsafe { libc::dlclose(self.0.as_ptr()) } == 0 { Ok(()) } else { Err(Reason::new()) }
    }
}

impl Drop for SharedObject {
    fn drop(&mut self) {
        _ = self.unmap();
    }
}

/// The linker's words about the last call of this thread that failed; valid until its next call.
#[derive(Debug)]
pub struct Reason(*const c_char);

impl Reason {
    fn new() -> Reason {
        // SAFETY: NULL, or a C string that lives until the next call of this thread.
        Reason(unsafe { libc::dlerror() })
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Text(self.0).fmt(f)
    }
}
