//! What came of a run: how long each thread held the lock and each waited, and how long nobody ran who could have.

use crate::sched::Ns;

/// From asking for the lock to the first instruction with it; or to the end of the run, if it was not served before.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    pub thread: usize,
    pub from: Ns,
    pub waited: Ns,
    /// How many waited when it came, and the most that did meanwhile, itself included.
    pub at_arrival: u32,
    pub at_most: u32,
    /// For how long of it the holder had no processor.
    pub stalled: Ns,
    pub served: bool,
}

/// Times are of the recorded part of the run, after the warm-up.
#[derive(Debug, Default)]
pub struct Figures {
    /// By thread: how long it held the lock on a processor.
    pub held: Vec<Ns>,
    /// By thread: how many rounds it finished.
    pub rounds: Vec<u32>,
    pub waits: Vec<Wait>,
    /// The longest time in which somebody waited and nobody ran with the lock.
    pub idle: Ns,
    /// Who had not left when nothing more could happen, or at the end.
    pub unfinished: usize,
    pub handoffs: u64,
    /// How many queued, and how many comparisons the schedule made for them.
    pub arrivals: u64,
    pub comparisons: u64,
}

impl Figures {
    pub fn longest_wait(&self, thread: usize) -> Ns {
        self.waits.iter().filter(|w| w.thread == thread).map(|w| w.waited).max().unwrap_or(0)
    }

    pub fn share(&self, thread: usize) -> f64 {
        self.held[thread] as f64 / self.held.iter().sum::<Ns>() as f64
    }
}

/// Jain's index: 1 when all are equal, 1 / n when one has everything.
pub fn jain(parts: &[Ns]) -> f64 {
    let sum: f64 = parts.iter().map(|&p| p as f64).sum();
    let squares: f64 = parts.iter().map(|&p| (p as f64).powi(2)).sum();
    sum * sum / (parts.len() as f64 * squares)
}

/// Takes the figures down while the run goes on.
#[derive(Debug)]
pub struct Book {
    from: Ns,
    pub figures: Figures,
    /// By thread: the wait that it is in, with `stalled` as of its beginning.
    asked: Vec<Option<Wait>>,
    /// Times at which the queue grew, with its length then, each longer than all after it.
    peaks: Vec<(Ns, u32)>,
    idle_since: Option<Ns>,
    stalled_since: Option<Ns>,
    stalled: Ns,
}

impl Book {
    pub fn new(threads: usize, from: Ns) -> Book {
        let figures = Figures { held: vec![0; threads], rounds: vec![0; threads], ..Figures::default() };
        Book {
            from,
            figures,
            asked: vec![None; threads],
            peaks: Vec::new(),
            idle_since: None,
            stalled_since: None,
            stalled: 0,
        }
    }

    pub fn asks(&mut self, t: usize, now: Ns, waiters: u32) {
        let stalled = self.stalled(now);
        let wait =
            Wait { thread: t, from: now, waited: 0, at_arrival: waiters, at_most: 0, stalled, served: false };
        self.asked[t] = Some(wait);
        while self.peaks.pop_if(|(_, length)| *length <= waiters).is_some() {}
        self.peaks.push((now, waiters));
        self.figures.arrivals += u64::from(now >= self.from);
    }

    pub fn begins(&mut self, t: usize, now: Ns, served: bool) {
        let Some(wait) = self.asked[t].take().filter(|w| w.from >= self.from) else { return };
        let highest = self.peaks.partition_point(|&(time, _)| time < wait.from);
        let (waited, stalled) = (now - wait.from, self.stalled(now) - wait.stalled);
        self.figures.waits.push(Wait { waited, at_most: self.peaks[highest].1, stalled, served, ..wait });
    }

    pub fn ran(&mut self, t: usize, since: Ns, now: Ns) {
        self.figures.held[t] += now.saturating_sub(since.max(self.from));
    }

    pub fn finished_a_round(&mut self, t: usize, now: Ns) {
        self.figures.rounds[t] += u32::from(now >= self.from);
    }

    /// After each event: whether somebody wants the lock that nobody runs with, and whether its holder has no processor.
    pub fn observe(&mut self, now: Ns, idle: bool, stalled: bool) {
        if let Some(since) = self.idle_since.filter(|_| !idle) {
            self.figures.idle = self.figures.idle.max(now.saturating_sub(since.max(self.from)));
        }
        self.idle_since = idle.then_some(self.idle_since.unwrap_or(now));
        if !stalled {
            self.stalled = self.stalled(now);
        }
        self.stalled_since = stalled.then_some(self.stalled_since.unwrap_or(now));
    }

    /// Who still waits has waited until now.
    pub fn close(mut self, now: Ns) -> Figures {
        (0..self.asked.len()).for_each(|t| self.begins(t, now, false));
        self.observe(now, false, false);
        self.figures
    }

    fn stalled(&self, now: Ns) -> Ns {
        self.stalled + self.stalled_since.map_or(0, |since| now - since)
    }
}
