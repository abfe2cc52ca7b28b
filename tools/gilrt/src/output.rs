//! Printing that never panics: `println!` does when the reader has closed the pipe.

use std::io::{self, ErrorKind, Write};

use crate::failure::{Failure, reason};

/// Writes to standard output at once, so that each part of a long command is seen when it is there.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ReaderGone),
        Err(error) => {
            Err(Failure::Failed(format!("cannot write to the standard output: {}", reason(&error))))
        }
    }
}

/// Writes one value as JSON to standard output, and nothing else.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Failed(format!("cannot write the figures as JSON: {error}")))?;
    print(&(text + "\n"))
}

/// Writes one line to standard error, whatever line breaks the message holds.
pub fn complain(message: &str) {
    let line = one_line(message);
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().lock().write_all(format!("gilrt: {line}\n").as_bytes());
}

/// The text with every run of white space made one space.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
