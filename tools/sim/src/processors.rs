//! Who has a processor. As on Linux, who wakes up gets one at once, from whoever has had one longest; who has used up its
//! quantum stands at the end of the line.

use crate::sched::Ns;
use std::collections::VecDeque;

#[derive(Debug)]
pub struct Processors {
    count: usize,
    running: Vec<(usize, Ns)>,
    ready: VecDeque<usize>,
}

impl Processors {
    pub fn new(count: usize) -> Processors {
        Processors { count, running: Vec::new(), ready: VecDeque::new() }
    }

    /// `t` has woken up and runs; who lost its processor to it, if anybody did.
    pub fn wake(&mut self, t: usize, now: Ns) -> Option<usize> {
        if self.running.len() < self.count {
            self.running.push((t, now));
            return None;
        }
        let longest = self.running.iter_mut().min_by_key(|(_, since)| *since)?;
        let (victim, _) = std::mem::replace(longest, (t, now));
        self.ready.push_front(victim);
        Some(victim)
    }

    /// `t` blocks; who runs instead, if anybody does.
    pub fn block(&mut self, t: usize, now: Ns) -> Option<usize> {
        let place = self.running.iter().position(|&(r, _)| r == t)?;
        match self.ready.pop_front() {
            Some(next) => {
                self.running[place] = (next, now);
                Some(next)
            }
            None => {
                self.running.swap_remove(place);
                None
            }
        }
    }

    /// `t` has used up its quantum; who runs instead, if anybody wants to.
    pub fn rotate(&mut self, t: usize, now: Ns) -> Option<usize> {
        if self.ready.is_empty() {
            return None;
        }
        self.ready.push_back(t);
        self.block(t, now)
    }
}
