//! The lock at its edges: signals, forks, threads that end, clocks and system calls that are taken away, numbers at their
//! limits, one processor, a thousand threads. Each C program runs in a child process.
#![cfg(target_os = "linux")]

mod support;

use support::{command, cpp_program, library, module, program, program_without_library, run};

#[track_caller]
fn passes(source: &str) {
    passes_with(source, &[]);
}

#[track_caller]
fn passes_with(source: &str, arguments: &[&str]) {
    run(command(&program(source)).args(arguments)).expect_success();
}

/// Not under valgrind, which has an allocator of its own.
#[test]
fn hot_objects_need_no_memory_to_be_counted() {
    passes("hot_nomem.c");
}

#[test]
fn calls_run_in_order_at_the_next_safepoint() {
    passes("call_soon.c");
}

#[test]
fn a_call_left_under_another_holder_is_found_by_whoever_gets_the_lock_back() {
    passes("call_soon_handoff.c");
}

#[test]
fn a_thread_that_ends_lets_the_lock_go() {
    passes("thread_exit.c");
}

#[test]
fn destructors_of_the_host_may_use_the_lock_before_and_after_the_exit_hook() {
    passes("exit_destructors.c");
}

#[test]
fn a_fork_from_every_state_leaves_a_child_that_works() {
    passes("fork_states.c");
}

#[test]
fn guards_of_threads_that_a_fork_leaves_behind_hold_nothing_off() {
    for mode in ["0", "2"] {
        passes_with("guards_fork.c", &[mode]);
    }
}

#[test]
fn a_fork_where_the_host_is_told_can_be_ended() {
    for mode in ["0", "2"] {
        passes_with("on_request_fork.c", &[mode]);
    }
}

#[test]
fn forks_while_others_open_call_and_close_modules() {
    let states = module("modules/states.c");
    let copy = states.with_extension("forked.so");
    std::fs::copy(&states, &copy).expect("the target folder can be written");
    let [states, copy] = [&states, &copy].map(|path| path.to_str().expect("a name in UTF-8"));
    passes_with("module_races.c", &[states, copy, "fork"]);
}

#[test]
fn forks_while_others_share_a_lock_among_interpreters() {
    passes_with("shared.c", &["fork"]);
}

#[test]
fn forks_while_others_use_the_lock() {
    passes_with("fork_storm.c", &["lock"]);
}

#[test]
fn forks_while_others_leave_calls() {
    passes_with("fork_storm.c", &["calls"]);
}

#[test]
fn forks_while_others_set_the_log() {
    passes_with("fork_storm.c", &["log"]);
}

#[test]
fn forks_while_others_use_weak_references() {
    passes_with("fork_storm.c", &["weak"]);
}

#[test]
fn forks_while_others_count_hot_objects() {
    passes_with("fork_storm.c", &["hot"]);
}

#[test]
fn forks_while_other_threads_come_and_end() {
    passes_with("fork_storm.c", &["exits"]);
}

#[test]
fn forks_while_others_are_in_sections_and_count() {
    passes("fork_objects.c");
    run(command(&program("fork_objects.c")).env("GILRT_CHECK", "continue")).expect_success();
}

#[test]
fn a_forked_child_has_the_channels_and_nobody_who_waits() {
    for mode in ["locked", "free"] {
        run(command(&program("channel_fork.c")).env("GILRT_MODE", mode)).expect_success();
    }
}

#[test]
fn forks_while_others_count_without_a_lock() {
    passes("fork_free.c");
}

#[test]
fn forks_while_others_collect() {
    passes("collect_fork.c");
}

#[test]
fn deep_structures_die_on_a_small_stack() {
    passes("deep.c");
}

#[test]
fn who_waits_for_a_stopped_world_is_refused_when_it_closes() {
    passes("close_stopped.c");
}

#[test]
fn of_two_that_close_one_closes() {
    passes_with("two_closers.c", &["0"]);
    passes_with("two_closers.c", &["2"]);
}

#[test]
fn what_is_handed_over_while_an_interpreter_closes_dies() {
    passes("close_late_references.c");
}

#[test]
fn inline_functions_follow_the_entered_interpreter() {
    passes("inline_interps.c");
}

#[test]
fn a_try_gives_nothing_that_the_collector_clears() {
    passes("collect_try.c");
}

#[test]
fn threads_that_are_nowhere_fork_while_others_count() {
    passes("fork_nowhere.c");
}

#[test]
fn a_handler_that_is_refused_leaves_a_waiting_section_whole() {
    passes("section_signal.c");
}

/// L17.
#[test]
fn handlers_interrupt_last_references() {
    passes_with("signal_pend.c", &["0"]);
    passes_with("signal_pend.c", &["1"]);
}

#[test]
fn fork_handlers_of_other_libraries_may_use_the_lock() {
    run(command(&program_without_library("fork_handlers.c")).arg(library())).expect_success();
}

#[test]
fn a_storm_of_signals_disturbs_no_wait() {
    passes("signal_storm.c");
}

#[test]
fn an_acquire_in_a_signal_handler_is_refused_or_real() {
    passes("signal_acquire.c");
}

#[test]
fn a_thousand_threads_come_and_go() {
    passes("thousand.c");
}

#[test]
fn one_processor_is_enough() {
    passes("one_cpu.c");
}

#[test]
fn nothing_depends_on_the_wall_clock() {
    passes("wall_clock.c");
}

#[test]
fn without_membarrier_from_the_start_the_lock_excludes() {
    passes_with("no_membarrier.c", &["start", "ENOSYS"]);
    passes_with("no_membarrier.c", &["start", "EPERM"]);
}

#[test]
fn a_bias_is_revoked_after_membarrier_was_taken_away() {
    passes_with("no_membarrier.c", &["later", "ENOSYS"]);
    passes_with("no_membarrier.c", &["later", "EPERM"]);
}

#[test]
fn a_release_waits_for_nobody() {
    passes("release_waits_for_nobody.c");
}

#[test]
fn a_wake_comes_after_the_unlock() {
    passes("wake_unlocked.c");
}

#[test]
fn inline_and_called_functions_mix() {
    passes("inline.c");
}

#[test]
fn who_does_not_own_an_object_counts_inline_too() {
    passes("inline_foreign.c");
}

#[test]
fn the_inline_functions_are_cpp17_too() {
    match cpp_program("inline.cpp") {
        Some(program) => drop(run(&mut command(&program)).expect_success()),
        None => println!("skipped: no C++ compiler was found (CXX, or c++ in the path)"),
    }
}

#[test]
fn no_increment_is_lost_between_the_owner_of_the_bias_and_who_takes_it() {
    passes_with("bias.c", &["2000"]);
}

#[test]
fn numbers_at_their_limits_are_taken_and_those_beyond_refused() {
    passes("limits.c");
}

#[test]
fn the_figures_are_exact_where_they_can_be() {
    passes("stats.c");
}

#[test]
fn under_interval_waiters_are_served_in_order_of_arrival() {
    passes("order_interval.c");
}

#[test]
fn under_responsive_whoever_has_used_least_is_next() {
    passes("order_responsive.c");
}

#[test]
fn under_ticks_nobody_is_asked_to_drop() {
    passes("order_ticks.c");
}

#[test]
fn the_timer_is_taken_over_when_its_keeper_is_gone() {
    passes_with("timer.c", &["interval"]);
    passes_with("timer.c", &["responsive"]);
}

/// Runs the program that expects `policy` and `interval` with these variables set, and returns what it wrote to standard
/// error. The host itself asks for INTERVAL and 2 ms.
#[track_caller]
fn with_environment(variables: &[(&str, &str)], policy: &str, interval: &str) -> String {
    let mut command = command(&program("environment.c"));
    for name in ["GILRT_POLICY", "GILRT_SWITCH_INTERVAL_NS", "GILRT_LOG"] {
        command.env_remove(name);
    }
    run(command.envs(variables.iter().copied()).args([policy, interval])).expect_success().stderr
}

/// What the program makes the library warn of.
const WARNING: &str = "gilrt: thread 1 ended while it was attached: the lock was released for it\n";

#[test]
fn the_environment_wins_over_the_host() {
    assert_eq!(with_environment(&[], "interval", "2000000"), WARNING);
    assert_eq!(with_environment(&[("GILRT_POLICY", "ticks")], "ticks", "2000000"), WARNING);
    assert_eq!(with_environment(&[("GILRT_POLICY", "responsive")], "responsive", "2000000"), WARNING);
    let both = [("GILRT_POLICY", "interval"), ("GILRT_SWITCH_INTERVAL_NS", "3000000")];
    assert_eq!(with_environment(&both, "interval", "3000000"), WARNING);
}

#[test]
fn the_environment_says_from_which_level_on_lines_are_logged() {
    for level in ["off", "error"] {
        assert_eq!(with_environment(&[("GILRT_LOG", level)], "interval", "2000000"), "");
    }
    for level in ["warn", "info"] {
        assert_eq!(with_environment(&[("GILRT_LOG", level)], "interval", "2000000"), WARNING);
    }
}

#[test]
fn a_bad_value_in_the_environment_is_reported_once_with_the_allowed_ones_and_ignored() {
    let interval = "nanoseconds from 1000 to 10000000000";
    for (name, value, allowed) in [
        ("GILRT_POLICY", "fair", "responsive, interval or ticks"),
        ("GILRT_POLICY", "", "responsive, interval or ticks"),
        ("GILRT_SWITCH_INTERVAL_NS", "0", interval),
        ("GILRT_SWITCH_INTERVAL_NS", "10000000001", interval),
        ("GILRT_SWITCH_INTERVAL_NS", "5ms", interval),
        ("GILRT_SWITCH_INTERVAL_NS", "-1", interval),
        ("GILRT_SWITCH_INTERVAL_NS", "99999999999999999999999", interval),
        ("GILRT_LOG", "loud", "off, error, warn or info"),
    ] {
        let report = format!("gilrt: {name}={value} is ignored: allowed are {allowed}\n");
        let stderr = with_environment(&[(name, value)], "interval", "2000000");
        assert_eq!(stderr, format!("{report}{WARNING}"));
    }
}
