//! One channel: the references it holds, and the threads that wait, on whose stacks their places in the lines are. All of it is
//! touched under the mutex of the channel's part of the table only.
//!
//! | closed | ring | senders | receivers | means |
//! |---|---|---|---|---|
//! | no | not full | none | none | nobody has to wait to send, nor, if it is not empty, to receive |
//! | no | full | some | none | who receives makes room for the first sender, and serves it |
//! | no | empty | none | some | who sends serves the first receiver |
//! | yes | empty | leaving | leaving | whoever has closed it refuses them one by one; nobody joins them |
//!
//! A ring without room is full and empty at once: then who sends and who receives meet.

use crate::object::header::Object;
use crate::park::{Bed, Sleeper, WAITING};
use crate::status::Status;
use crate::sync::{Guard, Mutex, mutant, now};
use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr;

/// A reference that is on its way.
pub type Item = &'static Object;
pub type Ring = VecDeque<Item>;

#[derive(Debug, Clone, Copy)]
pub enum Wish {
    Send(Item),
    Receive,
}

impl Wish {
    /// For reports.
    pub fn call(self) -> &'static str {
        match self {
            Wish::Send(_) => "obj_send",
            Wish::Receive => "obj_receive",
        }
    }
}

/// A wish that is fulfilled.
#[derive(Debug)]
pub struct Met<'a> {
    /// What was received.
    pub item: Option<Item>,
    /// Whose wish is fulfilled with it, and who is to be told.
    pub partner: Option<&'a Waiter>,
}

#[derive(Debug)]
pub struct Channel {
    /// Never grows beyond the room that it was made with.
    ring: Ring,
    capacity: usize,
    closed: bool,
    senders: Line,
    receivers: Line,
}

impl Channel {
    /// None: there is no memory for so many.
    pub fn new(capacity: usize) -> Option<Channel> {
        let mut ring = Ring::new();
        ring.try_reserve_exact(capacity).ok()?;
        Some(Channel { ring, capacity, closed: false, senders: Line::new(), receivers: Line::new() })
    }

    /// Fulfils the wish if that can be done now; Timeout if it cannot.
    pub fn meet<'a>(&mut self, wish: Wish) -> Result<Met<'a>, Status> {
        if self.closed {
            return Err(Status::Closed);
        }
        match wish {
            Wish::Send(item) => {
                let partner = self.receivers.pop();
                match partner {
                    Some(receiver) => receiver.item.set(Some(item)),
                    None if self.ring.len() < self.capacity => self.ring.push_back(item),
                    None => return Err(Status::Timeout),
                }
                Ok(Met { item: None, partner })
            }
            Wish::Receive => {
                let passed_over = mutant!("channel-forgets-the-next-sender") && !self.ring.is_empty();
                let partner = if passed_over { None } else { self.senders.pop() };
                let brought = partner.and_then(|sender| sender.item.take());
                // What is in the ring was sent before.
                let item = match self.ring.pop_front() {
                    Some(first) => {
                        self.ring.extend(brought);
                        Some(first)
                    }
                    None => brought,
                };
                if item.is_some() { Ok(Met { item, partner }) } else { Err(Status::Timeout) }
            }
        }
    }

    /// Behind those who wait already for the same. The waiter stays where it is until it is answered, or has left.
    pub fn queue(&mut self, w: &Waiter) {
        w.sleeper.bed().make();
        self.line(w.wish).push(w);
    }

    /// The inverse, by who has not been answered.
    pub fn leave(&mut self, w: &Waiter) {
        self.line(w.wish).remove(w);
    }

    fn line(&mut self, wish: Wish) -> &mut Line {
        match wish {
            Wish::Send(_) => &mut self.senders,
            Wish::Receive => &mut self.receivers,
        }
    }

    /// From now on everybody is refused. What it held; None if it was closed before.
    pub fn close(&mut self) -> Option<Ring> {
        let first = !std::mem::replace(&mut self.closed, true);
        first.then(|| std::mem::take(&mut self.ring))
    }

    /// Somebody who waits, taken out to be refused.
    pub fn next<'a>(&mut self) -> Option<&'a Waiter> {
        let sender = self.senders.pop();
        if sender.is_some() || mutant!("channel-close-forgets-receivers") {
            return sender;
        }
        self.receivers.pop()
    }
}

/// A thread that waits.
#[derive(Debug)]
pub struct Waiter {
    wish: Wish,
    /// What it brings, or was given.
    item: Cell<Option<Item>>,
    before: Cell<*const Waiter>,
    behind: Cell<*const Waiter>,
    sleeper: Sleeper,
}

impl Waiter {
    /// `stable`: the bed of the calling thread's state.
    pub fn new(wish: Wish, stable: Option<&'static Bed>) -> Waiter {
        let brings = match wish {
            Wish::Send(item) => Some(item),
            Wish::Receive => None,
        };
        let (before, behind) = (Cell::new(ptr::null()), Cell::new(ptr::null()));
        Waiter { wish, item: Cell::new(brings), before, behind, sleeper: Sleeper::new(stable) }
    }

    /// Until there is an answer, or the deadline has passed.
    pub fn sleep(&self, deadline: u64) -> u32 {
        loop {
            match self.look() {
                WAITING if now() < deadline => self.sleeper.bed().sleep(deadline),
                answer => return answer,
            }
        }
    }

    pub fn look(&self) -> u32 {
        self.sleeper.bed().look()
    }

    /// By whoever has taken it out of its line: after this it may be gone.
    pub fn wake<T>(&self, answer: u32, guard: Guard<T>) {
        self.sleeper.wake(answer, guard);
    }

    /// By its thread, once it was answered; `mutex` is that of the channel.
    pub fn part<T>(&self, mutex: &Mutex<T>) {
        self.sleeper.leave(mutex);
    }

    /// By its thread, once its wish is fulfilled.
    pub fn take(&self) -> Option<Item> {
        self.item.take()
    }

    /// In a forked child: it is alone, and looks again.
    pub fn poke(&self) {
        self.sleeper.bed().answer(crate::park::POKED);
    }
}

/// Those who wait, in the order in which they came.
#[derive(Debug)]
struct Line {
    first: *const Waiter,
    last: *const Waiter,
}

// SAFETY: the waiters are touched only by whoever has the mutex around the line.
unsafe impl Send for Line {}

impl Line {
    const fn new() -> Line {
        Line { first: ptr::null(), last: ptr::null() }
    }

    fn push(&mut self, w: &Waiter) {
        w.before.set(self.last);
        w.behind.set(ptr::null());
        match at(self.last) {
            Some(last) => last.behind.set(w),
            None => self.first = w,
        }
        self.last = w;
    }

    fn pop<'a>(&mut self) -> Option<&'a Waiter> {
        let w = at(self.first)?;
        self.remove(w);
        Some(w)
    }

    fn remove(&mut self, w: &Waiter) {
        let (before, behind) = (w.before.get(), w.behind.get());
        match at(before) {
            Some(before) => before.behind.set(behind),
            None => self.first = behind,
        }
        match at(behind) {
            Some(behind) => behind.before.set(before),
            None => self.last = before,
        }
    }
}

/// The lifetime is the caller's promise: who is in a line lives until it is answered.
fn at<'a>(w: *const Waiter) -> Option<&'a Waiter> {
    // SAFETY: null, or a waiter that has been neither answered nor removed, so that it stays where it is; the mutex is held.
    unsafe { w.as_ref() }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::object::header::{IMMORTAL, PLAIN};

    fn items<const N: usize>() -> [Item; N] {
        std::array::from_fn(|_| &*Box::leak(Box::new(Object::born(IMMORTAL, 1, PLAIN, 0, 0))))
    }

    fn is(a: Option<Item>, b: Item) -> bool {
        a.is_some_and(|a| ptr::eq(a, b))
    }

    #[test]
    fn senders_are_served_in_order_of_arrival_behind_what_is_in_the_ring() {
        let [a, b, c, d] = items();
        for capacity in [0, 1, 2] {
            let mut channel = Channel::new(capacity).unwrap();
            let all = [a, b, c, d];
            for item in &all[..capacity] {
                assert!(channel.meet(Wish::Send(item)).is_ok());
            }
            let waiters: Vec<_> = all[capacity..].iter().map(|o| Waiter::new(Wish::Send(o), None)).collect();
            for w in &waiters {
                assert!(matches!(channel.meet(w.wish), Err(Status::Timeout)));
                channel.queue(w);
            }
            for (i, item) in all.iter().enumerate() {
                let met = channel.meet(Wish::Receive).unwrap();
                assert!(is(met.item, item));
                assert!(met.partner.map(ptr::from_ref) == waiters.get(i).map(ptr::from_ref));
            }
            assert!(matches!(channel.meet(Wish::Receive), Err(Status::Timeout)));
        }
    }

    #[test]
    fn receivers_are_served_in_order_of_arrival_but_for_who_has_left() {
        let [a, b, c] = items();
        let mut channel = Channel::new(1).unwrap();
        let waiters: [_; 4] = std::array::from_fn(|_| Waiter::new(Wish::Receive, None));
        waiters.iter().for_each(|w| channel.queue(w));
        channel.leave(&waiters[1]);
        for (item, w) in [(a, &waiters[0]), (b, &waiters[2])] {
            let met = channel.meet(Wish::Send(item)).unwrap();
            assert!(met.item.is_none() && met.partner.is_some_and(|p| ptr::eq(p, w)));
            assert!(is(w.take(), item));
        }
        channel.leave(&waiters[3]);
        assert!(channel.meet(Wish::Send(c)).unwrap().partner.is_none());
        assert!(is(channel.meet(Wish::Receive).unwrap().item, c));
    }

    #[test]
    fn a_closed_channel_gives_up_what_it_held_once_and_refuses() {
        let [a, b] = items();
        let mut channel = Channel::new(1).unwrap();
        let waiter = Waiter::new(Wish::Send(b), None);
        assert!(channel.meet(Wish::Send(a)).is_ok());
        channel.queue(&waiter);
        assert_eq!(channel.close().map(|held| held.len()), Some(1));
        assert!(channel.close().is_none());
        assert!(channel.next().is_some_and(|w| ptr::eq(w, &waiter)) && channel.next().is_none());
        assert!(matches!(channel.meet(Wish::Send(a)), Err(Status::Closed)));
        assert!(matches!(channel.meet(Wish::Receive), Err(Status::Closed)));
    }
}
