//! Objects that are sent from thread to thread and from interpreter to interpreter: counted exactly, and destroyed at home.
#![cfg(target_os = "linux")]

mod support;

use support::{command, program, run};

#[track_caller]
fn passes_with(source: &str, arguments: &[&str]) {
    run(command(&program(source)).args(arguments)).expect_success();
}

#[test]
fn a_channel_answers_in_both_directions() {
    for mode in ["0", "2"] {
        passes_with("channel.c", &[mode]);
    }
}

/// From 2 to 16 threads, in 2 to 4 interpreters, with locks and without.
#[test]
fn objects_that_travel_are_counted_exactly_and_destroyed_at_home() {
    for mode in ["locked", "free", "mixed"] {
        for (threads, interpreters) in [("2", "2"), ("3", "3"), ("8", "4"), ("16", "4")] {
            passes_with("channel_stress.c", &[threads, interpreters, mode]);
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
    for mode in ["0", "2"] {
        passes_with("channel_interps.c", &[mode]);
    }
}

/// L15, L24.
#[test]
fn a_forked_child_has_the_channels_and_nobody_who_waits() {
    for mode in ["locked", "free"] {
        run(command(&program("channel_fork.c")).env("GILRT_MODE", mode)).expect_success();
    }
}
