//! The programs that `gilrt lab` compares runtimes by: each, in short, in every runtime that is here, does the work that it was asked
//! to do and tells so. How fast it is, is not for a test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use serde_json::Value;

type Line = BTreeMap<String, u64>;

const PEERS: [&str; 5] = ["cpython", "free-threaded", "pypy", "ruby", "ocaml"];
/// The lock's policies, and no lock.
const OURS: [(&str, &str); 4] = [
    ("GILRT_POLICY", "responsive"),
    ("GILRT_POLICY", "interval"),
    ("GILRT_POLICY", "ticks"),
    ("GILRT_MODE", "free"),
];

/// Finds a hang; far above what a program takes, and stretched for builds that are slow by nature.
fn time_limit() -> Duration {
    let slowdown = std::env::var("GILRT_TEST_SLOWDOWN").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    Duration::from_secs(120) * slowdown
}

fn program(runtime: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gilrt"));
    command.args(["lab", "program", runtime]).args(words).stdin(Stdio::null());
    command
}

fn outcome(command: Command) -> Output {
    assert_cmd::Command::from_std(command).timeout(time_limit()).output().expect("the tool starts")
}

/// The only line of a program that ends by itself.
#[track_caller]
fn line(command: Command) -> Line {
    let output = outcome(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object of whole numbers")
}

/// Calls `test` with what runs a program in ours, in all ways, and in each peer that is here.
fn everywhere(test: impl Fn(&dyn Fn(&[&str]) -> Command)) {
    for (variable, value) in OURS {
        test(&|words| {
            let mut command = program("gilrt", words);
            command.env(variable, value);
            command
        });
    }
    for &peer in peers() {
        test(&|words| program(peer, words));
    }
}

/// Those that are here, looked for once.
fn peers() -> &'static [&'static str] {
    static HERE: OnceLock<Vec<&str>> = OnceLock::new();
    HERE.get_or_init(|| PEERS.into_iter().filter(|peer| is_here(peer)).collect())
}

/// Whether a program runs there. One that is absent is told in one line, with how to install it.
fn is_here(peer: &str) -> bool {
    let output = outcome(program(peer, &["pair", "1"]));
    let said = String::from_utf8_lossy(&output.stderr);
    let absent = said.starts_with("gilrt: there is no ");
    if absent {
        assert!(said.contains("install") && said.lines().count() == 1, "{said}");
        eprintln!("skipped: {}", said.trim());
    }
    !absent
}

/// All threads counted as many as each for itself, where one at a time is inside.
#[track_caller]
fn check_witness(line: &Line, done: u64) {
    assert_eq!(line.get("witness").copied().unwrap_or(done), done);
}

#[test]
fn cpu_bound_work_is_shared_and_done_by_one_thread_and_by_several() {
    everywhere(|command| {
        for kind in ["interpreter", "holding", "releasing"] {
            let output = outcome(command(&["compute", kind, "3", "20"]));
            let said = String::from_utf8_lossy(&output.stderr);
            if kind == "holding" && said.contains("cannot call C without releasing its lock") {
                continue;
            }
            assert!(output.status.success(), "{kind}: {said}");
            let line: Line = serde_json::from_slice(&output.stdout).unwrap();
            assert!(line["turns"] >= 3 && line["alone_ns"] > 0 && line["together_ns"] > 0, "{line:?}");
            assert_eq!(line["done"], line["turns"]);
            check_witness(&line, line["done"]);
        }
    });
}

/// The port of a server that answers as `answer` changes the packets, as long as the test runs.
fn server(answer: impl Fn(&mut [u8]) + Send + 'static) -> String {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        let mut packet = [0; 64];
        while let Ok((length, client)) = socket.recv_from(&mut packet) {
            answer(&mut packet[..length]);
            let _ = socket.send_to(&packet[..length], client);
        }
    });
    port
}

#[test]
fn every_thread_gets_its_answers() {
    let port = server(|_| ());
    everywhere(|command| {
        let line = line(command(&["ask", &port, "3", "100"]));
        assert!(line["least"] > 0 && line["round_trips"] >= 3 * line["least"], "{line:?}");
        assert!(line["elapsed_ns"] >= 100_000_000, "{line:?}");
        check_witness(&line, line["round_trips"]);
    });
    // Who holds the lock while it waits may keep the others out until the end.
    let line = line(program("gilrt", &["ask_holding", &port, "3", "100"]));
    assert!(line["least"] > 0, "{line:?}");
    check_witness(&line, line["round_trips"]);
}

#[test]
fn a_wrong_answer_to_one_thread_is_the_programs_failure() {
    let port = server(|packet| packet[0] ^= 1);
    everywhere(|command| {
        let output = outcome(command(&["ask", &port, "2", "50"]));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("the answer was another"), "{said}");
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    });
}

/// Ends the program if a test gives up on it.
struct Answering(Child);

impl Drop for Answering {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn packets_are_answered_beside_threads_that_compute_until_the_program_is_told_to_quit() {
    everywhere(|command| {
        let mut command = command(&["echo", "interpreter", "2"]);
        let mut child = Answering(command.stdout(Stdio::piped()).spawn().expect("the tool starts"));
        let (sender, lines) = mpsc::channel();
        let stdout = child.0.stdout.take().unwrap();
        std::thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| sender.send(line)));
        let next = || -> Line {
            let line = lines.recv_timeout(time_limit()).expect("a line in time").unwrap();
            serde_json::from_str(&line).expect("one object of whole numbers")
        };
        let port = u16::try_from(next()["port"]).unwrap();
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        client.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        client.set_read_timeout(Some(time_limit())).unwrap();
        for number in 0..5u8 {
            let mut answer = [0; 64];
            client.send(&[number; 8]).unwrap();
            assert_eq!(client.recv(&mut answer).expect("an answer in time"), 8);
            assert_eq!(answer[..8], [number; 8]);
        }
        client.send(b"quit").unwrap();
        let line = next();
        assert_eq!(line["answered"], 5);
        assert!(line["turns"] > 0, "{line:?}");
        check_witness(&line, line["answered"] + line["turns"]);
        assert!(child.0.wait().unwrap().success());
    });
}

#[test]
fn what_only_peers_have_programs_for_is_done_there_as_often_as_asked() {
    for &peer in peers() {
        let line = line(program(peer, &["retake", "200"]));
        assert!(line["holds"] > 0 && line["visits"] > 0 && line["longest_ns"] > 0, "{peer}: {line:?}");
        let line = self::line(program(peer, &["pair", "1000"]));
        assert_eq!(line["pairs"], 1000, "{peer}");
        assert!(line["elapsed_ns"] > 0, "{peer}");
        let line = self::line(program(peer, &["reclaim", "100", "1000"]));
        assert_eq!(line["nodes"], 15_000, "{peer}");
        assert!(line["elapsed_ns"] > 0 && line["longest_ns"] >= line["p99_ns"], "{peer}: {line:?}");
    }
}

#[test]
fn what_makes_no_sense_is_answered_with_what_would() {
    for (words, code, expected) in [
        (&["program", "gilrt", "compute"][..], 1, "compute wants KIND THREADS MILLISECONDS"),
        (&["program", "gilrt", "compute", "idle", "1", "1"], 1, "no work of the kind idle"),
        (&["program", "gilrt", "compute", "holding", "99", "1"], 1, "99 is no number from 0 to 16"),
        (&["program", "gilrt", "echo", "holding", "-1"], 2, "-1"),
        (&["program", "gilrt", "ask", "0", "1", "1"], 1, "did not do what it was asked"),
        (&["program", "gilrt", "dance"], 2, "there is no program dance"),
        (&["program", "ruby", "dance"], 2, "there is no program dance"),
        (&["program", "perl", "compute"], 2, "perl"),
        (&["measure", "cpu", "quick"], 2, "THREADS COMMAND"),
        (&["measure", "io", "quick"], 2, "THREADS COMMAND"),
        (&["measure", "convoy", "quick"], 2, "KIND HOGS COMMAND"),
        (&["measure", "ccbench", "quick"], 2, "KIND COMMAND"),
        (&["measure", "pair", "quick", "dance"], 2, "KERNEL"),
        (&["measure", "cpu", "quick", "2", "/nowhere/ruby"], 1, "cannot run /nowhere/ruby"),
        (&["measure", "cpu", "quick", "2", "/bin/true"], 1, "/bin/true ended too early"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gilrt"));
        command.arg("lab").args(words);
        let output = outcome(command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}

/// The records of a short run.
fn records(experiments: &[&str], path: &std::ffi::OsStr) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gilrt"));
    command.arg("lab").args(experiments).args(["--short", "--json", "-"]).env("PATH", path);
    let output = outcome(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let data: Value = serde_json::from_slice(&output.stdout).expect("one JSON value and nothing else");
    data["records"].as_array().unwrap().clone()
}

fn subjects(record: &Value, list: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for it in record[list].as_array().unwrap() {
        let name = it["subject"].as_str().unwrap().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[test]
fn without_any_peer_ours_is_measured_and_it_is_said_how_to_install_them() {
    for record in records(&["pair", "cpu", "io", "convoy", "ccbench"], "/nowhere".as_ref()) {
        assert_eq!(record["failed"], Value::Array(Vec::new()), "{}", record["experiment"]);
        let skipped = subjects(&record, "skipped");
        assert_eq!(skipped, ["CPython", "free-threaded CPython", "PyPy", "Ruby", "OCaml"]);
        for it in record["skipped"].as_array().unwrap() {
            assert!(it["why"].as_str().unwrap().contains("install"), "{it}");
        }
        for figure in record["figures"]["all"].as_array().unwrap() {
            assert!(figure["median"].as_f64().unwrap() > 0.0, "{figure}");
        }
    }
}

#[test]
fn a_runtime_is_what_it_says_it_is_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let fake = |name: &str, script: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    };
    // Its version when it is asked for that, and otherwise what pair.py prints.
    let says = |version: &str| {
        format!(
            "if [ \"$1\" = -c ]; then echo {version}; else echo '{{\"pairs\": '$3', \"elapsed_ns\": 5}}'; fi"
        )
    };
    fake("python3", &says("pypy True 7.3.99"));
    fake("python3.9", &says("cpython True 3.9.1"));
    fake("python3.12", &says("cpython True 3.12.1"));
    fake("python3.14", &says("cpython False 3.14.2"));
    fake("ruby", "exit 1");
    fake("ocamlfind", "echo 4.14.9; [ \"$2\" = -version ]");
    let records = records(&["pair"], folder.path().as_os_str());
    let measured = subjects(&records[0]["figures"], "all");
    for subject in ["CPython 3.12.1", "free-threaded CPython 3.14.2", "PyPy 7.3.99"] {
        assert!(measured.iter().any(|it| it == subject), "{subject}: {measured:?}");
    }
    assert!(!measured.iter().any(|it| it.contains("3.9.1")), "{measured:?}");
    let skipped = subjects(&records[0], "skipped");
    assert_eq!(skipped, ["OCaml 4.14.9", "Ruby"], "{}", records[0]["skipped"]);
}

#[test]
fn trees_come_and_go_in_every_runtime() {
    for &peer in peers() {
        let line = line(program(peer, &["reclaim", "100", "1000"]));
        assert_eq!(line["nodes"], 15_000, "{peer}");
        assert!(line["longest_ns"] >= line["p99_ns"] && line["memory"] > 0, "{peer}: {line:?}");
    }
}

#[test]
fn workers_do_the_whole_work_once_be_they_threads_or_processes() {
    for &peer in peers() {
        for kind in ["threads", "processes"] {
            let line = line(program(peer, &["workers", kind, "3", "100"]));
            assert_eq!(line["done"], 100, "{peer}, {kind}");
            assert!(line["start_up_ns"] > 0 && line["time_ns"] > 0, "{peer}, {kind}: {line:?}");
        }
    }
}
