//! Checking mode: each misuse is told with what is known of the object, and then the process ends, or goes on.
#![cfg(target_os = "linux")]

mod support;

use support::{Finished, command, module, program, run};

fn checked(kind: &str, mode: &str) -> Finished {
    run(command(&program("checking.c")).arg(kind).env_remove("GILRT_LOG").env("GILRT_CHECK", mode))
}

/// What was reported. With 1 the process ends by it; with `continue` it goes on, and has reported the same.
#[track_caller]
fn report(kind: &str) -> String {
    let ended = checked(kind, "1");
    assert!(ended.description.contains("SIGABRT"), "{}", ended.description);
    assert_eq!(ended.stdout, "");
    let went_on = checked(kind, "continue").expect_success();
    assert_eq!(went_on.stdout, "went on\n");
    let first_line = |report: &str| report.lines().next().map(String::from);
    assert_eq!(first_line(&ended.stderr), first_line(&went_on.stderr));
    ended.stderr
}

/// The report has these lines in this order, with others between; an address is written `@`.
#[track_caller]
fn says(kind: &str, lines: &[&str]) {
    let report = report(kind);
    let mut rest = report.lines().map(|line| match line.find("0x") {
        None => line.trim().to_owned(),
        Some(at) => {
            let after = line[at..].find(' ').map_or("", |blank| &line[at + blank..]);
            format!("{}@{after}", line[..at].trim_start())
        }
    });
    for expected in lines {
        assert!(rest.any(|line| line == *expected), "no line {expected:?}, in this order, in\n{report}");
    }
}

#[test]
fn nothing_is_said_where_nothing_is_wrong() {
    for kind in ["nothing", "hosts_memory"] {
        assert_eq!(checked(kind, "1").expect_success().stderr, "", "{kind}");
    }
    // Finalizers that revive, a list of a million nodes, and bad input, which is told.
    run(command(&program("objects.c")).env("GILRT_CHECK", "continue")).expect_success();
    for source in
        ["counts.c", "exclusion.c", "collect.c", "collect_finalize.c", "collect_threads.c", "collect_weak.c"]
    {
        // The collector's take the way of counting.
        let finished =
            run(command(&program(source)).arg("0").env_remove("GILRT_LOG").env("GILRT_CHECK", "1"));
        assert_eq!(finished.expect_success().stderr, "", "{source}");
    }
}

/// The first line about a type whose traverse does what `kind` says; whether the process ended by it.
fn said_of_traverse(kind: &str, mode: &str) -> (String, bool) {
    let mut lying = command(&program("collect_checked.c"));
    let finished = run(lying.arg(kind).env_remove("GILRT_LOG").env("GILRT_CHECK", mode));
    let line = finished.stderr.lines().next().unwrap_or_default().to_owned();
    (line, !finished.stdout.contains("went on"))
}

#[test]
fn a_traverse_that_lies_is_told_by_the_name_of_its_type() {
    for (kind, ends, expected) in [
        (
            "doubles",
            true,
            "gilrt: check: a type lies: an object of type child has fewer references than visits, 2 of them in one \
             traverse of type liar; it is kept",
        ),
        (
            "cleared_in_use",
            false,
            "gilrt: check: collector: an object of type child was cleared, and is still referred to: a traverse visits what \
             its object does not own, or a callback has handed it on",
        ),
    ] {
        assert_eq!(said_of_traverse(kind, "1"), (expected.to_owned(), ends), "{kind}");
        assert_eq!(said_of_traverse(kind, "continue"), (expected.to_owned(), false), "{kind}");
    }
}

#[test]
fn a_decref_below_zero_is_told_with_the_threads_and_the_operations_before() {
    says(
        "below_zero",
        &[
            "gilrt: check: obj_decref: decref below zero",
            "by thread 1",
            "object @ of type node, freed; the last operations on it, the latest first:",
            "freed, by thread 2",
            "decref, count 0, by thread 2",
            "decref, count 1, by thread 2",
            "incref, count 2, by thread 2",
            "made, count 1, by thread 1",
        ],
    );
    says(
        "below_zero_unburied",
        &[
            "gilrt: check: obj_decref: decref below zero",
            "by a thread that never attached",
            "object @ of type node, dead, its destructor is due; the last operations on it, the latest first:",
            "decref, count 0, by a thread that never attached",
        ],
    );
}

#[test]
fn a_use_after_free_is_told() {
    for (kind, call) in [
        ("incref", "obj_incref"),
        ("refcount", "obj_refcount"),
        ("type_of", "obj_type_of"),
        ("immortalize", "obj_immortalize"),
    ] {
        let first = format!("gilrt: check: {call}: use after free");
        says(kind, &[&first, "object @ of type node, freed; the last operations on it, the latest first:"]);
    }
}

#[test]
fn a_logger_gets_the_report_as_one_text() {
    assert_eq!(checked("to_a_logger", "continue").expect_success().stderr, "");
}

#[test]
fn what_never_was_an_object_is_told_and_left_alone() {
    says(
        "no_object",
        &[
            "gilrt: check: obj_incref: this is not an object",
            "@ never was an object, or has been freed for long",
        ],
    );
    says("freed_long_ago", &["gilrt: check: obj_incref: this is not an object"]);
}

#[test]
fn a_traverse_that_calls_back_is_told() {
    says("traverse", &["gilrt: check: traverse of type node let go of the lock, which it must not"]);
}

#[test]
fn too_many_references_are_told() {
    let told = "gilrt: check: too many references to count, it lives for ever now";
    for kind in ["too_many", "too_many_tries"] {
        says(kind, &[told, "made, count 1, by thread 1"]);
    }
}

#[test]
fn a_write_beyond_the_payload_is_told_at_death() {
    for kind in ["beyond", "beyond_extra"] {
        says(
            kind,
            &[
                "gilrt: check: the end of an object: something wrote beyond its payload",
                "object @ of type node, freed; the last operations on it, the latest first:",
            ],
        );
    }
}

#[test]
fn calls_that_are_refused_are_told() {
    says(
        "too_large",
        &[
            "gilrt: check: obj_new of type node with more bytes than there can be: GILRT_ERR_NOMEM",
            "by thread 1",
        ],
    );
    says("detached", &["gilrt: check: obj_new of type node by a detached thread: GILRT_ERR_NOT_ATTACHED"]);
    says("release", &["gilrt: check: gil_release: GILRT_ERR_NOT_ATTACHED", "by thread 1"]);
}

/// L16.
#[test]
fn a_thread_that_ends_attached_is_told() {
    says("exit", &["gilrt: check: thread 2 ended while it was attached: the lock was released for it"]);
}

/// L17: the log's mutex and the host's function may be what was interrupted, so the report goes past them.
#[test]
fn a_call_from_inside_the_library_is_told() {
    says("inside", &["gilrt: check: gil_acquire in a signal handler that interrupted the library"]);
}

#[test]
fn a_bad_value_is_reported_and_ignored() {
    let finished = checked("release", "yes").expect_success();
    assert_eq!(finished.stderr, "gilrt: GILRT_CHECK=yes is ignored: allowed are 0, 1 or continue\n");
    assert_eq!(checked("release", "0").expect_success().stderr, "");
}

#[test]
fn a_module_that_leaves_more_or_less_of_the_lock_is_told() {
    let (driver, careless) = (program("drive.c"), module("modules/careless.c"));
    for function in ["keep", "drop"] {
        let ended = run(command(&driver)
            .arg(&careless)
            .arg(function)
            .env_remove("GILRT_LOG")
            .env("GILRT_CHECK", "1"));
        assert!(ended.description.contains("SIGABRT"), "{}", ended.description);
        let first = ended.stderr.lines().next();
        assert_eq!(
            first,
            Some(
                "gilrt: check: module careless returned with other acquires than releases: GILRT_ERR_MODULE"
            )
        );
    }
}
