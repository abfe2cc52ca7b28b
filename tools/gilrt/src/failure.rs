//! How the tool ends when it cannot do what it was asked: one line that says what to do, and an exit code.

use std::io;
use std::process::ExitCode;

use crate::output;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for what does not exist or makes no sense: exit code 2.
    Usage(String),
    /// The command line is right, but it did not work: exit code 1.
    Failed(String),
    /// Whoever read the output has seen enough and closed the pipe; nothing is left to do or to say.
    ReaderGone,
    /// Ctrl-C, after what was done is written: the exit code that a shell has for it.
    Interrupted,
}

impl Failure {
    /// Puts what went wrong into the words of the command line's parser, which spreads them over several lines.
    pub fn from_command_line(error: &clap::Error) -> Self {
        let text = error.to_string();
        let first_paragraph = text.split("\n\n").next().unwrap_or_default();
        let message = first_paragraph.strip_prefix("error: ").unwrap_or(first_paragraph);
        Self::Usage(format!("{message}; see gilrt --help"))
    }

    /// The sentence, where there is one.
    pub fn message(self) -> String {
        match self {
            Self::Usage(message) | Self::Failed(message) => message,
            Self::ReaderGone | Self::Interrupted => String::new(),
        }
    }

    /// Prints the line and gives the exit code.
    pub fn end(self) -> ExitCode {
        match self {
            Self::Usage(message) => {
                output::complain(&message);
                ExitCode::from(2)
            }
            Self::Failed(message) => {
                output::complain(&message);
                ExitCode::FAILURE
            }
            Self::ReaderGone => ExitCode::SUCCESS,
            Self::Interrupted => {
                output::complain("interrupted: what is written is of the rounds that were done");
                ExitCode::from(130)
            }
        }
    }
}

/// The system's reason without its number, which tells a user nothing.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}
