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

use gilrt::attach::{self, Done, Slow};
use gilrt::gil::{Gil, Wait};
use gilrt::sched::Policy;
use gilrt::status::Status;
use gilrt::sync::model::draw_light_barriers;
use gilrt::sync::{fence_after_rmw, light_barrier};
use gilrt::thread::table::Table;
use gilrt::thread::{DETACHED, DROP, HANDED, SERVE, Thread};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread::{JoinHandle, spawn};
use std::sync::atomic::Ordering::*;
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// Explores `run`, with at most `preemptions` switches away from a thread that could go on.
fn explore(
    name: &str,
    light_barriers: bool,
    preemptions: Option<usize>,
    run: impl Fn() + Sync + Send + 'static,
) {
    draw_light_barriers(light_barriers);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    let begin = std::time::Instant::now();
    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    model.check(move || {
        count.fetch_add(1, Relaxed);
        run();
    });
    let bound = preemptions.map_or("all".into(), |p| p.to_string());
    eprintln!(
        "MODEL {name}: {} executions, preemptions {bound}, {:.1?}",
        runs.load(Relaxed),
        begin.elapsed()
    );
}

/// Something only one thread at a time may touch. loom panics when two touches are not ordered by happens-before.
struct Witness(UnsafeCell<()>);
// SAFETY: loom watches every access.
unsafe impl Sync for Witness {}
// SAFETY: as above.
unsafe impl Send for Witness {}

impl Witness {
    fn touch(&self) {
        self.0.with_mut(|_| ());
    }
}

/// A lock, its threads, and what it protects.
struct World {
    gil: &'static Gil,
    table: &'static Table,
    threads: Vec<&'static Thread>,
    data: Witness,
    /// A request was seen by an attached thread.
    seen: AtomicBool,
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: both were boxed by `world`, and its threads have ended.
        unsafe {
            drop(Box::from_raw(std::ptr::from_ref(self.gil).cast_mut()));
            drop(Box::from_raw(std::ptr::from_ref(self.table).cast_mut()));
        }
    }
}

/// The library's slow paths, less what needs a process.
struct Model;

fn world_of(t: &'static Thread) -> &'static World {
    // SAFETY: set by `world` to a World that outlives its threads.
    unsafe { &*t.interp.load(Relaxed).cast() }
}

impl Slow for Model {
    fn acquire(t: &'static Thread, how: Wait) -> Done {
        let w = world_of(t);
        w.gil.acquire_slow(t, how)?;
        if t.breaker.load(Relaxed) & HANDED != 0 {
            t.breaker.fetch_and(!HANDED, Release);
            w.seen.store(true, Relaxed);
        }
        fence_after_rmw();
        if w.gil.requests.load(Relaxed) != 0 {
            w.seen.store(true, Relaxed);
        }
        Ok(())
    }

    fn release(t: &'static Thread) {
        world_of(t).gil.release_slow(t);
    }

    fn interrupted(_: &'static Thread) -> bool {
        false
    }
}

/// A lock of `n` threads that hands over at once, or lets others barge for ever.
fn world(n: usize, barging: bool) -> Arc<World> {
    let table: &'static Table = Box::leak(Box::new(Table::new()));
    let policy = if barging { Policy::Ticks } else { Policy::Interval };
    let gil: &'static Gil = Box::leak(Box::new(Gil::new(table, policy, 0)));
    let threads: Vec<_> = (0..n)
        .map(|_| {
            let t = table.take().unwrap();
            t.token.store(0x8000_0001, Relaxed);
            gil.join(t).unwrap();
            t
        })
        .collect();
    let w = Arc::new(World {
        gil,
        table,
        threads,
        data: Witness(UnsafeCell::new(())),
        seen: AtomicBool::new(false),
    });
    for t in &w.threads {
        t.interp.store(std::ptr::from_ref(&*w).cast_mut().cast(), Relaxed);
    }
    w
}

/// The same, biased to thread 0, who is outside.
fn biased(n: usize) -> Arc<World> {
    let w = world(n, false);
    w.acquire(0, Wait::Forever).unwrap();
    w.gil.take_bias(w.threads[0]);
    w.release(0).unwrap();
    w
}

impl World {
    fn acquire(&self, id: usize, how: Wait) -> Done {
        attach::acquire_as::<Model>(self.threads[id], how)
    }

    fn release(&self, id: usize) -> Done {
        attach::release::<Model>(self.threads[id])
    }

    fn round(&self, id: usize) {
        self.acquire(id, Wait::Forever).unwrap();
        self.data.touch();
        self.release(id).unwrap();
    }

    fn round_or(&self, id: usize, how: Wait, refused: Status) {
        match self.acquire(id, how) {
            Ok(()) => {
                self.data.touch();
                self.release(id).unwrap();
            }
            Err(why) => assert_eq!(why, refused),
        }
    }

    fn region(&self, id: usize) {
        if self.acquire(id, Wait::Forever).is_ok() {
            self.data.touch();
            let saved = attach::region_begin::<Model>(self.threads[id]);
            self.round_or(id, Wait::Forever, Status::Closed);
            attach::region_end::<Model>(self.threads[id], saved);
            self.data.touch();
            self.release(id).unwrap();
        }
    }

    fn poll(&self, id: usize) {
        if self.threads[id].poll.load(Relaxed) & DROP != 0 {
            self.gil.give_way(self.threads[id], true);
        }
    }

    /// After Ok from close, the closer owns everything.
    fn close(&self) {
        match self.gil.close() {
            Ok(()) => self.data.touch(),
            Err(why) => assert_eq!(why, Status::Busy),
        }
    }
}

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
    assert_eq!(w.gil.close(), Ok(()));
    w.data.touch();
}

/// A deadline that has passed when the waiter first looks.
const DEADLINE: Wait = Wait::Until(1);

macro_rules! models {
    ($($(#[$doc:meta])* $name:ident($light:expr, $preemptions:expr) $body:block)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $($(#[$doc])* #[test] fn $name() { explore(stringify!($name), $light, $preemptions, || $body); })*
    };
}

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

    a_close_meets_a_region_that_waits(false, Some(2)) {
        let w = world(3, false);
        let a = thread(&w, 1, |w, id| w.round_or(id, Wait::Forever, Status::Closed));
        let b = thread(&w, 2, |w, _| w.close());
        w.region(0);
        finish_closed(&w, vec![a, b]);
    }

    /// Thread 1 is woken to try and refused before it does; thread 2, behind it, is on its way back from a region.
    a_close_comes_between_wake_and_try(false, Some(2)) {
        let w = world(4, true);
        w.acquire(2, Wait::Forever).unwrap();
        let saved = attach::region_begin::<Model>(w.threads[2]);
        w.acquire(0, Wait::Forever).unwrap();
        let a = thread(&w, 1, |w, id| w.round_or(id, Wait::Forever, Status::Closed));
        let b = thread(&w, 2, move |w, id| {
            attach::region_end::<Model>(w.threads[id], saved);
            w.data.touch();
            w.release(id).unwrap();
        });
        let c = thread(&w, 3, |w, _| w.close());
        w.data.touch();
        w.release(0).unwrap();
        finish_closed(&w, vec![a, b, c]);
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

/// The rules that `mutant!` can break in the sources, and a model that notices.
const RULES: &[(&str, &str)] = &[
    ("no-fence-on-attach", "a_bias_is_revoked"),
    ("no-fence-on-revoke", "a_bias_is_revoked"),
    ("no-fence-after-request", "a_request_meets_an_acquire"),
    ("bias-publish-then-clear-unlocked", "a_bias_is_granted_again"),
    ("breaker-whole-word", "a_request_meets_the_grant_of_a_bias"),
    ("own-bias-unlocked", "a_bias_is_revoked"),
    ("release-trusts-bias", "a_bias_is_revoked"),
    ("release-plain-store", "a_bias_is_revoked"),
    ("flag-without-rmw", "a_bias_is_revoked"),
    ("word-acquire-relaxed", "two_threads_hand_over"),
    ("word-release-relaxed", "two_threads_hand_over"),
    ("detach-relaxed", "a_close_meets_a_bias"),
    ("grant-relaxed", "a_bias_is_revoked"),
    ("grant-before-attach", "a_bias_is_revoked"),
    ("flag-after-grant", "a_poll_gives_way_and_loses_no_request"),
    ("nesting-ignored", "an_inner_release_keeps_the_lock"),
    ("error-stays-attached", "a_try_meets_a_holder"),
    ("timeout-drops-grant", "a_bias_is_revoked"),
    ("timeout-forgets-wake", "barging_meets_a_deadline"),
    ("close-refuses-regions", "a_close_meets_a_region"),
    ("close-reads-away-first", "a_close_meets_a_region"),
    ("close-forgets-bias", "a_close_meets_a_bias"),
    ("close-wakes-no-first", "a_close_comes_between_wake_and_try"),
    ("poll-whole-word", "a_poll_gives_way_and_loses_no_request"),
];

/// Breaks one rule at a time, each in a process of its own, which must fail: by a touch that nothing orders, a deadlock or
/// an assertion.
#[test]
#[ignore = "a minute: ci/models.sh runs it"]
fn every_broken_rule_is_caught() {
    let me = std::env::current_exe().unwrap();
    let missed: Vec<_> = RULES.iter().filter(|(rule, model)| !notices(&me, rule, model)).collect();
    assert!(missed.is_empty(), "nobody notices: {missed:?}");
}

fn notices(me: &std::path::Path, rule: &str, model: &str) -> bool {
    assert!(NAMES.contains(&model), "{model} is no model");
    let mut child = std::process::Command::new(me)
        .args(["--exact", model, "--test-threads=1"])
        .env("GILRT_MUTANT", rule)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let failed = !child.wait().unwrap().success();
    eprintln!("RULE {rule}: {}", if failed { model } else { "NOT NOTICED" });
    failed
}
