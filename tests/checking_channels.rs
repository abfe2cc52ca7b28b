//! Checking mode with channels: what is wrong with the objects that are sent, and with the channels.
#![cfg(target_os = "linux")]

mod support;

use support::{command, program, run};

/// The beginning of what is reported, without addresses. With 1 the process ends by it; with `continue` it goes on.
#[track_caller]
fn is_told(kind: &str, lines: &[&str]) {
    let checked = |mode| {
        let program = program("checking_channels.c");
        run(command(&program).arg(kind).env_remove("GILRT_LOG").env("GILRT_CHECK", mode))
    };
    let ended = checked("1");
    assert!(ended.description.contains("SIGABRT"), "{}", ended.description);
    for (line, expected) in ended.stderr.lines().zip(lines) {
        let address = line.find("0x").map_or("", |at| line[at..].split(' ').next().unwrap_or_default());
        let line = if address.is_empty() { line.to_owned() } else { line.replace(address, "@") };
        assert_eq!(line.trim_start(), *expected, "{}", ended.stderr);
    }
    assert!(ended.stderr.lines().count() >= lines.len(), "{}", ended.stderr);
    assert_eq!(checked("continue").expect_success().stdout, "went on\n");
}

#[test]
fn what_is_no_object_any_more_is_not_sent_and_that_is_told() {
    is_told(
        "send_dead",
        &[
            "gilrt: check: obj_send: use after free",
            "by thread 1",
            "object @ of type node, freed; the last operations on it, the latest first:",
            "freed, by thread 1",
            "decref, count 0, by thread 1",
            "made, count 1, by thread 1",
        ],
    );
    is_told("send_dying", &["gilrt: check: obj_send: no reference is left to send", "by thread 1"]);
    is_told("send_no_object", &["gilrt: check: obj_send: this is not an object", "by thread 1"]);
}

#[test]
fn a_reference_that_was_sent_and_dropped_is_told_with_the_way_of_the_object() {
    is_told(
        "drop_what_was_sent",
        &[
            "gilrt: check: obj_receive: use after free",
            "by thread 1",
            "object @ of type node, freed; the last operations on it, the latest first:",
            "freed, by thread 1",
            "decref, count 0, by thread 1",
            "offered to a channel, count 1, by thread 1",
            "made, count 1, by thread 1",
        ],
    );
    is_told(
        "drop_what_was_received_twice",
        &[
            "gilrt: check: obj_decref: decref below zero",
            "by thread 1",
            "object @ of type node, freed; the last operations on it, the latest first:",
            "freed, by thread 1",
            "decref, count 0, by thread 1",
            "received from a channel, count 1, by thread 1",
            "offered to a channel, count 1, by thread 1",
            "made, count 1, by thread 1",
        ],
    );
}

#[test]
fn what_is_no_channel_is_told() {
    is_told(
        "no_channel",
        &["gilrt: check: obj_send with what is no channel: GILRT_ERR_INVALID", "by thread 1"],
    );
    is_told(
        "freed_twice",
        &[
            "gilrt: check: obj_channel_free of what is no channel, or no more: GILRT_ERR_CLOSED",
            "by thread 1",
        ],
    );
}

#[test]
fn checking_mode_finds_nothing_wrong_with_objects_that_travel() {
    for mode in ["locked", "free", "mixed"] {
        let mut stress = command(&program("channel_stress.c"));
        let finished = run(stress.args(["4", "3", mode]).env_remove("GILRT_LOG").env("GILRT_CHECK", "1"));
        assert_eq!(finished.expect_success().stderr, "", "{mode}");
    }
    run(command(&program("channel.c")).arg("0").env("GILRT_CHECK", "continue")).expect_success();
}
