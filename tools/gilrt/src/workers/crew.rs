//! All processes of a run, as the tool sees them: started, heard until the last has ended, and never left behind.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

use super::message::{self, Message};
use super::process::{Process, in_words};
use super::{Board, Kind, Workers};
use crate::failure::{Failure, reason};
use crate::measure::Job;
use crate::progress::REDRAW;

/// A listener calls nothing deep.
const LISTENER_STACK: usize = 64 << 10;

/// Of more parts than this a reader only wants to know how many they are.
const MOST_NUMBERS: usize = 8;

pub struct Crew {
    workers: Workers,
    processes: Vec<Process>,
    events: Receiver<(usize, Heard)>,
}

pub enum Heard {
    Told(Message),
    /// The process has ended, or is about to.
    Silence,
}

impl Crew {
    /// Starts the processes: one for each worker if that is what they are, or else one for all.
    pub fn start(job: &Job<'_>, workers: Workers, board: &Board) -> Result<Self, Failure> {
        let in_each = if workers.kind == Kind::Processes { 1 } else { workers.count };
        let (sender, events) = mpsc::channel();
        let mut crew = Self { workers, processes: Vec::new(), events };
        for first in (0..workers.count).step_by(in_each as usize) {
            let started = Process::start(job, workers, first..first + in_each, board)
                .and_then(|process| listen_to(&process, crew.processes.len(), &sender).map(|()| process));
            match started {
                Ok(process) => crew.processes.push(process),
                Err(error) => return Err(cannot_start(workers, first, &reason(&error))),
            }
        }
        Ok(crew)
    }

    /// Lets all of them begin.
    pub fn go(&self) {
        self.processes.iter().for_each(Process::say_go);
    }

    /// The next thing that is heard, and from which process; None when nothing was for a while.
    pub fn next(&mut self) -> Option<(usize, Heard)> {
        match self.events.recv_timeout(REDRAW) {
            Ok((at, Heard::Silence)) => {
                self.processes[at].await_end();
                Some((at, Heard::Silence))
            }
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                self.processes.iter_mut().for_each(Process::look);
                None
            }
        }
    }

    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// How process `at` ended too early, and which parts it left undone: a sentence. Nothing if it ended well.
    pub fn obituary(&self, at: usize, board: &Board, was_done: bool) -> Option<String> {
        let process = &self.processes[at];
        let end = process.end?;
        let missing: Vec<u32> =
            process.parts.clone().filter(|&part| board.parts()[part as usize].span().is_none()).collect();
        if was_done && end.success() {
            return None;
        }
        let when = when(&missing, self.workers.count);
        Some(format!("{} {} {when}", self.name(process), in_words(end)))
    }

    fn name(&self, process: &Process) -> String {
        match self.workers.kind {
            Kind::Processes => {
                format!("worker process {} of {}", process.parts.start + 1, self.workers.count)
            }
            _ => format!("the process of {}", self.workers),
        }
    }
}

/// In words: before which parts were done.
fn when(missing: &[u32], of: u32) -> String {
    let numbers: Vec<String> = missing.iter().map(|part| (part + 1).to_string()).collect();
    match numbers.as_slice() {
        [] => "after its work was done".to_owned(),
        [part] => format!("before part {part} of {of} was done"),
        [some @ .., last] if some.len() < MOST_NUMBERS => {
            format!("before parts {} and {last} of {of} were done", some.join(", "))
        }
        many => format!("before {} of {of} parts were done", many.len()),
    }
}

fn listen_to(process: &Process, at: usize, sender: &Sender<(usize, Heard)>) -> io::Result<()> {
    let (socket, sender) = (process.socket()?, sender.clone());
    let listener = move || {
        // Who would hear it may have given up.
        message::listen(socket, |message| drop(sender.send((at, Heard::Told(message)))));
        let _ = sender.send((at, Heard::Silence));
    };
    std::thread::Builder::new().stack_size(LISTENER_STACK).spawn(listener).map(drop)
}

/// That there cannot be so many workers, and how many there can be.
pub fn cannot_start(workers: Workers, index: u32, why: &str) -> Failure {
    let fewer = match index {
        0 => "free some memory or end other processes".to_owned(),
        _ => format!("there is room for {index}, so give fewer"),
    };
    let (noun, number) = (workers.kind.noun(), index + 1);
    Failure::Failed(format!("cannot start {noun} {number} of {}: {why}; {fewer}", workers.count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parts_are_counted_from_one_and_named_while_they_are_few() {
        assert_eq!(when(&[], 4), "after its work was done");
        assert_eq!(when(&[1], 4), "before part 2 of 4 was done");
        assert_eq!(when(&[0, 2, 3], 4), "before parts 1, 3 and 4 of 4 were done");
        assert_eq!(when(&(0..1024).collect::<Vec<_>>(), 1024), "before 1024 of 1024 parts were done");
    }
}
