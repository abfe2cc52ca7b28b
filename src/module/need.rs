//! Modules that do not say that they are right without a lock. They get one, in an interpreter that has none: it has a GIL from
//! then on, unless it is strict and refuses them.

use super::Library;
use super::definition::Definition;
use super::list::LIBRARIES;
use crate::abi::module::GILRT_MODULE_FREE_THREADED;
use crate::config::Mode;
use crate::interp::{Interp, lives};
use crate::status::Status;
use crate::watch::error_text;
use crate::watch::log::{self, Text};

fn needs(definition: &Definition) -> bool {
    definition.flags & GILRT_MODULE_FREE_THREADED == 0
}

/// By who is about to load `library` in `here`, where the list says so already: from now on nobody turns the GIL off.
pub fn admit(library: &Library, here: &'static Interp, who: &Text) -> Result<(), Status> {
    if !needs(library.definition) {
        return Ok(());
    }
    let free = here.is_free();
    let (name, module) = (&here.name, library.name());
    if free && here.is_strict() {
        return Err(error_text::set(
            Status::Module,
            format_args!(
                "{who}: module {module} does not declare GILRT_MODULE_FREE_THREADED, and interpreter {name} is strict: it stays \
                 without a GIL. Open the module in an interpreter with one, or declare it if the module is right without"
            ),
        ));
    }
    // Also where there is one: the host may be about to turn it off, before it could see that this module is here.
    lives::set_mode(here, Mode::Locked)?;
    if free && here.warn_once() {
        log::warn(format_args!(
            "interpreter {name} has a GIL from now on: module {module} does not declare GILRT_MODULE_FREE_THREADED"
        ));
    }
    Ok(())
}

/// Busy while code may run in `interp` that needs its GIL: of a module that is loaded there, or has objects there. By a thread that has
/// the GIL: who is about to load one says so in the list before it comes for that.
pub fn let_go_of_lock(interp: &Interp) -> Result<(), Status> {
    match LIBRARIES.lock().first_in(interp, needs) {
        None => Ok(()),
        Some(library) => {
            let (name, module) = (&interp.name, library.name());
            let text = format_args!("interpreter {name} keeps its GIL as long as module {module} is open there or has objects there");
            Err(error_text::set(Status::Busy, text))
        }
    }
}
