//! `gilrt bench`: that every row is measured and told, by people's table and by JSON. How fast anything is, is not for a test.

use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

/// Finds a hang; far above what a run takes, and stretched for builds that are slow by nature.
fn time_limit() -> Duration {
    let slowdown = std::env::var("GILRT_TEST_SLOWDOWN").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    Duration::from_secs(120) * slowdown
}

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gilrt"));
    // What the surroundings say about the lock must not reach the rows, which choose for themselves.
    command.timeout(time_limit()).env("GILRT_POLICY", "ticks").env("GILRT_SWITCH_INTERVAL_NS", "1000");
    command.arg("bench").args(arguments).output().expect("the tool starts")
}

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let output = bench(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON value and nothing else")
}

/// The names of what a row measured, each once.
fn distinct(row: &Value, field: &str, recorded: bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for figure in row["figures"].as_array().unwrap().iter().filter(|it| it["recorded"] == recorded) {
        let name = figure[field].as_str().unwrap().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// That the figures of a report are figures, and its verdicts what follows from them.
#[track_caller]
fn check_rows(rows: &[Value]) {
    for row in rows {
        for figure in row["figures"].as_array().unwrap() {
            let value = |name: &str| figure[name].as_f64().unwrap();
            // Memory that does not grow is a figure too.
            let measured = value("median") > 0.0 || figure["unit"] == "bytes" && value("median") == 0.0;
            assert!(measured, "nothing was measured: {figure}");
            assert!(value("low") <= value("median") && value("median") <= value("high"), "{figure}");
            assert_eq!(figure["values"].as_array().unwrap().len(), 1, "{figure}");
        }
        for limit in row["limits"].as_array().unwrap() {
            let (value, allowed) = (limit["value"].as_f64(), limit["limit"].as_f64().unwrap());
            let met = match limit["bound"].as_str().unwrap() {
                "at_most" => value.map(|value| value <= allowed),
                "at_least" => value.map(|value| value >= allowed),
                other => panic!("unknown bound {other}"),
            };
            assert_eq!(limit["met"].as_bool(), met, "{limit}");
        }
        for missing in row["not_measured"].as_array().unwrap() {
            assert!(!missing["why"].as_str().unwrap().is_empty(), "{missing}");
        }
    }
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["row"].as_str().unwrap()).collect()
}

#[test]
fn every_row_is_measured_beside_its_peers_and_held_against_its_limits() {
    let report = json(&["lock", "--quick", "--json", "--runs", "1"]);
    assert!(report["machine"]["cpus"].as_u64().unwrap() >= 1);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(
        names(rows),
        ["uncontended", "call", "poll", "contended", "sleep", "retake", "compute", "share"]
    );
    check_rows(rows);
    for row in rows {
        assert!(distinct(row, "subject", false).len() >= 2, "nothing to compare with: {row}");
    }
    assert!(!distinct(&rows[1], "subject", true).is_empty(), "the recorded figures are missing");
}

#[test]
fn every_row_of_the_counts_is_measured_or_says_why_not() {
    let report = json(&["counts", "--quick", "--json", "--runs", "1"]);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(names(rows), ["owner", "owner-call", "foreign", "together", "size", "new", "collect"]);
    check_rows(rows);
    for row in rows {
        let mut subjects = [distinct(row, "subject", false), distinct(row, "subject", true)].concat();
        let missing = row["not_measured"].as_array().unwrap();
        subjects.extend(missing.iter().map(|it| it["subject"].as_str().unwrap().to_owned()));
        assert!(subjects.len() >= 2, "nothing to compare with: {row}");
        assert!(subjects.iter().any(|subject| subject.starts_with("gilrt")), "{subjects:?}");
    }
    // What needs more than Rust and C is there, or it is said why not.
    for peer in ["std::shared_ptr", "g_object_ref"] {
        let missing = rows[0]["not_measured"].as_array().unwrap();
        let measured = distinct(&rows[0], "subject", false).iter().any(|subject| subject == peer);
        assert_ne!(measured, missing.iter().any(|it| it["subject"] == peer), "{peer}");
    }
}

#[test]
fn every_row_of_the_modes_is_measured_or_says_why_not() {
    let report = json(&["modes", "--quick", "--json", "--runs", "1"]);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(names(rows), ["image", "attach", "interpreters", "world", "across", "switch"]);
    check_rows(rows);
    for row in rows {
        let mut subjects = distinct(row, "subject", false);
        let missing = row["not_measured"].as_array().unwrap();
        subjects.extend(missing.iter().map(|it| it["subject"].as_str().unwrap().to_owned()));
        assert!(subjects.len() >= 2, "nothing to compare with: {row}");
        assert!(subjects.iter().any(|subject| subject.starts_with("gilrt")), "{subjects:?}");
    }
    // A bound on the pause for 2 to 64 threads.
    for threads in [2, 4, 16, 64] {
        let told = |it: &String| it.starts_with(&format!("{threads} threads"));
        assert!(distinct(&rows[3], "setting", false).iter().any(told), "{}", rows[3]);
    }
}

#[test]
fn the_rows_choose_policy_and_interval_whatever_the_environment_says() {
    let report = json(&["lock", "sleep", "--quick", "--json", "--runs", "2"]);
    let figures = report["rows"][0]["figures"].as_array().unwrap();
    let interval: Vec<_> = figures
        .iter()
        .filter(|it| {
            let subject = it["subject"].as_str().unwrap();
            subject.starts_with("gilrt, interval") && it["figure"] == "p99"
        })
        .map(|it| it["values"].as_array().unwrap())
        .collect();
    assert_eq!(interval.len(), 4, "beside 1, 2, 4 and 8 threads: {figures:?}");
    for values in interval {
        assert_eq!(values.len(), 2, "one for each round: {values:?}");
        // By this policy nobody asks for the lock before the default interval is over, be the machine ever so fast. Only while
        // those who compute are kept from their processor by others does the sleeper find the lock free.
        assert!(values.iter().all(|it| it.as_f64().unwrap() >= 5e6), "{values:?}");
    }
}

#[test]
fn the_table_names_the_machine_the_figures_and_the_verdict() {
    let output = bench(&["lock", "poll", "--quick", "--runs", "1"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["CPU", "kernel", "poll: ", "an empty loop", "at most 0.60 ns: ", " of 1 limits met"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

#[test]
fn a_row_that_does_not_exist_is_a_usage_error_that_names_those_that_do() {
    let output = bench(&["lock", "speed"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("gilrt: ") && stderr.contains("uncontended"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let other = bench(&["counts", "uncontended"]);
    assert_eq!(other.status.code(), Some(2), "a row of the other table");
}
