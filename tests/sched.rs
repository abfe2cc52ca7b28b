//! Properties of the schedule, on a lock in virtual time. Nothing here measures the machine that runs it: a limit is part of
//! what is promised, and a run that breaks it breaks it again. More cases: PROPTEST_CASES.

use gilrt_sim::sched::{BARGING, DEFAULT_SLICE, DEFAULT_WEIGHT, Ns, Policy, Sched};
use gilrt_sim::{Choice, Figures, MS, NAP, Plan, SECOND, Setting, US, Wait, jain, run};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// So many cases, the same in every run; with PROPTEST_CASES as many as it says, and others each time.
fn cases(count: u32) -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = count;
        config.rng_seed = RngSeed::Fixed(0x9112);
    }
    config
}

fn machines() -> impl Strategy<Value = Setting> {
    let policies = prop_oneof![
        3 => Just(Policy::Responsive),
        1 => Just(Policy::Interval),
        1 => Just(Policy::Ticks),
    ];
    (policies, 1..=128_usize, 1..50 * US, 500 * US..10 * MS, any::<u64>()).prop_map(
        |(policy, processors, wake, slice, seed)| Setting {
            policy,
            processors,
            wake: wake / 2..=wake,
            slice,
            seed,
            ..Setting::default()
        },
    )
}

fn responsive() -> impl Strategy<Value = Setting> {
    machines().prop_map(|machine| Setting { policy: Policy::Responsive, ..machine })
}

/// CPU-bound threads, threads that block, threads that let go and take back; all of them poll.
fn threads() -> impl Strategy<Value = Vec<Plan>> {
    let poll = 5 * US..200 * US;
    let hog = poll.clone().prop_map(Plan::hog);
    let io = (50 * US..20 * MS, 5 * US..2 * MS).prop_map(|(blocked, hold)| Plan::io(blocked, hold));
    let holder = (5 * US..3 * MS, 0..200 * US).prop_map(|(hold, outside)| Plan::holder(hold, outside));
    let polling = (prop_oneof![io, holder], poll).prop_map(|(plan, poll)| Plan { poll, ..plan });
    let thread =
        (prop_oneof![1 => hog, 2 => polling], 0..20 * MS).prop_map(|(plan, start)| plan.starting(start));
    prop::collection::vec(thread, 1..40)
}

/// What a wait may cost beyond the slices: the last poll and two wake-ups each time that the lock changes hands, and one
/// barging.
fn limit(machine: &Setting, plans: &[Plan], slices: u32) -> Ns {
    let poll = plans.iter().map(|plan| plan.poll.min(plan.hold)).max().unwrap_or(0);
    u64::from(slices) * (machine.slice + poll + 2 * machine.wake.end()) + BARGING
}

/// For so long that each thread could have had several turns.
fn for_some_turns(machine: Setting, plans: &[Plan]) -> Setting {
    Setting { end: 20 * MS + 6 * machine.slice * plans.len() as u64, ..machine }
}

proptest! {
    #![proptest_config(cases(100))]

    /// L1, L5, S1: with equal weights and holders that poll, nobody waits longer than as many slices as threads wait, and
    /// one more; time in which the operating system withheld the holder's processor excepted.
    #[test]
    fn every_wait_ends_within_a_slice_for_each_waiter_and_one(machine in responsive(), plans in threads()) {
        let machine = for_some_turns(machine, &plans);
        for wait in run(&machine, &plans).waits {
            let most = limit(&machine, &plans, wait.at_most + 1);
            prop_assert!(wait.waited - wait.stalled <= most, "{wait:?}, at most {most}");
        }
    }

    /// L3, L7, S2: while somebody waits the lock is never idle for longer than it takes to wake a thread up, or the one that was
    /// woken and barged past to end its nap.
    #[test]
    fn the_lock_is_never_idle_while_somebody_waits(machine in machines(), plans in threads()) {
        let machine = for_some_turns(machine, &plans);
        let idle = run(&machine, &plans).idle;
        prop_assert!(idle <= machine.wake.end() + NAP, "{idle} ns");
    }

    /// L7, S2: no request is lost. Whatever the threads do, also if they never poll, each of them finishes.
    #[test]
    fn whoever_waits_is_served(machine in machines(), plans in threads(), polls in any::<bool>()) {
        let finite = |plan: Plan| Plan {
            hold: plan.hold.min(20 * MS),
            rounds: plan.rounds.min(20),
            poll: if polls { plan.poll } else { Ns::MAX },
            ..plan
        };
        let plans: Vec<Plan> = plans.into_iter().map(finite).collect();
        let figures = run(&Setting { end: Ns::MAX, ..machine }, &plans);
        prop_assert_eq!(figures.unfinished, 0);
    }

    /// CPU-bound threads of equal weight share a second equally.
    #[test]
    fn equal_threads_get_equal_time(machine in responsive(), polls in prop::collection::vec(5 * US..200 * US, 1..16)) {
        let plans: Vec<Plan> = polls.into_iter().map(Plan::hog).collect();
        let machine = Setting { slice: machine.slice.min(DEFAULT_SLICE), ..machine };
        let held = run(&machine, &plans).held;
        prop_assert!(jain(&held) >= 0.99, "{} of {held:?}", jain(&held));
    }

    /// Weights are shares of the time.
    #[test]
    fn time_is_shared_by_weight(machine in responsive(), weights in prop::collection::vec(256_u32..4096, 2..8)) {
        let plans: Vec<Plan> = weights.iter().map(|&weight| Plan::hog(20 * US).weighing(weight)).collect();
        let machine = Setting { slice: DEFAULT_SLICE, warm_up: SECOND, end: 5 * SECOND, ..machine };
        let figures = run(&machine, &plans);
        let sum: u32 = weights.iter().sum();
        for (t, &weight) in weights.iter().enumerate() {
            let due = f64::from(weight) / f64::from(sum);
            let share = figures.share(t);
            prop_assert!((share - due).abs() <= 0.1 * due, "{share:.3} instead of {due:.3} of {weights:?}: {:?}", figures.held);
        }
    }

    /// L19: a thread that lets go 300,000 times a second, and so always looks as if it came back from I/O, gets no more than
    /// its share.
    #[test]
    fn many_short_releases_earn_no_more_than_a_share(machine in responsive(), hogs in 1..6_usize) {
        let mut plans = vec![Plan::hog(50 * US); hogs];
        plans.push(Plan::holder(2 * US, 1300));
        let machine = Setting { slice: DEFAULT_SLICE, end: 300 * MS, ..machine };
        let figures = run(&machine, &plans);
        let (share, due) = (figures.share(hogs), 1.0 / (hogs + 1) as f64);
        prop_assert!(share <= 1.1 * due, "{share:.3} instead of {due:.3}, in {} releases", figures.rounds[hogs]);
    }
}

/// Beside `hogs` of them, a thread that is back from I/O with half the share that it may have.
fn beside_hogs(policy: Policy, hogs: u64, poll: Ns, hold: Ns) -> Figures {
    let mut plans = vec![Plan::hog(poll); hogs as usize];
    plans.push(Plan::io((2 * hogs + 1) * hold, hold));
    let warm_up = 4 * hogs * DEFAULT_SLICE;
    run(&Setting { policy, warm_up, end: warm_up + 4 * SECOND, ..Setting::default() }, &plans)
}

/// L1, S1: a thread back from I/O, within its share, gets in at once beside any number of CPU-bound threads: the holder polls,
/// and the thread wakes up; or the holder has to wake up first. Arrival does not come to rule when switching takes time.
#[test]
fn a_thread_back_from_io_gets_in_at_once() {
    for hogs in [1, 2, 4, 8, 16, 32, 64, 128] {
        for (poll, hold) in [(10 * US, 100 * US), (50 * US, 100 * US), (200 * US, 100 * US), (200 * US, MS)] {
            let figures = beside_hogs(Policy::Responsive, hogs, poll, hold);
            let (longest, rounds) = (figures.longest_wait(hogs as usize), figures.rounds[hogs as usize]);
            assert!(longest <= poll + 40 * US, "{longest} ns beside {hogs} that poll every {poll}");
            assert!(rounds >= 10, "{rounds} rounds beside {hogs}");
        }
    }
}

/// L1, L2: under INTERVAL the same thread waits an interval beside one hog, since the timer starts when it arrives, and for
/// one interval each beside several, which are before it.
#[test]
fn interval_lets_io_wait_one_interval_for_each_hog() {
    for hogs in [1, 2, 4, 8, 16] {
        let figures = beside_hogs(Policy::Interval, hogs, 10 * US, 100 * US);
        let waits: Vec<Ns> = figures
            .waits
            .iter()
            .filter(|w| w.thread == hogs as usize && w.served)
            .map(|w| w.waited)
            .collect();
        let switch = 10 * US + 40 * US; // the poll and two wake-ups
        let (least, most) = (hogs.max(2) - 1, hogs);
        let first = if hogs == 1 { DEFAULT_SLICE } else { least * DEFAULT_SLICE };
        assert!(waits.len() >= 10, "{} waits beside {hogs}", waits.len());
        for waited in waits {
            assert!(
                waited >= first && waited <= most * (DEFAULT_SLICE + switch),
                "{waited} ns beside {hogs}"
            );
        }
    }
}

/// L5: under TICKS, as in Python 2, the holder lets go every 100 polls and takes back before the waiter that it woke is
/// there; whoever is slower than that starves. RESPONSIVE serves the same waiter.
#[test]
fn ticks_starve_who_is_slower() {
    let plans = [Plan::hog(10 * US), Plan::io(MS, 100 * US)];
    let starved = run(&Setting { policy: Policy::Ticks, ..Setting::default() }, &plans);
    assert_eq!((starved.held[1], starved.waits.len()), (0, 1));
    let served = run(&Setting::default(), &plans);
    assert!(served.rounds[1] > 500, "{} rounds", served.rounds[1]);
}

/// L5: a thread that holds for 100 µs, lets go and takes back at once keeps nobody out for longer than a slice, one hold and
/// the time for which it may barge. CPython's waiter restarts its timer at each release.
#[test]
fn letting_go_and_taking_back_keeps_nobody_out() {
    for outside in [1, US, 10 * US] {
        for other in [Plan::hog(50 * US), Plan::io(MS, 50 * US), Plan::holder(100 * US, outside)] {
            let figures = run(&Setting::default(), &[Plan::holder(100 * US, outside), other]);
            let longest = figures.longest_wait(1);
            assert!(longest <= DEFAULT_SLICE + 100 * US + MS, "{longest} ns");
            assert!(figures.held[1] > 0);
        }
    }
}

/// L5: who lets go and barges back before the woken waiter is there is charged for each of its holds, once.
#[test]
fn who_barges_gets_its_share() {
    for hold in [20 * US, 100 * US, 500 * US] {
        let figures = run(&Setting::default(), &[Plan::hog(50 * US), Plan::holder(hold, US)]);
        assert!(jain(&figures.held) >= 0.99, "{:?}", figures.held);
    }
}

/// S2: when the waiter that keeps the time has got the lock, by a release or by a handoff, another takes the timer over;
/// otherwise nobody would ask the new holder to drop.
#[test]
fn the_timer_passes_to_who_stays() {
    for hold in [500 * US, 2 * MS] {
        let hog = Plan::hog(50 * US);
        let plans = [Plan::io(0, hold).times(1), hog.starting(100 * US), hog.starting(200 * US)];
        let longest = run(&Setting::default(), &plans).longest_wait(2);
        assert!(longest <= hold + DEFAULT_SLICE + MS, "{longest} ns");
    }
}

/// S1: interruptions by one that is back from I/O put even the oldest waiter off, but not for longer than the slice beyond its
/// age: then the holder must go.
#[test]
fn interruptions_do_not_add_up() {
    let hog = Plan::hog(5 * US);
    let io = Plan { poll: 5 * US, ..Plan::io(3_570_984, 1_859_193) }.starting(7_938_166);
    let plans = [io, hog.starting(5_111_854), hog, hog.starting(9_650_809)];
    let machine =
        Setting { slice: 3_802_935, processors: 1, wake: 0..=1, end: 120 * MS, ..Setting::default() };
    for wait in run(&machine, &plans).waits {
        let most = u64::from(wait.at_most + 1) * (machine.slice + 10 * US);
        assert!(wait.waited <= most, "{wait:?}, at most {most}");
    }
}

/// S1: fresh threads start with the smallest runtime, so more of them than the lock can serve would keep out for ever whoever
/// has used more; but a waiter is next when it has aged as many slices as threads waited when it came, and one. The same choice
/// without this rule keeps it out to the end.
#[test]
fn a_stream_of_fresh_threads_keeps_nobody_out() {
    for (every, hold) in [(MS, 2 * MS), (500 * US, 3 * MS), (100 * US, MS)] {
        let fresh =
            |i: u64| Plan { poll: 50 * US, ..Plan::io(0, hold) }.times(1).starting(20 * MS + i * every);
        let mut plans = vec![Plan::hog(50 * US).weighing(64), Plan::hog(50 * US)];
        plans.extend((0..2 * SECOND / every).map(fresh));
        let machine = Setting { processors: 128, end: 2 * SECOND, ..Setting::default() };
        let waits = |choice: Choice| {
            let mut waits = run(&Setting { choice, ..machine.clone() }, &plans).waits;
            waits.retain(|wait| wait.thread == 0);
            waits
        };
        for wait in waits(Sched::next) {
            let most = limit(&machine, &plans[..2], wait.at_arrival + 2);
            assert!(wait.waited <= most, "{wait:?}, at most {most}");
        }
        let kept_out = |wait: &Wait| !wait.served && wait.waited > 19 * SECOND / 10;
        assert!(waits(|schedule, _| schedule.least()).iter().any(kept_out), "without the rule");
    }
}

/// S1: a new thread starts at the smallest runtime, so that nobody gains by starting threads: beside contending hogs it waits
/// for its turn, where one back from I/O would not.
#[test]
fn a_new_thread_has_no_credit() {
    let mut plans = vec![Plan::hog(50 * US); 2];
    plans.extend((1..20).map(|i| Plan::io(0, 100 * US).times(1).starting(i * 47 * MS)));
    let mut waits: Vec<Ns> =
        run(&Setting::default(), &plans).waits.iter().filter(|w| w.thread >= 2).map(|w| w.waited).collect();
    waits.sort();
    assert!(waits.len() == 19 && waits[9] > MS, "{waits:?}");
}

/// S1: whoever has blocked for long has a slice of credit and no more. What needs 300 ms takes about three times as long beside
/// two hogs, however long the thread was away.
#[test]
fn credit_is_not_saved_up() {
    let back = Plan { poll: 50 * US, ..Plan::io(SECOND, 300 * MS) };
    let figures = run(
        &Setting { end: 10 * SECOND, ..Setting::default() },
        &[Plan::hog(50 * US), Plan::hog(50 * US), back],
    );
    assert_eq!(figures.rounds[2], 5);
}

/// L5: threads that let go often barge past one another, and the lock is handed over once a millisecond, and for one that has
/// had less when it arrives; not at each release: a convoy would spend a wake-up on each.
#[test]
fn barging_makes_no_convoy() {
    let figures = run(&Setting { processors: 4, ..Setting::default() }, &[Plan::holder(20 * US, US); 4]);
    let held: Ns = figures.held.iter().sum();
    assert!(figures.handoffs <= 2_000, "{} handoffs", figures.handoffs);
    assert!(held > 9 * SECOND / 10, "{held} ns");
    assert!(jain(&figures.held) >= 0.99, "{:?}", figures.held);
}

/// A decision among 10,000 waiters costs the logarithm of that: comparisons are counted.
#[test]
fn a_decision_costs_the_logarithm_of_the_waiters() {
    for hogs in [10_usize, 100, 1_000, 10_000] {
        let plans: Vec<Plan> =
            (0..hogs).map(|i| Plan::hog(10 * US).weighing(DEFAULT_WEIGHT + i as u32 % 7)).collect();
        let machine = Setting { slice: 100 * US, warm_up: MS, end: SECOND / 2, ..Setting::default() };
        let figures = run(&machine, &plans);
        assert!(figures.handoffs > 1_000);
        let each = figures.comparisons as f64 / figures.handoffs as f64;
        // To take out and to put in: two down each level and one up, and one to see that all is well.
        let most = 3.0 * (hogs as f64).log2() + 4.0;
        assert!(
            each <= most,
            "{each:.1} comparisons for each of {} decisions among {hogs}",
            figures.handoffs
        );
    }
}

/// 10,000 threads on 128 processors: they come, do their work, and are gone.
#[test]
fn ten_thousand_threads_are_served() {
    let plan = |i: u64| match i % 4 {
        0 => Plan { hold: MS, ..Plan::hog(50 * US) },
        1 => Plan::holder(20 * US, 30 * US).times(5),
        _ => Plan::io(i % 97 * 100 * US, 30 * US).times(3),
    };
    let plans: Vec<Plan> = (0..10_000).map(|i| plan(i).starting(i * 37 * US)).collect();
    for policy in [Policy::Responsive, Policy::Interval, Policy::Ticks] {
        let figures = run(&Setting { policy, processors: 128, end: Ns::MAX, ..Setting::default() }, &plans);
        assert_eq!(figures.unfinished, 0);
        assert_eq!(figures.rounds.iter().sum::<u32>(), plans.iter().map(|plan| plan.rounds).sum());
    }
}
