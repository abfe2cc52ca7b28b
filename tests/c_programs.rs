//! The C programs of `tests/c`: the library as its users see it, through the header and the shared library
//! alone. Each runs in a child process, so that one that hangs or crashes fails one test.
#![cfg(target_os = "linux")]

mod support;

use support::{command, cpp_program, library, program, program_without_library, run};

#[track_caller]
fn passes(source: &str) {
    passes_with(source, &[]);
}

#[track_caller]
fn passes_with(source: &str, arguments: &[&str]) {
    run(command(&program(source)).args(arguments)).expect_success();
}

/// With each way of counting, as obj_count_t numbers them.
#[track_caller]
fn passes_however_counted(source: &str) {
    for count in ["0", "1"] {
        passes_with(source, &[count]);
    }
}

#[track_caller]
fn checked(source: &str) {
    run(command(&program(source)).arg("checked").env("GILRT_CHECK", "continue")).expect_success();
}

/// With a lock and without one, as gil_mode_t numbers them.
#[track_caller]
fn passes_in_both_modes(source: &str) {
    for mode in ["0", "2"] {
        passes_with(source, &[mode]);
    }
}

/// From 2 to 16 threads.
#[track_caller]
fn passes_with_threads(source: &str) {
    let program = program(source);
    for threads in ["2", "3", "5", "9", "16"] {
        run(command(&program).arg(threads)).expect_success();
    }
}

#[test]
fn at_most_one_thread_is_inside() {
    passes("exclusion.c");
}

#[test]
fn acquires_nest_and_each_needs_its_release() {
    passes("nesting.c");
}

#[test]
fn try_and_timed_acquires_agree_with_the_lock_when_a_grant_meets_the_deadline() {
    passes("timed.c");
}

#[test]
fn the_lock_is_free_around_blocking_calls() {
    passes("blocking.c");
}

#[test]
fn a_thread_that_polls_or_yields_lets_every_waiter_in() {
    passes("giving_way.c");
}

#[test]
fn misuse_is_answered_and_disturbs_nobody() {
    passes("misuse.c");
}

#[test]
fn the_end_turns_waiters_and_late_arrivals_away() {
    passes("finalize_waiters.c");
}

#[test]
fn the_end_waits_for_who_is_inside_a_region() {
    passes("finalize_region.c");
}

#[test]
fn the_end_comes_while_threads_go_in_and_out() {
    passes("finalize_race.c");
}

#[test]
fn guards_hold_off_the_end_and_nothing_else() {
    passes_in_both_modes("guards.c");
    passes_with("guards.c", &["1"]); // with interpreters that share the main one's lock
}

#[test]
fn the_first_call_of_anything_starts_the_runtime() {
    passes("first_use.c");
}

#[test]
fn a_host_keeps_its_own_words() {
    passes("host_words.c");
}

#[test]
fn a_host_is_told_what_its_threads_are_asked_for() {
    for mode in ["0", "2"] {
        passes_with("on_request.c", &[mode, "main"]);
        passes_with("on_request.c", &[mode, "another"]);
    }
    passes_with("on_request.c", &["1", "another"]);
}

#[test]
fn blocking_calls_are_interrupted() {
    passes_in_both_modes("interrupt.c");
}

#[test]
fn no_interrupt_is_lost_and_none_comes_after_the_way_back() {
    passes_in_both_modes("interrupt_storm.c");
    passes_with("interrupt_storm.c", &["3"]);
}

#[test]
fn the_last_holder_and_the_switches_can_be_read() {
    passes("last_holder.c");
}

#[test]
fn whoever_waits_when_an_interpreter_closes_is_told_before_during_and_after() {
    for mode in ["0", "2"] {
        passes_with("closing.c", &[mode, "main"]);
        passes_with("closing.c", &[mode, "another"]);
    }
    passes_with("closing.c", &["1", "another"]);
}

#[test]
fn a_life_has_one_beginning_and_one_end() {
    passes("life.c");
}

#[test]
fn a_runtime_that_was_ended_before_its_first_use_stays_ended() {
    passes("end_first.c");
}

#[test]
fn errno_is_kept_both_ways() {
    passes("errno.c");
}

#[test]
fn objects_are_zeroed_aligned_finalized_once_and_freed() {
    passes("objects.c");
}

#[test]
fn counts_are_right_from_threads_of_every_kind() {
    passes("counts.c");
}

#[test]
fn the_lock_of_an_object_excludes_and_detaches_who_waits() {
    passes("object_lock.c");
    checked("object_lock.c");
}

#[test]
fn two_locks_in_opposite_order_hang() {
    passes("object_deadlock.c");
}

#[test]
fn two_locks_in_opposite_order_are_answered_in_checking_mode() {
    checked("object_deadlock.c");
}

#[test]
fn counts_under_a_lock_of_each_object_are_right() {
    passes("counts_locked.c");
    checked("counts_locked.c");
}

#[test]
fn no_count_is_locked_across_a_destructor() {
    passes("locked_destructors.c");
}

#[test]
fn counts_locked_across_destructors_deadlock_and_that_is_answered_in_checking_mode() {
    checked("locked_destructors.c");
}

#[test]
fn sections_exclude_without_a_gil_and_never_deadlock() {
    passes("sections.c");
    checked("sections.c");
}

#[test]
fn threads_of_an_interpreter_without_a_lock_count_exactly() {
    passes("free.c");
}

/// Modes, as gil_mode_t numbers them.
#[test]
fn hundreds_of_interpreters_at_once_and_thousands_one_after_the_other_leave_nothing_behind() {
    for mode in ["0", "2"] {
        passes_with("interps_many.c", &[mode]);
    }
}

#[test]
fn interpreters_that_share_a_lock_share_nothing_else() {
    passes("shared.c");
}

/// M1: how many threads, and whose mode. `ci/modes.sh` takes longer.
#[test]
fn nothing_is_lost_when_the_mode_changes_under_load() {
    let milliseconds = std::env::var("GILRT_TEST_MODES_MS").unwrap_or("2000".into());
    for [threads, whose] in [["2", "other"], ["4", "main"], ["16", "other"]] {
        passes_with("modes.c", &[threads, &milliseconds, whose]);
    }
}

#[test]
fn who_has_stopped_the_world_polls_and_nobody_gets_in() {
    for mode_and_policy in [["0", "0"], ["0", "1"], ["0", "2"], ["2", "0"]] {
        passes_with("stop_polls.c", &mode_and_policy);
    }
}

#[test]
fn an_interpreter_closes_while_its_mode_changes() {
    passes("close_switching.c");
    passes_with("close_switching.c", &["shared"]);
}

#[test]
fn a_signal_handler_leaves_its_thread_as_it_was_whatever_the_mode() {
    passes("signal_modes.c");
}

#[test]
fn several_threads_change_the_mode_at_once() {
    passes("modes_at_once.c");
}

#[test]
fn a_lock_that_is_shared_stays_and_one_that_is_not_in_use_is_not_shared() {
    passes("kin_or_free.c");
}

#[test]
fn a_reference_from_nothing_is_given_by_the_living_only() {
    passes("try_incref.c");
}

#[test]
fn a_map_of_wrappers_replaces_those_that_die() {
    passes_with_threads("wrapper_map.c");
}

#[test]
fn weak_references_find_the_living_and_are_cleared_before_the_finalizer() {
    passes("weak.c");
}

#[test]
fn weak_references_are_upgraded_while_the_last_reference_is_dropped() {
    passes_with_threads("weak_race.c");
}

#[test]
fn a_weak_reference_without_memory_is_an_answer() {
    passes("weak_nomem.c");
}

#[test]
fn no_count_is_lost_while_an_object_becomes_hot() {
    passes("hot_becoming.c");
}

#[test]
fn a_count_that_comes_to_its_end_is_told_and_makes_the_object_immortal() {
    assert_eq!(run(&mut command(&program("saturation.c"))).expect_success().stderr, "");
}

#[test]
fn cycles_are_freed_when_nothing_refers_to_them() {
    passes_however_counted("collect.c");
}

#[test]
fn cycles_are_freed_among_threads_that_run_at_once() {
    passes("collect_free.c");
}

#[test]
fn finalizers_of_garbage_run_once_before_any_clear_and_may_do_anything() {
    passes_however_counted("collect_finalize.c");
}

#[test]
fn types_that_lie_or_call_back_harm_nothing_but_themselves() {
    passes_however_counted("collect_lies.c");
}

#[test]
fn what_other_threads_hold_is_kept_while_they_count() {
    passes_however_counted("collect_threads.c");
}

#[test]
fn weak_references_to_garbage_are_cleared_first() {
    passes_however_counted("collect_weak.c");
}

#[test]
fn the_collector_needs_no_memory() {
    passes("collect_memory.c");
}

#[test]
fn hot_objects_are_counted_by_threads_of_every_kind() {
    passes("hot.c");
}

#[test]
fn a_channel_answers_in_both_directions() {
    for mode in ["0", "1", "2"] {
        passes_with("channel.c", &[mode]);
    }
}

/// From 2 to 16 threads, in 2 to 4 interpreters, with locks of their own, with one, without any, and with modes that change.
#[test]
fn objects_that_travel_are_counted_exactly_and_destroyed_at_home() {
    let program = program("channel_stress.c");
    for mode in ["locked", "shared", "free", "mixed", "switching"] {
        for (threads, interpreters) in [("2", "2"), ("5", "3"), ("16", "4")] {
            run(command(&program).args([threads, interpreters, mode])).expect_success();
        }
    }
}

#[test]
fn channels_are_freed_while_others_are_inside() {
    for mode in ["locked", "free"] {
        run(command(&program("channel_freed.c")).env("GILRT_MODE", mode)).expect_success();
    }
}

#[test]
fn interpreters_close_while_their_objects_and_threads_are_at_channels() {
    for mode in ["0", "1", "2"] {
        passes_with("channel_interps.c", &[mode]);
    }
}

#[test]
fn the_library_can_be_opened_and_closed_inside_a_thread() {
    run(command(&program_without_library("dlopen_in_thread.c")).arg(library())).expect_success();
}

#[test]
fn the_header_is_cpp17_too() {
    match cpp_program("cpp.cpp") {
        Some(program) => drop(run(&mut command(&program)).expect_success()),
        None => println!("skipped: no C++ compiler was found (CXX, or c++ in the path)"),
    }
}
