//! Threads of one interpreter that has no lock: one world, and nobody waits for another unless it touches the same object.

use std::path::Path;

use super::host::{Home, Opened};
use crate::failure::Failure;
use crate::library::{Interpreter, Library, LockFigures, Mode, Module};

pub struct Free<'a> {
    /// Before the interpreter, which is closed when nothing of the module is open any more.
    module: Module<'a>,
    interpreter: Interpreter<'a>,
}

impl<'a> Free<'a> {
    /// The calling thread enters the interpreter too, since a module is opened in the one that its opener is in.
    pub fn new(library: &'a Library, path: &Path) -> Result<Self, Failure> {
        let interpreter = library.new_interpreter(c"workers", Mode::Free)?;
        interpreter.enter()?;
        Ok(Self { module: library.open_module(path)?, interpreter })
    }
}

impl Home for Free<'_> {
    fn settle(&self) -> Result<Opened<'_>, Failure> {
        self.interpreter.enter()?;
        Ok(Opened::Common(&self.module))
    }

    fn figures(&self) -> Result<LockFigures, Failure> {
        self.interpreter.lock_figures()
    }
}
