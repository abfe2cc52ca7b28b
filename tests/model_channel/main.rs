//! Channels, explored by loom on the real source files: a few threads and all their interleavings, up to a bound on preemptions.
//! A lost wake-up is a deadlock; a reference that is lost or doubled shows in the sums; that a receiver touches what the sender
//! wrote is watched by loom. Run by ci/models.sh.
//!
//! What a reader should know before trusting it:
//! - threads are detached: waiting in a region is what `model` explores.
//! - loom's mutex is stronger than a real one, and there is no clock: a deadline has passed when the waiter first looks.
//! - not here: fork, signal handlers, names that are too old (the tests in `src/channel/table.rs` have those).
//!
//! `every_broken_rule_is_caught` runs the models again with one rule broken at a time (`mutant!` in the sources).
#![cfg(loom)]

#[path = "../model/explore.rs"]
mod explore;

use explore::models;
use gilrt::channel::table::Name;
use gilrt::channel::{self, close, free, receive, send};
use gilrt::object::header::{MERGED, MERGED_OWNER, ONE, Object};
use gilrt::status::Status;
use gilrt::sys::tls;
use gilrt::thread::Thread;
use loom::cell::UnsafeCell;
use loom::thread::{JoinHandle, spawn};
use std::ptr;
use std::sync::Arc;

/// References: to immortal objects, so that the model can tell who has which by itself.
struct World {
    channel: Name,
    items: Vec<(&'static Object, UnsafeCell<u32>)>,
}

// SAFETY: loom watches every access to the cells.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

const FOREVER: u64 = u64::MAX;
const DEADLINE: u64 = 1;

fn world(capacity: usize, items: usize) -> Arc<World> {
    be(0);
    let item = |_| {
        let o: &'static Object = Box::leak(Box::new(Object::born(MERGED_OWNER, 0, MERGED + ONE * 100, 0, 0)));
        (o, UnsafeCell::new(0))
    };
    let channel = channel::open(capacity).unwrap();
    Arc::new(World { channel, items: (0..items).map(item).collect() })
}

impl Drop for World {
    fn drop(&mut self) {
        for (o, _) in &self.items {
            // SAFETY: boxed in `world`; the threads have ended.
            drop(unsafe { Box::from_raw(ptr::from_ref(*o).cast_mut()) });
        }
    }
}

/// As which thread the caller acts. 0 is nowhere, and sleeps in a bed of its own.
fn be(id: u32) {
    tls::set_current(Box::leak(Box::new(Thread::new(id))));
}

fn thread(w: &Arc<World>, id: u32, body: impl FnOnce(&World) + 'static) -> JoinHandle<()> {
    let w = w.clone();
    spawn(move || {
        be(id);
        body(&w);
    })
}

impl World {
    /// Writes to the object, and sends it.
    fn send(&self, item: usize, timeout: u64) -> Result<(), Status> {
        let (o, payload) = &self.items[item];
        // SAFETY: this thread has the only reference.
        payload.with_mut(|p| unsafe { *p += 1 });
        send(self.channel, o, timeout)
    }

    /// Receives an object, and touches it: which one it was.
    fn receive(&self, timeout: u64) -> Result<usize, Status> {
        let o = receive(self.channel, timeout)?;
        let item = self.items.iter().position(|(mine, _)| ptr::eq(*mine, o)).unwrap();
        // SAFETY: as in `send`.
        self.items[item].1.with_mut(|p| unsafe { *p += 1 });
        Ok(item)
    }
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|t| t.join().unwrap());
}

fn meet(capacity: usize, sender: u32, receiver: u32) {
    let w = world(capacity, 2);
    let a = thread(&w, sender, |w| {
        w.send(0, FOREVER).unwrap();
        w.send(1, FOREVER).unwrap();
    });
    be(receiver);
    assert_eq!(w.receive(FOREVER), Ok(0));
    assert_eq!(w.receive(FOREVER), Ok(1));
    join([a]);
    assert_eq!(w.receive(0), Err(Status::Timeout));
    free(w.channel);
}

models! {
    a_sender_meets_a_receiver(false, Some(5)) {
        meet(0, 1, 2);
    }

    a_sender_meets_a_receiver_and_both_are_nowhere(false, Some(4)) {
        meet(0, 0, 0);
    }

    a_sender_fills_the_ring(false, None) {
        meet(1, 1, 2);
    }

    who_receives_makes_room_for_who_waits(false, None) {
        let w = world(1, 2);
        let a = thread(&w, 1, |w| {
            w.send(0, FOREVER).unwrap();
            w.send(1, FOREVER).unwrap();
        });
        be(2);
        assert_eq!(w.receive(FOREVER), Ok(0));
        join([a]);
        assert_eq!(w.receive(0), Ok(1));
        free(w.channel);
    }

    two_senders_wait_for_one_receiver(false, Some(3)) {
        let w = world(0, 2);
        let a = thread(&w, 1, |w| w.send(0, FOREVER).unwrap());
        let b = thread(&w, 2, |w| w.send(1, FOREVER).unwrap());
        be(3);
        assert_eq!(w.receive(FOREVER).unwrap() + w.receive(FOREVER).unwrap(), 1);
        join([a, b]);
        free(w.channel);
    }

    a_deadline_meets_a_sender(false, None) {
        let w = world(0, 1);
        let a = thread(&w, 1, |w| {
            let sent = w.send(0, DEADLINE);
            assert!(matches!(sent, Ok(()) | Err(Status::Timeout)));
            if sent.is_err() {
                w.items[0].1.with_mut(|_| ()); // still its own
                w.send(0, FOREVER).unwrap();
            }
        });
        be(2);
        if let Err(why) = w.receive(DEADLINE) {
            assert_eq!(why, Status::Timeout);
            w.receive(FOREVER).unwrap();
        }
        join([a]);
        free(w.channel);
    }

    a_close_meets_a_sender_and_a_receiver(false, Some(3)) {
        let w = world(0, 1);
        let a = thread(&w, 1, |w| if let Err(why) = w.send(0, FOREVER) {
            assert_eq!(why, Status::Closed);
            w.items[0].1.with_mut(|_| ());
        });
        let b = thread(&w, 2, |w| if let Err(why) = w.receive(FOREVER) {
            assert_eq!(why, Status::Closed);
        });
        be(3);
        close(w.channel);
        assert_eq!(w.receive(FOREVER), Err(Status::Closed));
        join([a, b]);
        free(w.channel);
    }

    a_free_meets_who_is_inside(false, Some(3)) {
        let w = world(1, 1);
        let a = thread(&w, 0, |w| assert_eq!(w.receive(FOREVER), Err(Status::Closed)));
        let b = thread(&w, 2, |w| assert_eq!(w.receive(FOREVER), Err(Status::Closed)));
        be(3);
        free(w.channel);
        // Another one in its place; the two may come as late as now.
        let next = channel::open(1).unwrap();
        assert_ne!(next, w.channel);
        send(next, w.items[0].0, 0).unwrap();
        join([a, b]);
        assert!(receive(next, 0).is_ok());
        free(next);
    }
}

#[test]
#[ignore = "half a minute: ci/models.sh runs it"]
fn every_broken_rule_is_caught() {
    explore::all_are_caught(&[
        ("grant-relaxed", "a_sender_meets_a_receiver"),
        ("channel-queues-unasked", "a_sender_meets_a_receiver"),
        ("channel-deadline-drops-grant", "a_deadline_meets_a_sender"),
        ("channel-close-forgets-receivers", "a_close_meets_a_sender_and_a_receiver"),
        ("channel-forgets-the-next-sender", "who_receives_makes_room_for_who_waits"),
    ]);
}
