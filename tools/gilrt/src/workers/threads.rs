//! Threads of the main interpreter: one world, and one lock that all of them share.

use super::host::{Home, Opened};
use crate::failure::Failure;
use crate::library::{Interpreter, LockFigures, Module};

pub struct Threads<'a> {
    main: Interpreter<'a>,
    module: &'a Module<'a>,
}

impl<'a> Threads<'a> {
    /// The module was opened in the main interpreter.
    pub fn new(module: &'a Module<'a>) -> Self {
        Self { main: module.library().main_interpreter(), module }
    }
}

impl Home for Threads<'_> {
    fn settle(&self) -> Result<Opened<'_>, Failure> {
        self.main.enter()?;
        Ok(Opened::Common(self.module))
    }

    fn figures(&self) -> Result<LockFigures, Failure> {
        self.main.lock_figures()
    }
}
