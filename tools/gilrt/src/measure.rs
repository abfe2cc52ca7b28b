//! Runs one function of a module on several threads at once and measures it.

use std::ffi::{CString, c_char, c_void};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::bindings::{GILRT_CALL_RELEASE, gilrt_call_t};
use crate::failure::{Failure, reason};
use crate::library::{Library, LockFigures, Module, text};
use crate::output::{self, one_line};
use crate::progress::{Bar, Part, REDRAW};

/// What the function is asked to do with the lock while it computes; one that knows only one way does as it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lock {
    /// Hold it, and give way when another thread wants it.
    Hold,
    /// Release it.
    Release,
}

impl Lock {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }

    pub fn participle(self) -> &'static str {
        match self {
            Self::Hold => "holding",
            Self::Release => "releasing",
        }
    }
}

/// A function of a module with its arguments, to be run on any number of threads.
pub struct Job<'a> {
    pub library: &'a Library,
    pub module: &'a Module<'a>,
    pub function: CString,
    pub arguments: Vec<CString>,
    pub lock: Lock,
}

/// What one run took and told.
#[derive(Clone, Debug)]
pub struct Run {
    pub threads: u32,
    pub lock: Lock,
    pub time: Duration,
    /// The units of work that the function reported, all threads together; 0 if it reports none.
    pub work: u64,
    pub figures: LockFigures,
    /// The figures that the module named, in its order; those of one name are added up.
    pub reported: Vec<(String, i64)>,
    /// The sentences that the module said, each once.
    pub said: Vec<String>,
}

impl Run {
    /// How much faster the work went on than in `other`: by the units reported, or else by time alone.
    pub fn speed_up_over(&self, other: &Self) -> f64 {
        let work = if self.work > 0 && other.work > 0 { self.work as f64 / other.work as f64 } else { 1.0 };
        // A run takes some time, but a coarse clock may not show it.
        let seconds = |run: &Self| run.time.as_secs_f64().max(1e-9);
        work * seconds(other) / seconds(self)
    }
}

/// What the module tells during one run, from any of its threads.
#[derive(Default)]
struct Told {
    reported: Vec<(String, i64)>,
    said: Vec<String>,
}

/// What the callbacks of one thread need.
struct Listener<'a> {
    part: &'a Part,
    told: &'a Mutex<Told>,
}

/// Runs the job once. The clock runs from the moment all threads exist until the last one is done.
pub fn run(job: &Job<'_>, threads: u32) -> Result<Run, Failure> {
    let parts: Vec<Part> = (0..threads).map(|_| Part::default()).collect();
    let told = Mutex::new(Told::default());
    let bar = Bar::new(format!("{} {} the lock", output::threads(threads), job.lock.participle()));
    // Held for writing until all threads exist; tells them whether to begin.
    let gate = RwLock::new(true);
    let before = job.library.lock_figures()?;

    let (started, finished) = std::thread::scope(|scope| {
        let mut closed = gate.write().unwrap_or_else(PoisonError::into_inner);
        let (sender, receiver) = mpsc::channel();
        for (index, part) in (0..threads).zip(&parts) {
            let (sender, gate, listener) = (sender.clone(), &gate, Listener { part, told: &told });
            let thread = move || {
                if *gate.read().unwrap_or_else(PoisonError::into_inner) {
                    let outcome = call(job, index, threads, &listener);
                    // The receiver waits for as many messages as there are threads.
                    let _ = sender.send((index, outcome, Instant::now()));
                }
            };
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, thread) {
                *closed = false;
                return Err(Failure::Failed(format!(
                    "cannot start thread {} of {threads}: {}; give fewer with --threads",
                    index + 1,
                    reason(&error)
                )));
            }
        }
        drop(sender);
        let started = Instant::now();
        drop(closed);
        Ok((started, collect(&receiver, &bar, &parts)))
    })?;

    drop(bar);
    let after = job.library.lock_figures()?;
    let told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = finished.error {
        // What the module says of the failure is more than what its status means.
        return Err(Failure::Failed(if told.said.is_empty() { error } else { told.said.join("; ") }));
    }
    Ok(Run {
        threads,
        lock: job.lock,
        time: finished.last.unwrap_or(started).duration_since(started),
        work: parts.iter().map(Part::done).sum(),
        figures: LockFigures {
            acquires: after.acquires.saturating_sub(before.acquires),
            contended: after.contended.saturating_sub(before.contended),
            waited: after.waited.saturating_sub(before.waited),
        },
        reported: told.reported,
        said: told.said,
    })
}

/// When the last thread was done, and the error of the first of those that failed.
#[derive(Default)]
struct Finished {
    last: Option<Instant>,
    error: Option<String>,
}

/// Waits for all threads, and draws the bar meanwhile if there is one.
fn collect(
    receiver: &mpsc::Receiver<(u32, Result<(), String>, Instant)>,
    bar: &Bar,
    parts: &[Part],
) -> Finished {
    let mut finished = Finished::default();
    let mut first_to_fail = u32::MAX;
    let patience = if bar.is_shown() { REDRAW } else { Duration::MAX };
    loop {
        match receiver.recv_timeout(patience) {
            Ok((index, outcome, at)) => {
                finished.last = finished.last.max(Some(at));
                if let Err(error) = outcome
                    && index < first_to_fail
                {
                    first_to_fail = index;
                    finished.error = Some(error);
                }
            }
            Err(RecvTimeoutError::Timeout) => bar.draw(parts),
            Err(RecvTimeoutError::Disconnected) => return finished,
        }
    }
}

/// One thread's call of the function.
fn call(job: &Job<'_>, index: u32, threads: u32, listener: &Listener<'_>) -> Result<(), String> {
    // A module may write into its arguments, as C programs do, so each thread has its own.
    let mut arguments: Vec<Vec<u8>> =
        job.arguments.iter().map(|argument| argument.as_bytes_with_nul().to_vec()).collect();
    let mut pointers: Vec<*mut c_char> =
        arguments.iter_mut().map(|argument| argument.as_mut_ptr().cast()).collect();
    let count = i32::try_from(pointers.len()).map_err(|_| "there are too many arguments".to_owned())?;
    // C programs may also go on to the NULL that ends the list.
    pointers.push(std::ptr::null_mut());
    let mut call = gilrt_call_t {
        struct_size: size_of::<gilrt_call_t>(),
        thread_index: index,
        thread_count: threads,
        argc: count,
        argv: pointers.as_mut_ptr(),
        state: std::ptr::null_mut(),
        flags: if job.lock == Lock::Release { GILRT_CALL_RELEASE } else { 0 },
        progress: Some(progress),
        report: Some(report),
        say: Some(say),
        user: std::ptr::from_ref(listener).cast_mut().cast(),
    };
    job.module.call(&job.function, &mut call)
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
    let mut told = listener.told.lock().unwrap_or_else(PoisonError::into_inner);
    match told.reported.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum = sum.saturating_add(value),
        None => told.reported.push((name, value)),
    }
}

unsafe extern "C" fn say(message: *const c_char, user: *mut c_void) {
    // SAFETY: the module passes a C string and the `user` of its call.
    let (message, listener) = unsafe { (one_line(&text(message)), listener(user)) };
    let mut told = listener.told.lock().unwrap_or_else(PoisonError::into_inner);
    // Every thread finds the same fault; a user needs it once.
    if !told.said.contains(&message) {
        told.said.push(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(threads: u32, milliseconds: u64, work: u64) -> Run {
        Run {
            threads,
            lock: Lock::Hold,
            time: Duration::from_millis(milliseconds),
            work,
            figures: LockFigures::default(),
            reported: Vec::new(),
            said: Vec::new(),
        }
    }

    #[test]
    fn a_speed_up_is_work_per_time_against_work_per_time() {
        assert_eq!(run(2, 50, 100).speed_up_over(&run(1, 100, 100)), 2.0);
        // Each thread has its own work, so twice of it is done in the same time.
        assert_eq!(run(2, 100, 200).speed_up_over(&run(1, 100, 100)), 2.0);
    }

    #[test]
    fn a_function_that_reports_no_work_is_compared_by_time() {
        assert_eq!(run(2, 50, 0).speed_up_over(&run(1, 100, 0)), 2.0);
        assert!(run(1, 0, 0).speed_up_over(&run(1, 0, 0)).is_finite());
    }
}
