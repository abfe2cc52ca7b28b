//! Checking mode with several interpreters, with a lock of their own and without.
#![cfg(target_os = "linux")]

mod support;

use support::{Finished, command, program, run};

fn checked(kind: &str, interpreter: &str, mode: &str) -> Finished {
    let mut command = command(&program("checking_interps.c"));
    run(command.args([kind, interpreter]).env_remove("GILRT_LOG").env("GILRT_CHECK", mode))
}

#[test]
fn nothing_is_said_where_nothing_is_wrong() {
    for interpreter in ["locked", "free"] {
        assert_eq!(checked("nothing", interpreter, "1").expect_success().stderr, "", "{interpreter}");
    }
}

#[test]
fn what_an_interpreter_leaves_alive_is_told_at_its_end() {
    for interpreter in ["locked", "free"] {
        let report = checked("leak", interpreter, "1").expect_success().stderr;
        assert_eq!(report, "gilrt: interpreter another: 1 object of type thing is still alive\n");
        assert_eq!(checked("leak", interpreter, "0").expect_success().stderr, "");
    }
}

#[track_caller]
fn is_told(kind: &str, beginning: &str) {
    for interpreter in ["locked", "free"] {
        let ended = checked(kind, interpreter, "1");
        assert!(ended.description.contains("SIGABRT"), "{}", ended.description);
        assert!(ended.stderr.starts_with(beginning), "{}", ended.stderr);
        assert_eq!(checked(kind, interpreter, "continue").expect_success().stdout, "went on\n");
    }
}

#[test]
fn a_type_of_another_interpreter_is_told() {
    is_told(
        "foreign_type",
        "gilrt: check: obj_new of type main's, which is another interpreter's: GILRT_ERR_INVALID\n  by thread 1\n",
    );
}

#[test]
fn a_weak_reference_to_the_dead_is_told() {
    is_told("weak_of_the_dead", "gilrt: check: obj_weak_new: use after free\n  by thread 1\n  object 0x");
}
