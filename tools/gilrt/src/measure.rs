//! Runs one function of a module by a number of workers at once and measures it.

use std::ffi::CString;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::library::LockFigures;
use crate::progress::Bar;
use crate::workers::{Board, Crew, Heard, Kind, Message, Part, Workers};

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

/// A function of a module with its arguments, to be run by any workers.
pub struct Job<'a> {
    pub module: &'a Path,
    pub function: CString,
    pub arguments: Vec<CString>,
    pub lock: Lock,
}

/// What one run took and told.
#[derive(Clone, Debug)]
pub struct Run {
    pub workers: Workers,
    pub lock: Lock,
    /// From the first worker's begin to the last one's end.
    pub time: Duration,
    /// The units of work that the function reported, all workers together; 0 if it reports none.
    pub work: u64,
    /// How long it took until all workers were there, divided by their number.
    pub start_up: Duration,
    /// The memory that a worker has for itself after its work, where the system tells.
    pub memory: Option<u64>,
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

/// How a run came to its end.
pub enum Ending {
    Done(Run),
    /// Workers have died, as the sentence says; `left` of the parts are done all the same.
    Cut {
        why: String,
        left: usize,
    },
}

impl Ending {
    /// The run, where a part of it is of no use.
    pub fn whole(self) -> Result<Run, Failure> {
        match self {
            Self::Done(run) => Ok(run),
            Self::Cut { why, .. } => Err(Failure::Failed(why)),
        }
    }
}

/// What is heard during one run, from any of its processes.
#[derive(Default)]
struct Told {
    start_up: Duration,
    memory: Option<u64>,
    figures: LockFigures,
    reported: Vec<(String, i64)>,
    said: Vec<String>,
    /// Why the first of those workers failed that did.
    failed: Option<(u32, String)>,
    /// Of each process, whether it said that it was done.
    done: Vec<bool>,
    /// How processes ended that should not have.
    deaths: Vec<String>,
}

/// Runs the job once. What one worker does has no bearing on the others; none is started anew.
pub fn run(job: &Job<'_>, workers: Workers) -> Result<Ending, Failure> {
    let board = Board::new(workers.count)?;
    let begun = Instant::now();
    let mut crew = Crew::start(job, workers, &board)?;
    let mut told = Told { memory: Some(0), done: vec![false; crew.processes()], ..Told::default() };
    for _ in 0..crew.processes() {
        while told.next(&mut crew, &board).is_none() {}
        if let Some(why) = told.why() {
            return Err(Failure::Failed(why));
        }
    }
    if workers.kind == Kind::Processes {
        // Nobody but this process knows when it began to start them.
        told.start_up = begun.elapsed();
    }

    let bar = Bar::new(format!("{workers} {} the lock", job.lock.participle()));
    crew.go();
    let mut running = crew.processes();
    while running > 0 {
        match told.next(&mut crew, &board) {
            Some(Next::Over) => running -= 1,
            Some(Next::Ready) => {}
            None => bar.draw(board.parts()),
        }
    }
    drop(bar);
    told.end(job, workers, board.parts())
}

/// What there may be to wait for.
enum Next {
    Ready,
    Over,
}

impl Told {
    /// Takes in the next thing that is heard. None when nothing was for a while, or nothing to wait for.
    fn next(&mut self, crew: &mut Crew, board: &Board) -> Option<Next> {
        let (at, heard) = crew.next()?;
        match heard {
            Heard::Told(Message::Ready { start_up }) => {
                self.start_up = start_up;
                return Some(Next::Ready);
            }
            Heard::Told(Message::Reported { name, value }) => {
                match self.reported.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum = sum.saturating_add(value),
                    None => self.reported.push((name, value)),
                }
            }
            // Every worker finds the same fault; a user needs it once.
            Heard::Told(Message::Said(sentence)) if self.said.contains(&sentence) => {}
            Heard::Told(Message::Said(sentence)) => self.said.push(sentence),
            Heard::Told(Message::Failed { worker, why }) => {
                self.done[at] = true;
                if self.failed.as_ref().is_none_or(|(first, _)| worker < *first) {
                    self.failed = Some((worker, why));
                }
            }
            Heard::Told(Message::Done { memory, figures }) => {
                self.done[at] = true;
                self.memory = self.memory.zip(memory).map(|(sum, memory)| sum + memory);
                self.figures = self.figures + figures;
            }
            Heard::Silence => {
                self.deaths.extend(crew.obituary(at, board, self.done[at]));
                return Some(Next::Over);
            }
        }
        None
    }

    /// What went wrong, if anything did.
    fn why(&self) -> Option<String> {
        let mut sentences = Vec::new();
        if let Some((_, why)) = &self.failed {
            // What the module says of the failure is more than what its status means.
            sentences.extend(if self.said.is_empty() { vec![why.clone()] } else { self.said.clone() });
        }
        sentences.extend(self.deaths.iter().cloned());
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }

    fn end(self, job: &Job<'_>, workers: Workers, parts: &[Part]) -> Result<Ending, Failure> {
        let spans: Vec<(u64, u64)> = parts.iter().filter_map(Part::span).collect();
        match self.why() {
            Some(why) if self.failed.is_some() => return Err(Failure::Failed(why)),
            Some(why) => return Ok(Ending::Cut { why, left: spans.len() }),
            None => {}
        }
        let began = spans.iter().map(|(began, _)| *began).min().unwrap_or(0);
        let ended = spans.iter().map(|(_, ended)| *ended).max().unwrap_or(0);
        Ok(Ending::Done(Run {
            workers,
            lock: job.lock,
            time: Duration::from_nanos(ended.saturating_sub(began)),
            work: parts.iter().map(Part::done).sum(),
            start_up: self.start_up / workers.count,
            memory: self.memory.map(|all| all / u64::from(workers.count)),
            figures: self.figures,
            reported: self.reported,
            said: self.said,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(threads: u32, milliseconds: u64, work: u64) -> Run {
        Run {
            workers: Workers::threads(threads),
            lock: Lock::Hold,
            time: Duration::from_millis(milliseconds),
            work,
            start_up: Duration::ZERO,
            memory: None,
            figures: LockFigures::default(),
            reported: Vec::new(),
            said: Vec::new(),
        }
    }

    #[test]
    fn a_speed_up_is_work_per_time_against_work_per_time() {
        assert_eq!(run(2, 50, 100).speed_up_over(&run(1, 100, 100)), 2.0);
        // Each worker has its own work, so twice of it is done in the same time.
        assert_eq!(run(2, 100, 200).speed_up_over(&run(1, 100, 100)), 2.0);
    }

    #[test]
    fn a_function_that_reports_no_work_is_compared_by_time() {
        assert_eq!(run(2, 50, 0).speed_up_over(&run(1, 100, 0)), 2.0);
        assert!(run(1, 0, 0).speed_up_over(&run(1, 0, 0)).is_finite());
    }
}
