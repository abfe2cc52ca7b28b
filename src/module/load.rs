//! Finding a module in a file, and saying clearly why there is none.

use super::definition::{Definition, Function};
use crate::abi::version::GILRT_ABI;
use crate::status::Status;
use crate::sys::dl::SharedObject;
use crate::sys::errno::Sentence;
use crate::watch::error_text;
use crate::watch::log::{Line, Text};
use std::ffi::CStr;
use std::fmt::{Display, Formatter};

/// More than any file system allows the name of a file, which exists at that.
const NAME_ROOM: usize = 512;

type Get = unsafe extern "C" fn() -> *const Definition;

/// Maps the file and asks it for its definition.
pub fn find(path: &CStr) -> Result<(SharedObject, &'static Definition), Status> {
    let refuse = |status, why: std::fmt::Arguments| {
        error_text::set(status, format_args!("{}: {why}", Text(path.as_ptr())))
    };
    match is_folder(path) {
        Err(e) => return Err(refuse(Status::Module, format_args!("cannot open the module: {e}"))),
        Ok(true) => return Err(refuse(Status::Module, format_args!("is a directory, not a module"))),
        Ok(false) => {}
    }
    // SAFETY: mapping runs the module's initialisers; that is what opening a module means.
    let library = unsafe { SharedObject::open(here(path, &mut [0; NAME_ROOM])) }.map_err(|why| match reason(&Line::of(format_args!("{why}"))) {
        // What gilrt_inline.h leaves in a module names the ABI that its inline code was compiled for.
        why if why.contains("gilrt_abi_") => refuse(
            Status::Abi,
            format_args!("was compiled for another ABI of libgilrt than {GILRT_ABI} ({why}): compile it again"),
        ),
        why => refuse(Status::Module, format_args!("is no loadable module: {why}")),
    })?;
    let get = library.symbol(c"gilrt_module_get").ok_or_else(|| {
        refuse(Status::Module, format_args!("is no gilrt module: it does not export gilrt_module_get"))
    })?;
    // SAFETY: the type is the one that the header asks of an extension.
    let get: Get = unsafe { std::mem::transmute(get) };
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

/// A bare name would be looked for in the system's folders, although a file of that name is here.
fn here<'a>(path: &'a CStr, room: &'a mut [u8; NAME_ROOM]) -> &'a CStr {
    let name = path.to_bytes_with_nul();
    if name.contains(&b'/') || name.len() + 2 > room.len() {
        return path;
    }
    room[..2].copy_from_slice(b"./");
    room[2..2 + name.len()].copy_from_slice(name);
    CStr::from_bytes_until_nul(room).unwrap_or(path)
}

fn is_folder(path: &CStr) -> Result<bool, Sentence> {
    let mut found = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: a C string, and room for the answer.
    if unsafe { libc::stat(path.as_ptr(), found.as_mut_ptr()) } != 0 {
        return Err(Sentence::last());
    }
    // SAFETY: filled in.
    Ok(unsafe { found.assume_init() }.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

/// The dynamic linker's words, without the path that they begin with.
fn reason(said: &Line) -> &str {
    let whole = said.as_str();
    whole.split_once(": ").map_or(whole, |(_, rest)| rest)
}

pub fn is_named(f: &Function, name: &CStr) -> bool {
    // SAFETY: a module's names are C strings that live as long as its code.
    !f.name.is_null() && unsafe { CStr::from_ptr(f.name) } == name
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
