//! Interpreters, each with a lock of its own and one thread: nobody waits for another, in one process.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::host::{Home, Opened};
use crate::failure::Failure;
use crate::library::{Interpreter, Library, LockFigures, Mode};

pub struct Interpreters<'a> {
    library: &'a Library,
    path: &'a Path,
    made: Mutex<Vec<Interpreter<'a>>>,
}

impl<'a> Interpreters<'a> {
    pub fn new(library: &'a Library, path: &'a Path) -> Self {
        Self { library, path, made: Mutex::default() }
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<Interpreter<'a>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Home for Interpreters<'_> {
    /// The module is opened in each of them, since the types that its load makes are those of one interpreter.
    fn settle(&self) -> Result<Opened<'_>, Failure> {
        let interpreter = self.library.new_interpreter(c"worker", Mode::Locked)?;
        let entered = interpreter.enter();
        self.made().push(interpreter);
        entered?;
        Ok(Opened::Own(self.library.open_module(self.path)?))
    }

    fn figures(&self) -> Result<LockFigures, Failure> {
        self.made()
            .iter()
            .try_fold(LockFigures::default(), |sum, interpreter| Ok(sum + interpreter.lock_figures()?))
    }
}
