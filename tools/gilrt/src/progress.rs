//! The bar that shows on a terminal how far the workers of a run are.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::workers::Part;

/// How often the bar is drawn anew.
pub const REDRAW: Duration = Duration::from_millis(100);
const STEPS: u64 = 1000;

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
