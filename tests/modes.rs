//! The C programs of `tests/c` and the samples in all modes: each is compiled once, and its environment says where it runs. The
//! other test files run them in the main interpreter as it is by default.
#![cfg(all(target_os = "linux", not(loom)))]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use support::{command, module, program_in_modes, root, run};

/// GILRT_TEST_MODE as `tests/c/in_mode.c` knows it, and GILRT_MODE.
#[derive(Clone, Copy, PartialEq)]
struct Mode(&'static str, &'static str);

/// The main interpreter without a lock.
const FREE: Mode = Mode("main", "free");
/// An interpreter beside the main one, with its own lock.
const OWN: Mode = Mode("own", "locked");
/// One that has the main interpreter's lock.
const SHARED: Mode = Mode("shared", "locked");
/// The same, while a thread is busy in the main one.
const BUSY: Mode = Mode("busy", "locked");
/// The main interpreter, where a module has turned the lock on.
const FORCED: Mode = Mode("forced", "free");
/// The main interpreter, whose mode changes all the time.
const SWITCHING: Mode = Mode("switching", "free");

/// A program and its arguments.
type Run = (&'static str, &'static [&'static str]);

/// What holds in every mode.
const IN_ANY: &[Run] = &[
    ("blocking.c", &[]),
    ("collect.c", &["0"]),
    ("collect_finalize.c", &["0"]),
    ("collect_lies.c", &["0"]),
    ("collect_memory.c", &[]),
    ("collect_threads.c", &["0"]),
    ("collect_threads.c", &["1"]),
    ("collect_weak.c", &["0"]),
    ("counts.c", &[]),
    ("counts_locked.c", &[]),
    ("errno.c", &[]),
    ("failing_hooks.c", &[]),
    ("finalize_race.c", &[]),
    ("finalize_region.c", &[]),
    ("first_use.c", &[]),
    ("fork_nowhere.c", &[]),
    ("fork_storm.c", &["lock"]),
    ("fork_storm.c", &["calls"]),
    ("fork_storm.c", &["weak"]),
    ("fork_storm.c", &["hot"]),
    ("giving_way.c", &[]),
    ("host_words.c", &[]),
    ("hot.c", &[]),
    ("inline_foreign.c", &[]),
    ("interrupt_storm.c", &["0"]),
    ("locked_destructors.c", &[]),
    ("object_lock.c", &[]),
    ("objects.c", &[]),
    ("one_cpu.c", &[]),
    ("saturation.c", &[]),
    ("try_incref.c", &[]),
    ("weak.c", &[]),
    ("weak_race.c", &["5"]),
    ("wrapper_map.c", &["5"]),
];

/// What tries to get in without patience: no thread but its own may be there.
const UNDISTURBED: &[Run] = &[("exit_destructors.c", &[])];

/// What is about a lock: that one thread is inside, who waits, who is next. Not where it comes and goes, or others want it too.
const WITH_A_LOCK: &[Run] = &[
    ("bias.c", &["300"]),
    ("call_soon_handoff.c", &[]),
    ("exclusion.c", &[]),
    ("finalize_waiters.c", &[]),
    ("fork_states.c", &[]),
    ("inline.c", &[]),
    ("limits.c", &[]),
    ("misuse.c", &[]),
    ("nesting.c", &[]),
    ("release_waits_for_nobody.c", &[]),
    ("signal_acquire.c", &[]),
    ("signal_storm.c", &[]),
    ("stats.c", &[]),
    ("thousand.c", &[]),
    ("thread_exit.c", &[]),
    ("timed.c", &[]),
    ("timer.c", &["interval"]),
    ("timer.c", &["responsive"]),
    ("wake_unlocked.c", &[]),
    ("wall_clock.c", &[]),
];

/// What is about the main interpreter: it is the one that a thread means which has entered none.
const IN_THE_MAIN_ONE: &[Run] = &[("call_soon.c", &[])];

/// What is about one mode, or about something that there is once in a process; other test files run it where it belongs.
const ELSEWHERE: &[(&str, &str)] = &[
    ("calls_in_turn.c", "calls of two samples in turn: tests/samples_libraries.rs"),
    ("channel.c", "makes an interpreter of each mode itself"),
    ("channel_fork.c", "is run in both modes of the main interpreter: tests/edges.rs"),
    ("channel_freed.c", "is run in both modes of the main interpreter: tests/c_programs.rs"),
    ("channel_interps.c", "makes an interpreter of each mode itself"),
    ("channel_stress.c", "makes interpreters of all modes itself"),
    ("checking.c", "checking mode, one misuse after another: tests/checking.rs"),
    ("checking_channels.c", "checking mode: tests/checking_channels.rs"),
    ("checking_interps.c", "makes interpreters of each mode itself: tests/checking_interps.rs"),
    ("close_late_references.c", "makes the interpreters that it closes"),
    ("close_stopped.c", "makes a free interpreter, and closes it"),
    ("closing.c", "is given each mode as its argument: tests/c_programs.rs"),
    ("collect_checked.c", "checking mode: tests/checking.rs"),
    ("collect_fork.c", "forks while others wait for the lock, and makes a free interpreter itself"),
    ("collect_free.c", "makes a free interpreter itself"),
    ("collect_try.c", "makes an interpreter of each mode itself"),
    ("deep.c", "makes an interpreter of each mode itself, and takes its time"),
    ("dlopen_in_thread.c", "opens the library by its path"),
    ("drive.c", "is what the samples are run by, below"),
    ("echo_loss.c", "is about sockets: tests/samples_libraries.rs"),
    ("end_first.c", "nothing starts, in no mode"),
    ("environment.c", "what the environment says of the main interpreter"),
    ("fork_free.c", "makes a free interpreter itself"),
    ("fork_handlers.c", "opens the library by its path"),
    ("fork_objects.c", "makes a free interpreter itself"),
    ("free.c", "makes free interpreters itself"),
    ("guards.c", "is given each mode as its argument: tests/c_programs.rs"),
    ("guards_fork.c", "is given each mode as its argument: tests/edges.rs"),
    ("hot_becoming.c", "makes an interpreter of each mode itself"),
    ("hot_nomem.c", "counts allocations, of which in_mode.c makes some"),
    ("in_mode.c", "is no program, but what all of this is done by"),
    ("inline_interps.c", "makes its interpreters itself"),
    ("interrupt.c", "is given each mode as its argument: tests/c_programs.rs"),
    ("interps_many.c", "makes its interpreters, of each mode, itself"),
    ("close_switching.c", "changes the mode itself"),
    ("kin_or_free.c", "changes the mode itself"),
    ("last_holder.c", "makes an interpreter of each mode itself"),
    ("leaks.c", "what the end says of the main interpreter: tests/leaks.rs"),
    ("legacy_interps.c", "makes its interpreters itself"),
    ("life.c", "the life of the runtime, which there is once"),
    ("modes.c", "changes the mode itself"),
    ("modes_at_once.c", "changes the mode itself"),
    ("module_gil.c", "makes free interpreters, and gives them a GIL, itself"),
    ("module_null.c", "what is refused is so in any mode"),
    ("module_outlived.c", "a module that needs a GIL has one in any mode"),
    ("module_races.c", "makes an interpreter of each mode itself"),
    ("module_states.c", "makes an interpreter of each mode itself"),
    ("no_membarrier.c", "how the lock of a process without membarrier is"),
    ("object_deadlock.c", "hangs, or is about checking mode"),
    ("on_request.c", "is given each mode as its argument: tests/c_programs.rs"),
    ("on_request_fork.c", "is given each mode as its argument: tests/edges.rs"),
    ("order_interval.c", "one policy, and the order that it makes"),
    ("order_responsive.c", "one policy, and the order that it makes"),
    ("order_ticks.c", "one policy, and the order that it makes"),
    ("out_of_memory.c", "counts allocations, of which in_mode.c makes some"),
    ("out_of_memory_interps.c", "makes an interpreter of each mode itself"),
    ("section_signal.c", "makes a free interpreter itself"),
    ("sections.c", "makes a free interpreter itself"),
    ("signal_modes.c", "changes the mode itself"),
    ("signal_pend.c", "makes an interpreter of each mode itself"),
    ("shared.c", "makes interpreters that share a lock itself"),
    ("stop_polls.c", "is given each mode as its argument: tests/c_programs.rs"),
    ("two_closers.c", "makes an interpreter of each mode itself"),
    ("weak_nomem.c", "counts allocations, of which in_mode.c makes some"),
];

/// A new program is in one of the lists, or this fails.
#[test]
fn every_program_runs_in_all_modes_or_says_why_not() {
    let folder = fs::read_dir(root().join("tests/c")).expect("the programs are there");
    let files = folder
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("a name in UTF-8"));
    let programs: BTreeSet<String> = files.filter(|name| name.ends_with(".c")).collect();
    let run = [IN_ANY, UNDISTURBED, WITH_A_LOCK, IN_THE_MAIN_ONE].concat();
    let run = run.iter().map(|(source, _)| source.to_string()).collect::<BTreeSet<_>>();
    let not = ELSEWHERE.iter().map(|(source, _)| source.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(run.intersection(&not).collect::<Vec<_>>(), Vec::<&String>::new(), "both run and not");
    assert_eq!(run.union(&not).cloned().collect::<BTreeSet<_>>(), programs);
}

/// Compiled once, for all tests of this file.
fn built(source: &'static str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    built.entry(source).or_insert_with(|| program_in_modes(source)).clone()
}

fn in_mode(Mode(test, main): Mode, source: &'static str) -> Command {
    let mut command = command(&built(source));
    command.env("GILRT_TEST_MODE", test).env("GILRT_MODE", main);
    if test == "forced" {
        static FORCING: Mutex<Option<PathBuf>> = Mutex::new(None);
        let mut forcing = FORCING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        command.env("GILRT_TEST_MODULE", forcing.get_or_insert_with(|| module("modules/careless.c")));
    }
    command
}

/// All of them, and then which have failed.
#[track_caller]
fn all_pass(mode: Mode, programs: &[Run]) {
    let finished = programs.iter().map(|(source, arguments)| run(in_mode(mode, source).args(*arguments)));
    let failures: Vec<String> = finished.filter(|f| !f.success).map(|f| f.description).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn programs_without_a_lock() {
    all_pass(FREE, IN_ANY);
    all_pass(FREE, UNDISTURBED);
    all_pass(FREE, IN_THE_MAIN_ONE);
}

#[test]
fn programs_in_an_interpreter_with_its_own_lock() {
    all_pass(OWN, IN_ANY);
    all_pass(OWN, UNDISTURBED);
    all_pass(OWN, WITH_A_LOCK);
}

#[test]
fn programs_in_an_interpreter_with_a_shared_lock() {
    all_pass(SHARED, IN_ANY);
    all_pass(SHARED, UNDISTURBED);
    all_pass(SHARED, WITH_A_LOCK);
}

#[test]
fn programs_while_others_are_busy_with_the_shared_lock() {
    all_pass(BUSY, IN_ANY);
}

#[test]
fn programs_under_a_lock_that_a_module_has_turned_on() {
    all_pass(FORCED, IN_ANY);
    all_pass(FORCED, UNDISTURBED);
    all_pass(FORCED, IN_THE_MAIN_ONE);
    all_pass(FORCED, WITH_A_LOCK);
}

#[test]
fn programs_while_the_mode_changes() {
    all_pass(SWITCHING, IN_ANY);
    all_pass(SWITCHING, IN_THE_MAIN_ONE);
}

/// The samples need build.rs to have compiled them.
#[cfg(feature = "samples")]
mod samples {
    use super::support::Finished;
    use super::support::samples::{reported, sample, scratch, succeeds, text};
    use super::*;

    const MODES: [Mode; 6] = [FREE, OWN, SHARED, BUSY, FORCED, SWITCHING];
    const THREADS: usize = 5;

    fn call(mode: Mode, options: &[&str], name: &str, function: &str, arguments: &[&str]) -> Finished {
        let threads = THREADS.to_string();
        let mut drive = in_mode(mode, "drive.c");
        drive.args(["-t", &threads, "-n", "2"]).args(options).arg(sample(name)).arg(function).args(arguments);
        let finished = run(drive.env_remove("GILRT_LOG")).expect_success();
        succeeds(&finished, THREADS);
        assert_eq!(finished.line("live "), "0", "{}", finished.description);
        finished
    }

    /// A module that needs a lock is given one where there was none, and that is said once.
    fn was_given_a_lock(finished: &Finished) -> bool {
        let told = finished.stderr.matches("has a GIL from now on").count();
        assert!(told <= 1, "{}", finished.description);
        told == 1
    }

    #[test]
    fn the_counter_is_given_a_lock_and_loses_nothing() {
        for mode in MODES {
            let finished = call(mode, &[], "counter", "locked", &["20000"]);
            assert_eq!(reported(&finished, "counted"), [100_000; 2], "{}", finished.description);
            assert!(was_given_a_lock(&finished) || mode != FREE, "{}", finished.description);
        }
    }

    #[test]
    fn the_vector_is_given_a_lock_and_frees_each_object_once() {
        for mode in MODES {
            for (function, rounds) in [("push", "1000"), ("churn", "2000"), ("nest", "500")] {
                let finished = call(mode, &[], "vector", function, &[rounds]);
                let expected = if function == "nest" { vec![0, 0] } else { reported(&finished, "length") };
                assert_eq!(reported(&finished, "alive"), expected, "{}", finished.description);
                assert!(was_given_a_lock(&finished) || mode != FREE, "{}", finished.description);
            }
        }
    }

    #[test]
    fn the_graph_is_given_a_lock_and_keeps_what_can_be_reached() {
        for mode in MODES {
            for (function, rounds) in [("rings", "500"), ("churn", "1500")] {
                let finished = call(mode, &[], "graph", function, &[rounds]);
                assert_eq!(
                    reported(&finished, "alive"),
                    reported(&finished, "reachable"),
                    "{}",
                    finished.description
                );
                assert!(was_given_a_lock(&finished) || mode != FREE, "{}", finished.description);
            }
        }
    }

    #[test]
    fn the_cache_is_right_with_a_lock_and_without() {
        for mode in MODES {
            for function in ["lookup", "churn", "stream"] {
                let finished = call(mode, &[], "cache", function, &["1000"]);
                assert_eq!(reported(&finished, "unsound"), [0, 0], "{}", finished.description);
                assert!(!was_given_a_lock(&finished), "{}", finished.description);
            }
        }
    }

    #[test]
    fn sqlite_is_given_a_lock_and_adds_up() {
        for mode in MODES {
            let finished = call(mode, &[], "legacy", "insert", &["200"]);
            assert_eq!(reported(&finished, "entries"), [1000; 2], "{}", finished.description);
            assert!(was_given_a_lock(&finished) || mode != FREE, "{}", finished.description);
            let finished = call(mode, &[], "legacy", "query", &["500"]);
            assert_eq!(reported(&finished, "wrong"), [0; 2], "{}", finished.description);
        }
    }

    #[test]
    fn echo_answers_in_every_mode() {
        for mode in MODES {
            for function in ["tcp", "udp"] {
                let finished = call(mode, &[], "echo", function, &["50"]);
                assert_eq!(reported(&finished, "requests"), [250; 2], "{}", finished.description);
                assert!(!was_given_a_lock(&finished), "{}", finished.description);
            }
        }
    }

    /// What a function writes is the same everywhere, with the lock and beside it.
    fn writes_the_same_in_every_mode(name: &str, function: &str, input: &[u8]) {
        let (from, to) =
            (scratch(&format!("modes.{function}.in")), scratch(&format!("modes.{function}.out")));
        fs::write(&from, input).expect("the input can be written");
        let mut first = None;
        for mode in MODES {
            for options in [&[][..], &["-r"]] {
                let finished = call(mode, options, name, function, &[text(&from), text(&to)]);
                assert!(!was_given_a_lock(&finished), "{}", finished.description);
                let made = fs::read(&to).expect("the function wrote it");
                assert!(*first.get_or_insert_with(|| made.clone()) == made, "{}", finished.description);
            }
        }
    }

    fn noise(length: u32) -> impl Iterator<Item = u8> {
        (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
    }

    #[test]
    fn a_filter_makes_the_same_picture_in_every_mode() {
        let picture: Vec<u8> = b"P6 90 70 255\n".iter().copied().chain(noise(90 * 70 * 3)).collect();
        writes_the_same_in_every_mode("image", "blur", &picture);
        writes_the_same_in_every_mode("image", "sobel", &picture);
    }

    #[test]
    fn a_file_is_compressed_to_the_same_bytes_in_every_mode() {
        writes_the_same_in_every_mode("deflate", "compress", &noise(700_000).collect::<Vec<_>>());
    }
}
