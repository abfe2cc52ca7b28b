//! Channels: objects handed from thread to thread, whichever interpreters these are in. A reference waits in a ring, or goes straight
//! from who sends it to who receives it. To the object that is one count that nobody touches: it stays its interpreter's, and so
//! do its owner and its destructor.
//!
//! | file | idea |
//! |---|---|
//! | `queue` | one channel: its ring and those who wait, and what happens when two of them meet |
//! | `table` | all channels, by names that are no addresses; what a fork does to them |
//!
//! Whoever can be served is served by the thread that makes it possible, under the channel's mutex: so nobody looks again and
//! finds that another has come first, nobody is forgotten, and those who wait are served in the order in which they came.
//!
//! Nobody who waits touches the channel after its answer. So a channel may be freed while others are inside; and who comes
//! later with its name is refused, as nothing else is ever called that.

pub mod queue;
pub mod table;

use crate::attach::slow as attach;
use crate::check;
use crate::object::count;
use crate::object::header::Object;
use crate::park::{CLOSED, GRANTED, WAITING};
use crate::runtime;
use crate::status::Status;
use crate::sync::{Guard, Ordering::Relaxed, deadline, mutant};
use crate::sys::errno::KeepErrno;
use crate::sys::tls;
use queue::{Channel, Item, Met, Ring, Waiter, Wish};
use table::{Name, Part};

/// A new channel with room for so many objects.
pub fn open(capacity: usize) -> Result<Name, Status> {
    runtime::started()?;
    if runtime::finalized() {
        return Err(Status::Closed);
    }
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    table::open(Channel::new(capacity).ok_or(Status::Nomem)?)
}

/// Refuses everybody, those who wait and those who come, and drops what the channel holds.
pub fn close(name: Name) {
    let held = {
        let _errno = KeepErrno::new();
        // In a fork handler, or in a signal handler that interrupted the library: nothing, rather than a wait without end.
        let Some(_inside) = attach::enter() else { return };
        shut(name)
    };
    // Outside, for a destructor may call the library.
    for o in held {
        count::decref(o, tls::current().identity.load(Relaxed));
    }
}

/// Closes, and gives the channel's memory back.
pub fn free(name: Name) {
    if tls::is_inside() {
        return;
    }
    close(name);
    // Closed, so that nobody waits, or will.
    let freed = match attach::enter() {
        Some(_inside) => name.part().lock().remove(name),
        None => return,
    };
    if let Err(why) = freed {
        check::refused(why, format_args!("obj_channel_free of what is no channel, or no more"));
    }
}

/// Hands the caller's reference to `o` over. On an error the caller keeps it.
pub fn send(name: Name, o: &'static Object, timeout: u64) -> Result<(), Status> {
    if tls::is_inside() {
        return Err(Status::Deadlock); // as in `pass`
    }
    if check::enabled() && !check::table::offered(o) {
        return Err(Status::Invalid);
    }
    pass(name, Wish::Send(o), timeout).map(drop)
}

/// The next object, with its reference.
pub fn receive(name: Name, timeout: u64) -> Result<&'static Object, Status> {
    let received = pass(name, Wish::Receive, timeout)?;
    let o = received.ok_or(Status::Panic)?; // who is served has been given one
    if check::enabled() && !check::table::received(o) {
        return Err(Status::Invalid); // somebody has dropped the channel's reference
    }
    Ok(o)
}

/// `timeout`: nanoseconds, `u64::MAX` for ever; 0 is not to wait.
fn pass(name: Name, wish: Wish, timeout: u64) -> Result<Option<Item>, Status> {
    let passed = match try_to(name, wish) {
        Err(Status::Timeout) if timeout != 0 => attach::detached(|| wait(name, wish, deadline(timeout))),
        at_once => at_once,
    };
    passed.map_err(|why| match why {
        Status::Invalid => check::refused(why, format_args!("{} with what is no channel", wish.call())),
        _ => why,
    })
}

/// Timeout if it would have to wait.
fn try_to(name: Name, wish: Wish) -> Result<Option<Item>, Status> {
    let _errno = KeepErrno::new();
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    let mut part = name.part().lock();
    let met = part.channel(name)?.meet(wish)?;
    Ok(settle(met, part))
}

#[cold]
fn wait(name: Name, wish: Wish, deadline: u64) -> Result<Option<Item>, Status> {
    let _inside = attach::enter().ok_or(Status::Deadlock)?; // a signal handler must not come to wait for the mutex
    let t = tls::current();
    let waiter = Waiter::new(wish, (t.id != 0).then_some(&t.bed));
    loop {
        let mut part = name.part().lock();
        match part.channel(name)?.meet(wish) {
            Err(Status::Timeout) => {}
            met => return Ok(settle(met?, part)),
        }
        if mutant!("channel-queues-unasked") {
            drop(part);
            part = name.part().lock();
        }
        part.channel(name)?.queue(&waiter);
        drop(part);
        let mut answer = waiter.sleep(deadline);
        if answer == WAITING {
            // Who is in no queue any more has been served or refused, at the deadline too.
            let mut part = name.part().lock();
            answer = waiter.look();
            if answer == WAITING {
                part.channel(name)?.leave(&waiter);
            }
            if answer == WAITING || mutant!("channel-deadline-drops-grant") {
                return Err(Status::Timeout);
            }
        } else {
            waiter.part(name.part());
        }
        match answer {
            GRANTED => return Ok(waiter.take()),
            CLOSED => return Err(Status::Closed),
            _ => {} // a fork in a signal handler: the child has nobody else, and looks again
        }
    }
}

fn settle(met: Met, part: Guard<Part>) -> Option<Item> {
    if let Some(partner) = met.partner {
        partner.wake(GRANTED, part);
    }
    met.item
}

/// What the channel held. The first answers are given after the channel says that it is closed: nobody comes to wait behind them.
fn shut(name: Name) -> Ring {
    let mut held = Ring::new();
    loop {
        let mut part = name.part().lock();
        let Ok(channel) = part.channel(name) else { return held };
        if let Some(ring) = channel.close() {
            held = ring;
        }
        match channel.next() {
            Some(waiter) => waiter.wake(CLOSED, part),
            None => return held,
        }
    }
}
