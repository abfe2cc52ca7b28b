//! What the end of the runtime says of objects that are still alive.
#![cfg(target_os = "linux")]

mod support;

use support::{command, program, run};

#[track_caller]
fn report(kind: &str) -> String {
    run(command(&program("leaks.c")).arg(kind).env_remove("GILRT_LOG").env_remove("GILRT_CHECK"))
        .expect_success()
        .stderr
}

#[test]
fn nothing_is_said_where_nothing_is_left() {
    assert_eq!(report("none"), "");
}

#[test]
fn what_is_meant_to_live_for_ever_is_no_leak() {
    assert_eq!(report("immortal"), "");
}

#[test]
fn each_type_with_live_objects_is_named() {
    let expected = "gilrt: 3 objects of type node are still alive, not counting 1 immortal\n\
                    gilrt: 1 object of type leaf is still alive\n\
                    gilrt: 4 objects of 2 types are still alive\n";
    assert_eq!(report("some"), expected);
}

#[test]
fn a_report_has_an_end() {
    let report = report("many");
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[19], "gilrt: 1 object of type type19 is still alive");
    assert_eq!(lines[20], "gilrt: 30 objects of 30 types are still alive");
}
