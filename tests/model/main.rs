//! The lock's protocol, explored by loom on the real source files: a handful of threads and all their interleavings, up to a
//! bound on preemptions where it says so. A lost wake-up is a deadlock, a missing exclusion an unordered touch of a
//! witness; loom reports both. Run by ci/models.sh.
//!
//! What a reader should know before trusting it:
//! - the heavy and the light barrier are both drawn as SeqCst fences. loom's fences synchronise with one another and never
//!   part from the store before them, so they hide missing orderings elsewhere; hence the models without a bias run
//!   without the light one.
//! - loom's mutex is stronger than a real one.
//! - there is no clock: what the schedule times is due at once (INTERVAL with a slice of 0: handoff) or never (TICKS:
//!   barging), and a deadline has passed when the waiter first looks.
//! - not here: fork, the exit of a thread, signal handlers, the schedule itself (tests/sched.rs has that).
//!
//! `every_broken_rule_is_caught` runs the models again with one rule broken at a time (`mutant!` in the sources).
#![cfg(loom)]

mod blocking;
mod explore;
mod rules;
mod world;

use explore::models;
use gilrt::attach;
use gilrt::gil::{HELPER, Wait};
use gilrt::status::Status;
use gilrt::sync::light_barrier;
use gilrt::thread::{DETACHED, HANDED, SERVE};
use loom::sync::Arc;
use loom::thread::{JoinHandle, spawn};
use std::sync::atomic::Ordering::*;
use world::{Model, World, biased, world};

fn thread(w: &Arc<World>, id: usize, body: impl FnOnce(&World, usize) + 'static) -> JoinHandle<()> {
    let w = w.clone();
    spawn(move || body(&w, id))
}

/// At the end nobody is inside and nothing is left to do: the lock can be taken, by anybody.
fn finish(w: &World, threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|t| t.join().unwrap());
    for (id, t) in w.threads.iter().enumerate() {
        assert_eq!(t.identity.load(Relaxed), DETACHED, "thread {id} left attached");
    }
    w.round(0);
}

/// After a close: nobody inside, nobody gets in, and a second close says so.
fn finish_closed(w: &World, threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|t| t.join().unwrap());
    for id in 0..w.threads.len() {
        assert_eq!(w.acquire(id, Wait::Forever), Err(Status::Closed));
    }
    assert_eq!(w.shut(), Ok(()));
    w.data.touch();
}

/// A deadline that has passed when the waiter first looks.
const DEADLINE: Wait = Wait::Until(1);

models! {
    a_bias_is_revoked(true, Some(4)) {
        let w = biased(2);
        let a = thread(&w, 1, World::round);
        w.round(0);
        w.round(0);
        finish(&w, vec![a]);
    }

    a_bias_is_granted_again(true, Some(3)) {
        let w = world(2, false);
        let a = thread(&w, 1, |w, id| { w.round(id); w.round(id); });
        w.acquire(0, Wait::Forever).unwrap();
        w.data.touch();
        w.gil.take_bias(w.threads[0]);
        w.release(0).unwrap();
        w.round(0);
        finish(&w, vec![a]);
    }

    a_bias_goes_to_and_fro(true, Some(3)) {
        let w = biased(2);
        let biased_round = |w: &World, id: usize| {
            w.acquire(id, Wait::Forever).unwrap();
            w.data.touch();
            w.gil.take_bias(w.threads[id]);
            w.release(id).unwrap();
            w.round(id);
        };
        let a = thread(&w, 1, biased_round);
        biased_round(&w, 0);
        finish(&w, vec![a]);
    }

    a_bias_has_two_revokers(true, Some(2)) {
        let w = biased(3);
        let a = thread(&w, 1, World::round);
        let b = thread(&w, 2, World::round);
        w.round(0);
        finish(&w, vec![a, b]);
    }

    two_threads_hand_over(false, None) {
        let w = world(2, false);
        let a = thread(&w, 1, World::round);
        w.round(0);
        finish(&w, vec![a]);
    }

    three_threads_hand_over(false, Some(2)) {
        let w = world(3, false);
        let a = thread(&w, 1, World::round);
        let b = thread(&w, 2, World::round);
        w.round(0);
        finish(&w, vec![a, b]);
    }

    a_handoff_comes_back(false, Some(3)) {
        let w = world(2, false);
        let a = thread(&w, 1, |w, id| { w.round(id); w.round(id); });
        w.round(0);
        w.round(0);
        finish(&w, vec![a]);
    }

    an_inner_release_keeps_the_lock(true, None) {
        let w = biased(2);
        let a = thread(&w, 1, World::round);
        w.acquire(0, Wait::Forever).unwrap();
        w.acquire(0, Wait::Forever).unwrap();
        w.data.touch();
        w.release(0).unwrap();
        w.data.touch();
        w.release(0).unwrap();
        assert_eq!(w.release(0), Err(Status::NotAttached));
        finish(&w, vec![a]);
    }

    a_deadline_meets_a_grant(false, None) {
        let w = world(2, false);
        let a = thread(&w, 1, |w, id| w.round_or(id, DEADLINE, Status::Timeout));
        w.round(0);
        finish(&w, vec![a]);
    }

    a_deadline_passes_in_a_queue(false, Some(2)) {
        let w = world(3, false);
        let a = thread(&w, 1, |w, id| { w.round_or(id, DEADLINE, Status::Timeout); w.round(id); });
        let b = thread(&w, 2, World::round);
        w.round(0);
        finish(&w, vec![a, b]);
    }

    a_try_takes_an_idle_bias(true, None) {
        let w = biased(2);
        assert_eq!(w.acquire(1, Wait::Try), Ok(()));
        w.release(1).unwrap();
        finish(&w, vec![]);
    }

    a_try_meets_a_holder(true, Some(4)) {
        let w = biased(2);
        let a = thread(&w, 1, |w, id| w.round_or(id, Wait::Try, Status::Timeout));
        w.round(0);
        finish(&w, vec![a]);
    }

    /// The revoker has found the owner attached and left it the lock: a try that times out would leave it to nobody.
    an_owner_tries_while_its_bias_is_revoked(true, Some(3)) {
        let w = biased(2);
        let a = thread(&w, 0, |w, id| w.round_or(id, Wait::Try, Status::Timeout));
        w.round(1);
        finish(&w, vec![a]);
    }

    /// All helpers are the same state, so that a word which names it does not say that it is ours.
    two_helpers_exclude_each_other(true, Some(3)) {
        let w = biased(1);
        let helper = |w: &World, _: usize| {
            let h = w.table.at(HELPER);
            if w.gil.acquire_slow(h, Wait::Try).is_ok() {
                w.data.touch();
                w.gil.release_slow(h);
            }
        };
        let a = thread(&w, 0, helper);
        helper(&w, 0);
        finish(&w, vec![a]);
    }

    a_close_meets_a_waiter(false, Some(3)) {
        let w = world(3, false);
        let a = thread(&w, 1, |w, id| w.round_or(id, Wait::Forever, Status::Closed));
        let b = thread(&w, 2, |w, _| w.close());
        w.round_or(0, Wait::Forever, Status::Closed);
        finish_closed(&w, vec![a, b]);
    }

    a_close_meets_a_bias(true, None) {
        let w = biased(2);
        let a = thread(&w, 1, |w, _| w.close());
        w.round_or(0, Wait::Forever, Status::Closed);
        w.round_or(0, Wait::Forever, Status::Closed);
        finish_closed(&w, vec![a]);
    }

    a_close_meets_a_region(false, None) {
        let w = world(2, false);
        let a = thread(&w, 1, |w, _| w.close());
        w.region(0);
        finish_closed(&w, vec![a]);
    }

    a_close_meets_a_biased_region(true, None) {
        let w = biased(2);
        let a = thread(&w, 1, |w, _| w.close());
        w.region(0);
        finish_closed(&w, vec![a]);
    }

    a_close_meets_a_region_that_waits(false, Some(1)) {
        let w = world(3, false);
        let a = thread(&w, 1, |w, id| w.round_or(id, Wait::Forever, Status::Closed));
        let b = thread(&w, 2, |w, _| w.close());
        w.region(0);
        finish_closed(&w, vec![a, b]);
    }

    /// Thread 1 is woken to try and refused before it does; thread 2, behind it, is on its way back from a region.
    a_close_comes_between_wake_and_try(false, Some(2)) {
        let w = world(3, true);
        w.acquire(2, Wait::Forever).unwrap();
        let saved = attach::region_begin::<Model>(w.threads[2]);
        w.acquire(0, Wait::Forever).unwrap();
        let a = thread(&w, 1, |w, id| w.round_or(id, Wait::Forever, Status::Closed));
        let b = thread(&w, 2, move |w, id| {
            attach::region_end::<Model>(w.threads[id], saved);
            w.data.touch();
            w.release(id).unwrap();
        });
        while w.gil.lock_inner().sched().waiters() < 2 {
            loom::thread::yield_now();
        }
        w.data.touch();
        w.release(0).unwrap();
        w.close();
        finish_closed(&w, vec![a, b]);
    }

    a_poll_gives_way_and_loses_no_request(false, Some(3)) {
        let w = world(3, false);
        let a = thread(&w, 1, World::round);
        let b = thread(&w, 2, |w, _| _ = w.threads[0].poll.fetch_or(SERVE, Relaxed));
        w.acquire(0, Wait::Forever).unwrap();
        w.poll(0);
        w.data.touch();
        w.release(0).unwrap();
        a.join().unwrap();
        b.join().unwrap();
        assert_ne!(w.threads[0].poll.load(Relaxed) & SERVE, 0, "a request got lost");
        finish(&w, vec![]);
    }

    two_threads_barge(false, Some(4)) {
        let w = world(2, true);
        let a = thread(&w, 1, World::round);
        w.round(0);
        w.round(0);
        finish(&w, vec![a]);
    }

    three_threads_barge(false, Some(2)) {
        let w = world(3, true);
        let a = thread(&w, 1, World::round);
        let b = thread(&w, 2, World::round);
        w.round(0);
        finish(&w, vec![a, b]);
    }

    barging_meets_a_deadline(false, Some(3)) {
        let w = world(3, true);
        let a = thread(&w, 1, |w, id| w.round_or(id, DEADLINE, Status::Timeout));
        let b = thread(&w, 2, World::round);
        w.round(0);
        finish(&w, vec![a, b]);
    }

    barging_meets_a_close(false, Some(1)) {
        let w = world(4, true);
        let a = thread(&w, 1, |w, id| w.round_or(id, Wait::Forever, Status::Closed));
        let b = thread(&w, 2, World::region);
        let c = thread(&w, 3, |w, _| w.close());
        w.round_or(0, Wait::Forever, Status::Closed);
        finish_closed(&w, vec![a, b, c]);
    }

    /// Who leaves something for the holder is seen: by the holder's poll or breaker, or by the next acquire.
    a_request_meets_an_acquire(true, Some(4)) {
        let w = world(2, false);
        let a = thread(&w, 1, |w, _| { w.gil.requests.fetch_or(1, SeqCst); w.gil.tell(SERVE, HANDED); });
        w.acquire(0, Wait::Forever).unwrap();
        a.join().unwrap();
        assert!(w.seen.load(Relaxed) || w.threads[0].poll.load(Relaxed) & SERVE != 0, "a request got lost");
        w.release(0).unwrap();
    }

    a_request_reaches_an_idle_bias(true, None) {
        let w = biased(2);
        let a = thread(&w, 1, |w, _| { w.gil.requests.fetch_or(1, SeqCst); w.gil.tell(SERVE, HANDED); });
        w.round(0);
        a.join().unwrap();
        w.round(0);
        assert!(w.seen.load(Relaxed), "a request got lost");
    }

    /// What is asked of a thread by its breaker is not lost when its bias is granted.
    a_request_meets_the_grant_of_a_bias(true, None) {
        let w = world(2, false);
        let a = thread(&w, 1, |w, _| _ = w.threads[0].breaker.fetch_or(HANDED, Relaxed));
        w.acquire(0, Wait::Forever).unwrap();
        w.gil.take_bias(w.threads[0]);
        light_barrier();
        a.join().unwrap();
        assert!(w.seen.load(Relaxed) || w.threads[0].breaker.load(Relaxed) & HANDED != 0, "a request got lost");
        w.release(0).unwrap();
    }
}
