//! Finding a module in a file, and saying clearly why there is none.

use super::definition::{Definition, Function};
use crate::abi::version::GILRT_ABI;
use crate::status::Status;
use crate::watch::error_text;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::alloc::{Layout, alloc};
use std::ffi::{CStr, OsString, c_char};
use std::fmt::{Display, Formatter};
use std::path::Path;

type Get = unsafe extern "C" fn() -> *const Definition;

/// Maps the file and asks it for its definition.
pub fn find(path: &Path) -> Result<(Library, &'static Definition), Status> {
    let refuse = |status, why: std::fmt::Arguments| error_text::set(status, format_args!("{}: {why}", path.display()));
    match std::fs::metadata(path) {
        Err(e) => return Err(refuse(Status::Module, format_args!("cannot open the module: {e}"))),
        Ok(m) if m.is_dir() => return Err(refuse(Status::Module, format_args!("is a directory, not a module"))),
        Ok(_) => {}
    }
    // A bare name would be looked for in the system's folders, although a file of that name is here.
    let mut file = OsString::from(if path.components().count() == 1 { "./" } else { "" });
    file.push(path);
    // SAFETY: mapping runs the module's initialisers; that is what opening a module means.
    let library = unsafe { Library::open(Some(&file), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|e| match reason(&e) {
            // What gilrt_inline.h leaves in a module names the ABI that its inline code was compiled for.
            why if why.contains("gilrt_abi_") => refuse(
                Status::Abi,
                format_args!("was compiled for another ABI of libgilrt than {GILRT_ABI} ({why}): compile it again"),
            ),
            why => refuse(Status::Module, format_args!("is no loadable module: {why}")),
        })?;
    // SAFETY: the type is the one that the header asks of an extension.
    let get = unsafe { library.get::<Get>(b"gilrt_module_get\0") }.map_err(|_| {
        refuse(Status::Module, format_args!("is no gilrt module: it does not export gilrt_module_get"))
    })?;
    // SAFETY: as above.
    let definition = unsafe { get() };
    if definition.is_null() {
        return Err(refuse(Status::Module, format_args!("is no gilrt module: gilrt_module_get returned NULL")));
    }
    // SAFETY: not null; every version of the structure begins with its size and its ABI.
    let (size, abi) = unsafe { ((*definition).struct_size, (*definition).abi) };
    if size < size_of::<Definition>() || abi != GILRT_ABI {
        return Err(refuse(
            Status::Abi,
            format_args!("was compiled for ABI {abi} of libgilrt, and this is ABI {GILRT_ABI}: compile it again"),
        ));
    }
    // SAFETY: it lives as long as the module's code, which outlives all use of it.
    let definition: &'static Definition = unsafe { &*definition };
    if definition.name.is_null() || (definition.functions.is_null() && definition.function_count > 0) {
        return Err(refuse(Status::Module, format_args!("is no gilrt module: its name or its functions are NULL")));
    }
    Ok((library, definition))
}

/// The dynamic linker's words, without the path that it begins with.
fn reason(e: &libloading::Error) -> String {
    use std::error::Error;
    let whole = e.source().map_or_else(|| e.to_string(), ToString::to_string);
    whole.split_once(": ").map_or(whole.clone(), |(_, rest)| rest.to_string())
}

pub fn is_named(f: &Function, name: &CStr) -> bool {
    // SAFETY: a module's names are C strings that live as long as its code.
    !f.name.is_null() && unsafe { CStr::from_ptr(f.name) } == name
}

/// A C string of a module, for a sentence: shown without an allocation, whatever its bytes.
pub struct Text(pub *const c_char);

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        if self.0.is_null() {
            return f.write_str("?");
        }
        // SAFETY: as in `is_named`.
        for chunk in unsafe { CStr::from_ptr(self.0) }.to_bytes().utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("\u{FFFD}")?;
            }
        }
        Ok(())
    }
}

/// The names of functions, in a row.
pub struct Names<'a>(pub &'a [Function]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Some((first, rest)) = self.0.split_first() else { return f.write_str("no functions") };
        Text(first.name).fmt(f)?;
        rest.iter().try_for_each(|function| write!(f, ", {}", Text(function.name)))
    }
}

/// A box, or None when there is no memory.
pub fn try_box<T>(value: T) -> Option<Box<T>> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the layout is that of T, which is not empty, and the memory is filled before it becomes a box.
    unsafe {
        let p = alloc(Layout::new::<T>()).cast::<T>();
        if p.is_null() {
            return None;
        }
        p.write(value);
        Some(Box::from_raw(p))
    }
}
