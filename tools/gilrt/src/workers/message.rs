//! What the processes of a run tell the tool, one line of JSON each, through a socket that nothing else uses.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, reason};
use crate::library::LockFigures;

#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// All workers of the process are there; how long it took it to make them. It waits for the word to begin.
    Ready { start_up: Duration },
    /// A figure that the module named.
    Reported { name: String, value: i64 },
    /// A sentence that the module said.
    Said(String),
    /// A worker could not be made, or its function failed.
    Failed { worker: u32, why: String },
    /// All workers have come to their end, and the process is about to. What they have for themselves in memory, all together,
    /// and what became of their locks during the run.
    Done { memory: Option<u64>, figures: LockFigures },
}

/// The word to begin.
const GO: u8 = 1;

pub fn say_go(mut socket: &UnixStream) {
    // One that cannot be told has ended, which is found out by the silence of it.
    let _ = socket.write_all(&[GO]);
}

/// All that comes, until the other end is closed. What is no message is passed over: a module may have written there by mistake,
/// or its writer was killed in the middle of it.
pub fn listen(socket: impl Read, mut heard: impl FnMut(Message)) {
    for line in BufReader::new(socket).split(b'\n').map_while(Result::ok) {
        if let Ok(message) = serde_json::from_slice(&line) {
            heard(message);
        }
    }
}

/// A worker process's end of the socket, for all of its threads.
pub struct Teller(Mutex<UnixStream>);

impl Teller {
    /// Takes the socket out of the standard input, where the tool has put it. Modules find nothing there.
    pub fn from_stdin() -> Result<Self, Failure> {
        let failed = |error| Failure::Failed(format!("cannot reach the tool: {}", reason(&error)));
        let socket = std::io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
        let nothing = std::fs::File::open("/dev/null").map_err(failed)?;
        // SAFETY: dup2 takes two integers. Descriptor 0 stays open throughout, for those who read from it.
        if unsafe { libc::dup2(nothing.as_raw_fd(), 0) } < 0 {
            return Err(failed(std::io::Error::last_os_error()));
        }
        Ok(Self(Mutex::new(UnixStream::from(socket))))
    }

    pub fn tell(&self, message: &Message) {
        let Ok(mut line) = serde_json::to_vec(message) else { return };
        line.push(b'\n');
        // Nobody is left to tell when the tool has ended; then this process ends too.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
    }

    /// Waits for the word to begin. False if the tool has thought better of it, or is gone.
    pub fn await_go(&self) -> bool {
        let mut word = [0];
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        socket.read_exact(&mut word).is_ok() && word == [GO]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_passed_over() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let teller = Teller(Mutex::new(theirs));
        teller.tell(&Message::Said("first".to_owned()));
        teller.0.lock().unwrap().write_all(b"\xff\xfe\nnonsense\n").unwrap();
        teller.tell(&Message::Said("two\nlines".to_owned()));
        teller.0.lock().unwrap().write_all(b"{\"Said\":\"cut o").unwrap();
        drop(teller);
        let mut said = Vec::new();
        listen(ours, |message| match message {
            Message::Said(sentence) => said.push(sentence),
            other => panic!("{other:?}"),
        });
        assert_eq!(said, ["first", "two\nlines"]);
    }

    #[test]
    fn the_word_to_begin_is_told_from_silence() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let teller = Teller(Mutex::new(theirs));
        say_go(&ours);
        assert!(teller.await_go());
        drop(ours);
        assert!(!teller.await_go());
    }
}
