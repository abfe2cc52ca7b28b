//! What runs now, and how long it will take.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// On standard error, where that is a terminal. It counts the time that was expected, not the cases.
pub struct Bar {
    bar: Option<ProgressBar>,
    began: Instant,
    total: Duration,
    done: Duration,
}

impl Bar {
    pub fn new(total: Duration) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(milliseconds(total));
            // The template is a constant; a bar in the default style is the worst that can come of it.
            if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {percent:>3} % {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self { bar, began: Instant::now(), total, done: Duration::ZERO }
    }

    /// `what` has been running for `running` and should take `expected`.
    pub fn draw(&self, what: &str, running: Duration, expected: Duration) {
        if let Some(bar) = &self.bar {
            let done = self.done + running.min(expected);
            bar.set_position(milliseconds(done));
            bar.set_message(format!("{}: {what}", left(self.began.elapsed(), done, self.total)));
        }
    }

    /// What should take `expected` is done, or will not be.
    pub fn finish(&mut self, expected: Duration) {
        self.done += expected;
    }

    /// Calls `print` where the bar is not in the way.
    pub fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How long the rest takes, if this machine goes on being as fast as it was.
fn left(elapsed: Duration, done: Duration, total: Duration) -> String {
    let rest = total.saturating_sub(done);
    // At the beginning nothing is known but what was expected.
    let pace = if done > Duration::from_secs(5) { elapsed.as_secs_f64() / done.as_secs_f64() } else { 1.0 };
    let seconds = rest.mul_f64(pace.clamp(0.1, 100.0)).as_secs();
    match seconds {
        0..60 => format!("{seconds} s left"),
        _ => format!("{} min left", seconds.div_ceil(60)),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_told_at_the_pace_so_far() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(0), seconds(0), seconds(50)), "50 s left");
        assert_eq!(left(seconds(20), seconds(10), seconds(20)), "20 s left");
        assert_eq!(left(seconds(20), seconds(10), seconds(70)), "2 min left");
        assert_eq!(left(seconds(99), seconds(10), seconds(10)), "0 s left");
    }
}
