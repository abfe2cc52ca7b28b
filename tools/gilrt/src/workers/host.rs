//! A process of a run, seen from inside: it makes its workers, waits for the word to begin, and lets them call the function.

use std::ffi::OsString;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{OnceLock, mpsc};
use std::time::Instant;

use clap::Args;

use super::call::call;
use super::crew::cannot_start;
use super::free::Free;
use super::interpreters::Interpreters;
use super::message::{Message, Teller};
use super::threads::Threads;
use super::{Board, Kind, Part, Workers, memory};
use crate::failure::{Failure, reason};
use crate::library::{Library, LockFigures, Module};

/// What the tool asks of one of its processes.
#[derive(Args)]
pub struct Options {
    /// The process that wants it; this one ends with it
    #[arg(long)]
    tool: u32,
    #[arg(long)]
    board: PathBuf,
    #[arg(long)]
    pub kind: Kind,
    /// The first of the parts that are done here
    #[arg(long)]
    first: u32,
    /// How many of them are
    #[arg(long)]
    here: u32,
    /// How many parts there are in all
    #[arg(long)]
    pub of: u32,
    #[arg(long)]
    pub release: bool,
    module: PathBuf,
    pub function: OsString,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// Where the workers of this process are at home.
pub trait Home: Sync {
    /// Makes the calling thread a worker; the module to call.
    fn settle(&self) -> Result<Opened<'_>, Failure>;

    /// What became of the locks here, since they were made.
    fn figures(&self) -> Result<LockFigures, Failure>;
}

/// A module that workers have in common, or that one has opened for itself.
pub enum Opened<'a> {
    Common(&'a Module<'a>),
    Own(Module<'a>),
}

impl<'a> Deref for Opened<'a> {
    type Target = Module<'a>;

    fn deref(&self) -> &Module<'a> {
        match self {
            Self::Common(module) => module,
            Self::Own(module) => module,
        }
    }
}

pub fn run(options: &Options) -> Result<(), Failure> {
    end_with(options.tool)?;
    let teller = Teller::from_stdin()?;
    match work(options, &teller) {
        Ok(Some(done)) => teller.tell(&done),
        Ok(None) => {}
        Err(Failure::Failed(why) | Failure::Usage(why)) => {
            teller.tell(&Message::Failed { worker: options.first, why });
        }
        // Nothing is printed here, and nobody waits for Ctrl-C.
        Err(Failure::ReaderGone | Failure::Interrupted) => {}
    }
    Ok(())
}

/// Whatever ends the tool ends this process: it has nobody left to work for.
fn end_with(tool: u32) -> Result<(), Failure> {
    // SAFETY: prctl takes integers here, and getppid nothing. The signal comes when the thread ends that started this process,
    // and that is the tool's main one.
    let parent = unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::getppid()
    };
    // It may have ended before the signal was asked for.
    if u32::try_from(parent) == Ok(tool) {
        return Ok(());
    }
    Err(Failure::Usage("gilrt worker is for gilrt itself; see gilrt run --help".to_owned()))
}

/// What to tell in the end; nothing if the word to begin never came.
fn work(options: &Options, teller: &Teller) -> Result<Option<Message>, Failure> {
    let board = Board::open(&options.board)?;
    let (first, end) = (options.first as usize, options.first as usize + options.here as usize);
    let parts = board.parts().get(first..end).ok_or_else(|| {
        Failure::Failed(format!("there are {} parts, and not {first} to {end}", board.parts().len()))
    })?;
    let begun = Instant::now();
    let library = Library::open()?;
    let module = library.open_module(&options.module)?;
    let crew = Local { options, teller, parts };
    if options.kind == Kind::Processes {
        return crew.alone(&Threads::new(&module), begun);
    }
    // The module's code and the library's are here by now, whatever the workers are, and count for none of them.
    let (before, begun) = (memory::private(), Instant::now());
    let home: Box<dyn Home + '_> = match options.kind {
        Kind::Threads | Kind::Processes => Box::new(Threads::new(&module)),
        Kind::Interpreters => Box::new(Interpreters::new(&library, &options.module)),
        Kind::Free => Box::new(Free::new(&library, &options.module)?),
    };
    crew.together(&*home, before, begun)
}

/// The workers of this process.
struct Local<'a> {
    options: &'a Options,
    teller: &'a Teller,
    parts: &'a [Part],
}

/// How far a worker's thread is.
enum Step {
    Ready,
    Finished,
    CannotSettle(Failure),
}

impl Local<'_> {
    /// The process is the worker: its main thread works.
    fn alone(&self, home: &dyn Home, begun: Instant) -> Result<Option<Message>, Failure> {
        let module = home.settle()?;
        self.teller.tell(&Message::Ready { start_up: begun.elapsed() });
        if !self.teller.await_go() {
            return Ok(None);
        }
        let figures = home.figures()?;
        self.call(&module, 0);
        let figures = home.figures()? - figures;
        Ok(Some(Message::Done { memory: memory::private(), figures }))
    }

    /// Each worker is a thread; this one waits for them. What they take is measured when all have worked and are still there.
    fn together(
        &self,
        home: &dyn Home,
        before: Option<u64>,
        begun: Instant,
    ) -> Result<Option<Message>, Failure> {
        let (begin, leave) = (OnceLock::new(), OnceLock::new());
        let (sender, steps) = mpsc::channel();
        std::thread::scope(|scope| {
            // Whatever happens, nobody is left waiting at a gate.
            let _gates = OnDrop(|| {
                begin.get_or_init(|| false);
                leave.get_or_init(|| ());
            });
            for index in 0..self.options.here {
                let (sender, begin, leave) = (sender.clone(), &begin, &leave);
                let thread = move || {
                    // The receiver is there as long as somebody waits for it to go on.
                    let tell = |step| drop(sender.send(step));
                    match home.settle() {
                        Err(failure) => tell(Step::CannotSettle(failure)),
                        Ok(module) => {
                            tell(Step::Ready);
                            if *begin.wait() {
                                self.call(&module, index);
                                tell(Step::Finished);
                                leave.wait();
                            }
                        }
                    }
                };
                if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, thread) {
                    let workers = Workers { kind: self.options.kind, count: self.options.of };
                    return Err(cannot_start(workers, index, &reason(&error)));
                }
            }
            self.await_all(&steps)?;
            self.teller.tell(&Message::Ready { start_up: begun.elapsed() });
            if !self.teller.await_go() {
                return Ok(None);
            }
            let figures = home.figures()?;
            begin.get_or_init(|| true);
            self.await_all(&steps)?;
            let figures = home.figures()? - figures;
            let memory = memory::private().zip(before).map(|(after, before)| after.saturating_sub(before));
            Ok(Some(Message::Done { memory, figures }))
        })
    }

    /// Waits until each worker has taken its next step.
    fn await_all(&self, steps: &mpsc::Receiver<Step>) -> Result<(), Failure> {
        for step in steps.iter().take(self.options.here as usize) {
            if let Step::CannotSettle(failure) = step {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// The function for the part of the worker `index` of this process.
    fn call(&self, module: &Module<'_>, index: u32) {
        let worker = self.options.first + index;
        let part = &self.parts[index as usize];
        if let Err(why) = call(module, self.options, worker, part, self.teller) {
            self.teller.tell(&Message::Failed { worker, why });
        }
    }
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
