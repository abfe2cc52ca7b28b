//! One worker's call of the function, and what the function tells meanwhile.

use std::ffi::{CString, OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;

use super::Part;
use super::host::Options;
use super::message::{Message, Teller};
use crate::bindings::{GILRT_CALL_ALONE, GILRT_CALL_RELEASE, gilrt_call_t};
use crate::library::{Module, text};
use crate::output::one_line;

/// What the callbacks of one worker need.
struct Listener<'a> {
    part: &'a Part,
    teller: &'a Teller,
}

/// Calls the function for the part of worker `index`; the part is marked as done if that goes well.
pub fn call(
    module: &Module<'_>,
    options: &Options,
    index: u32,
    part: &Part,
    teller: &Teller,
) -> Result<(), String> {
    let function = c_string(&options.function)?;
    // A module may write into its arguments, as C programs do, so each worker has its own.
    let mut arguments: Vec<Vec<u8>> = Vec::new();
    for argument in &options.arguments {
        arguments.push(c_string(argument)?.into_bytes_with_nul());
    }
    let mut pointers: Vec<*mut c_char> =
        arguments.iter_mut().map(|argument| argument.as_mut_ptr().cast()).collect();
    let count = i32::try_from(pointers.len()).map_err(|_| "there are too many arguments".to_owned())?;
    // C programs may also go on to the NULL that ends the list.
    pointers.push(std::ptr::null_mut());
    let listener = Listener { part, teller };
    let mut call = gilrt_call_t {
        struct_size: size_of::<gilrt_call_t>(),
        thread_index: index,
        thread_count: options.of,
        argc: count,
        argv: pointers.as_mut_ptr(),
        state: std::ptr::null_mut(),
        flags: if options.release { GILRT_CALL_RELEASE } else { 0 }
            | if options.kind.is_alone() { GILRT_CALL_ALONE } else { 0 },
        progress: Some(progress),
        report: Some(report),
        say: Some(say),
        user: std::ptr::from_ref(&listener).cast_mut().cast(),
    };
    part.begin();
    module.call(&function, &mut call)?;
    part.end();
    Ok(())
}

fn c_string(text: &OsStr) -> Result<CString, String> {
    CString::new(text.as_bytes()).map_err(|_| "an argument cannot hold a NUL byte".to_owned())
}

/// # Safety
/// `user` is the `Listener` that `call` passed, which outlives the function's run.
unsafe fn listener<'a>(user: *mut c_void) -> &'a Listener<'a> {
    // SAFETY: by this function's contract; a listener is only ever read, so sharing it is allowed.
    unsafe { &*user.cast_const().cast() }
}

unsafe extern "C" fn progress(done: u64, total: u64, user: *mut c_void) {
    // SAFETY: the module passes on the `user` of its call.
    unsafe { listener(user) }.part.set(done, total);
}

unsafe extern "C" fn report(name: *const c_char, value: i64, user: *mut c_void) {
    // SAFETY: the module passes a C string and the `user` of its call.
    let (name, listener) = unsafe { (text(name), listener(user)) };
    listener.teller.tell(&Message::Reported { name, value });
}

unsafe extern "C" fn say(message: *const c_char, user: *mut c_void) {
    // SAFETY: the module passes a C string and the `user` of its call.
    let (message, listener) = unsafe { (one_line(&text(message)), listener(user)) };
    listener.teller.tell(&Message::Said(message));
}
