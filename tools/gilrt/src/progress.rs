//! How far each thread of a run is, and the bar that shows it on a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the bar is drawn anew.
pub const REDRAW: Duration = Duration::from_millis(100);
const STEPS: u64 = 1000;

/// One thread's own report of its part. Relaxed throughout: the numbers are shown, and order nothing else.
#[derive(Default)]
pub struct Part {
    done: AtomicU64,
    total: AtomicU64,
}

impl Part {
    pub fn set(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// The units of work that are done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    fn fraction(&self) -> f64 {
        match self.total.load(Ordering::Relaxed) {
            // Nothing is reported yet.
            0 => 0.0,
            total => (self.done() as f64 / total as f64).clamp(0.0, 1.0),
        }
    }
}

/// A bar on standard error, where that is a terminal; nothing elsewhere. It vanishes when it is dropped.
pub struct Bar(Option<ProgressBar>);

impl Bar {
    pub fn new(what: String) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(STEPS).with_message(what);
        // The template is a constant; a bar in the default style is the worst that can come of it.
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {percent:>3} % {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(bar))
    }

    /// Whether anything is drawn.
    pub fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    pub fn draw(&self, parts: &[Part]) {
        if let Some(bar) = &self.0 {
            let mean = parts.iter().map(Part::fraction).sum::<f64>() / parts.len().max(1) as f64;
            bar.set_position((mean * STEPS as f64) as u64);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
