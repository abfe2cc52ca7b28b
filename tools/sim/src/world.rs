//! Threads that run, block, ask, hold and poll. Between two events each thread sleeps, waits for a processor, or computes;
//! everything else takes no time.

use crate::agenda::{Agenda, Event};
use crate::figures::{Book, Figures};
use crate::lock::{Answer, Lock};
use crate::plan::{Plan, Setting};
use crate::processors::Processors;
use crate::sched::{NEVER, Ns, Policy, Sched};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Blocked, or computing without the lock.
    Outside,
    /// In the queue, or granted and not yet awake.
    Queued,
    Holding,
}

#[derive(Debug)]
struct Thread {
    plan: Plan,
    phase: Phase,
    /// How much of the phase is computed.
    progress: Ns,
    /// How much of it will be, when there is something to do other than compute.
    target: Ns,
    /// Computing since; None without a processor.
    running: Option<Ns>,
    rounds: u32,
    /// When it will be ready again, while it sleeps.
    alarm: Option<Ns>,
    /// The valid Ready, and the valid Stop.
    readies: u32,
    stops: u32,
}

struct World<'a> {
    setting: &'a Setting,
    threads: Vec<Thread>,
    lock: Lock,
    processors: Processors,
    /// Who has got the processor of one that blocked.
    successors: Vec<usize>,
    agenda: Agenda,
    book: Book,
    /// Who runs with the lock: the witness of exclusion.
    inside: Option<usize>,
    random: u64,
    now: Ns,
}

/// Runs the threads until the end that is set, or until nothing more can happen.
pub fn run(setting: &Setting, plans: &[Plan]) -> Figures {
    let thread = |plan: &Plan| Thread {
        plan: *plan,
        phase: Phase::Outside,
        progress: 0,
        target: 0,
        running: None,
        rounds: plan.rounds,
        alarm: None,
        readies: 0,
        stops: 0,
    };
    let mut world = World {
        setting,
        threads: plans.iter().map(thread).collect(),
        lock: Lock::new(Sched::new(setting.policy, setting.slice), setting.choice, plans.len()),
        processors: Processors::new(setting.processors),
        successors: Vec::new(),
        agenda: Agenda::default(),
        book: Book::new(plans.len(), setting.warm_up),
        inside: None,
        random: setting.seed,
        now: 0,
    };
    for (t, plan) in plans.iter().enumerate() {
        assert!(plan.blocked + plan.outside + plan.hold > 0, "a round that takes no time never ends");
        world.agenda.at(plan.start, Event::Start(t));
    }
    world.play();
    world.finish()
}

impl World<'_> {
    fn play(&mut self) {
        let mut warm = None;
        while let Some((time, event)) = self.agenda.pop().filter(|&(time, _)| time <= self.setting.end) {
            self.now = time;
            if warm.is_none() && time >= self.setting.warm_up {
                warm = Some((self.lock.sched.comparisons(), self.lock.handoffs));
            }
            match event {
                Event::Start(t) => {
                    self.lock.join(t, self.threads[t].plan.weight);
                    self.next_round(t);
                }
                Event::Ready(t, stamp) if stamp == self.threads[t].readies => self.ready(t),
                Event::Stop(t, stamp) if stamp == self.threads[t].stops => self.stop(t),
                Event::Ready(..) | Event::Stop(..) => continue,
            }
            while let Some(t) = self.successors.pop() {
                self.dispatch(t);
            }
            let wanted = self.lock.sched.waiters() > 0 || self.lock.holder().is_some();
            let stalled = self.inside.is_some_and(|h| self.threads[h].running.is_none());
            self.book.observe(self.now, wanted && self.inside.is_none(), stalled);
        }
        let (comparisons, handoffs) = warm.unwrap_or_default();
        self.book.figures.comparisons = self.lock.sched.comparisons() - comparisons;
        self.book.figures.handoffs = self.lock.handoffs - handoffs;
    }

    fn finish(mut self) -> Figures {
        let unfinished = self.threads.iter().filter(|t| t.rounds > 0).count();
        self.book.figures.unfinished = unfinished;
        if unfinished > 0 {
            self.now = self.setting.end; // also when nothing more could happen: who waits has waited in vain
        }
        (0..self.threads.len()).for_each(|t| self.settle(t));
        self.book.close(self.now)
    }

    /// A round begins without a processor: the thread blocks for a while.
    fn next_round(&mut self, t: usize) {
        self.outside(t);
        self.sleep(t, self.now.saturating_add(self.threads[t].plan.blocked));
    }

    fn outside(&mut self, t: usize) {
        let thread = &mut self.threads[t];
        (thread.phase, thread.progress, thread.target) = (Phase::Outside, 0, thread.plan.outside);
    }

    fn ready(&mut self, t: usize) {
        self.threads[t].alarm = None;
        if let Some(victim) = self.processors.wake(t, self.now) {
            self.settle(victim);
            self.lose(victim);
        }
        self.dispatch(t);
    }

    /// `t` has just got a processor.
    fn dispatch(&mut self, t: usize) {
        self.threads[t].running = Some(self.now);
        if self.threads[t].phase == Phase::Queued {
            let answer = self.lock.woken(t, self.now);
            if self.follow(t, answer) {
                self.compute(t);
            }
        } else {
            self.advance(t);
        }
    }

    /// Its quantum is over, or it has come to the point that it was computing towards.
    fn stop(&mut self, t: usize) {
        self.settle(t);
        if self.threads[t].progress == self.threads[t].target {
            return self.advance(t);
        }
        match self.processors.rotate(t, self.now) {
            Some(next) => {
                self.lose(t);
                self.dispatch(next);
            }
            None => self.compute(t),
        }
    }

    /// On a processor, with the lock or outside: goes on until something takes time.
    fn advance(&mut self, t: usize) {
        while self.threads[t].progress == self.threads[t].target {
            let goes_on = match self.threads[t].phase {
                Phase::Outside => {
                    self.threads[t].progress = 0;
                    let answer = self.lock.acquire(t, self.now);
                    self.asks(t, answer)
                }
                _ if self.threads[t].progress < self.threads[t].plan.hold => self.poll(t),
                _ => self.release(t),
            };
            if !goes_on {
                return;
            }
        }
        self.compute(t);
    }

    /// Whether `t` is still on its processor.
    fn release(&mut self, t: usize) -> bool {
        self.inside = None;
        self.lock.release(t, self.now);
        self.ring();
        self.book.finished_a_round(t, self.now);
        let thread = &mut self.threads[t];
        thread.rounds -= 1;
        if thread.rounds == 0 {
            self.lock.leave(t);
            self.block(t);
            return false;
        }
        if thread.plan.blocked == 0 {
            self.outside(t);
            return true;
        }
        self.block(t);
        self.next_round(t);
        false
    }

    /// As [`Self::release`].
    fn poll(&mut self, t: usize) -> bool {
        let Thread { plan, progress, .. } = self.threads[t];
        let asked = self.lock.asked_to_drop(t);
        let tick = self.setting.policy == Policy::Ticks && progress.is_multiple_of(plan.tick());
        self.inside = None;
        let answer = match () {
            () if asked => self.lock.give_way(t, self.now),
            () if tick => self.lock.tick(t, self.now),
            () => None,
        };
        match answer {
            Some(answer) => self.asks(t, answer),
            None => self.follow(t, Answer::Held),
        }
    }

    /// What came of asking for the lock.
    fn asks(&mut self, t: usize, answer: Answer) -> bool {
        if answer != Answer::Held {
            self.book.asks(t, self.now, self.lock.sched.waiters());
        }
        self.follow(t, answer)
    }

    /// Whether `t` has the lock; otherwise it sleeps.
    fn follow(&mut self, t: usize, answer: Answer) -> bool {
        match answer {
            Answer::Held => {
                assert_eq!(self.inside.replace(t), None, "two threads hold the lock");
                self.threads[t].phase = Phase::Holding;
                self.aim(t);
                self.book.begins(t, self.now, true);
            }
            Answer::Sleep(until) => {
                self.threads[t].phase = Phase::Queued;
                self.block(t);
                let late = self.latency();
                self.sleep(t, until.saturating_add(late));
            }
        }
        self.ring();
        answer == Answer::Held
    }

    /// Up to where a holder computes without looking up: to a safepoint at which it is wanted, or to the end.
    fn aim(&mut self, t: usize) {
        let Thread { plan, progress, .. } = self.threads[t];
        let after = |step: Ns| (progress / step).saturating_add(1).saturating_mul(step);
        let drop = if self.lock.asked_to_drop(t) { after(plan.poll) } else { NEVER };
        let tick = if self.setting.policy == Policy::Ticks { after(plan.tick()) } else { NEVER };
        self.threads[t].target = plan.hold.min(drop).min(tick);
    }

    /// After a step of the lock: wakes those whom it rang for, and shows a running holder that it is wanted.
    fn ring(&mut self) {
        while let Some(t) = self.lock.rings.pop() {
            let due = self.now + self.latency();
            if self.threads[t].alarm.is_some_and(|alarm| alarm > due) {
                self.sleep(t, due);
            }
        }
        let Some(holder) = self.inside.filter(|&h| self.lock.asked_to_drop(h)) else { return };
        self.settle(holder);
        if self.threads[holder].progress < self.threads[holder].target {
            self.aim(holder);
            if self.threads[holder].running.is_some() {
                self.compute(holder);
            }
        }
    }

    fn compute(&mut self, t: usize) {
        let thread = &mut self.threads[t];
        thread.running = Some(self.now);
        thread.stops += 1;
        let burst = (thread.target - thread.progress).min(self.setting.quantum);
        self.agenda.at(self.now + burst, Event::Stop(t, thread.stops));
    }

    fn sleep(&mut self, t: usize, until: Ns) {
        let thread = &mut self.threads[t];
        thread.alarm = Some(until);
        thread.readies += 1;
        if until != NEVER {
            self.agenda.at(until, Event::Ready(t, thread.readies));
        }
    }

    /// `t` gives its processor up.
    fn block(&mut self, t: usize) {
        self.lose(t);
        self.successors.extend(self.processors.block(t, self.now));
    }

    fn lose(&mut self, t: usize) {
        self.threads[t].running = None;
        self.threads[t].stops += 1;
    }

    /// Brings what `t` has computed up to date.
    fn settle(&mut self, t: usize) {
        let thread = &mut self.threads[t];
        if let Some(since) = thread.running {
            thread.running = Some(self.now);
            thread.progress += self.now - since;
            if thread.phase == Phase::Holding {
                self.book.ran(t, since, self.now);
            }
        }
    }

    fn latency(&mut self) -> Ns {
        // splitmix64
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let (least, most) = (*self.setting.wake.start(), *self.setting.wake.end());
        least + (z ^ (z >> 31)) % (most - least + 1)
    }
}
