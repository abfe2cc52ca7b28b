//! The sample extensions of `cext` that are about C libraries and system calls: deflate, legacy and echo.
#![cfg(all(target_os = "linux", feature = "samples", not(loom)))]

mod support;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use support::samples::{
    call, call_limited, modes_and_crowds, refusal, reported, sample, scratch, succeeds, text,
};
use support::{Finished, command, drive, module_with, program, run};

/// What deflate compresses at once.
const BLOCK: usize = 128 * 1024;

/// Bytes of which some can be compressed well and some not at all.
fn content(length: usize) -> Vec<u8> {
    let mut noise: u32 = 7;
    let mut byte = |at: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if (at / 5000).is_multiple_of(2) { b"the same words again, "[at % 22] } else { (noise >> 24) as u8 }
    };
    (0..length).map(&mut byte).collect()
}

/// What another program says of a file; None where there is no such program.
fn asked(program: &str, arguments: &[&str]) -> Option<Finished> {
    match Command::new(program).arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        _ => Some(run(Command::new(program).args(arguments)).expect_success()),
    }
}

#[track_caller]
fn compress(options: &str, threads: usize, input: &Path, output: &Path, more: &[&str]) -> Vec<u8> {
    let _ = fs::remove_file(output);
    let arguments: Vec<&str> = [text(input), text(output)].into_iter().chain(more.iter().copied()).collect();
    let finished = call(&format!("{options} -t {threads}"), "deflate", "compress", &arguments);
    succeeds(&finished, threads);
    let made = fs::read(output).expect("the result was written");
    let size = fs::metadata(input).expect("the input is there").len() as usize;
    assert_eq!(reported(&finished, "bytes_read"), [size as i64]);
    assert_eq!(reported(&finished, "bytes_written"), [made.len() as i64]);
    assert_eq!(reported(&finished, "blocks"), [size.div_ceil(BLOCK).max(1) as i64]);
    made
}

#[test]
fn a_file_is_compressed_to_the_same_bytes_in_all_ways_and_gzip_reads_them() {
    for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 20 * BLOCK + 777] {
        let (input, output) = (scratch(&format!("{size}.bytes")), scratch(&format!("{size}.gz")));
        let bytes = content(size);
        fs::write(&input, &bytes).expect("the input can be written");
        let expected = compress("", 1, &input, &output, &[]);
        assert!(size < BLOCK || expected.len() < size * 3 / 4, "{size} bytes became {}", expected.len());
        for (mode, threads) in modes_and_crowds() {
            for lock in ["", "-r"] {
                let options = format!("{mode} {lock}");
                let made = compress(&options, threads, &input, &output, &[]);
                assert!(made == expected, "{size} bytes on {threads} threads with {options}");
                let checked = call(
                    &format!("{options} -t {threads}"),
                    "deflate",
                    "check",
                    &[text(&input), text(&output)],
                );
                succeeds(&checked, threads);
                let equal: i64 = reported(&checked, "equal_blocks").iter().sum();
                assert_eq!(equal, size.div_ceil(BLOCK).max(1) as i64);
            }
        }
        if asked("gzip", &["-t", text(&output)]).is_some() {
            let read = Command::new("gzip").args(["-dc", text(&output)]).output().expect("gzip runs");
            assert!(read.status.success() && read.stdout == bytes, "gzip reads other than {size} bytes");
        }
    }
}

#[test]
fn the_level_is_heeded() {
    let (input, output) = (scratch("levels.bytes"), scratch("levels.gz"));
    let words =
        (0..40_000u32).map(|at| format!("line {} of {}\n", at, at.wrapping_mul(2_654_435_761) % 1000));
    fs::write(&input, words.collect::<String>()).expect("the input can be written");
    let [fast, usual, best] = ["1", "6", "9"].map(|level| compress("-r", 4, &input, &output, &[level]).len());
    assert!(fast > usual && best != usual, "{fast}, {usual}, {best}");
    assert_eq!(compress("", 2, &input, &output, &[]).len(), usual, "6 is what nobody needs to say");
}

/// The sentence with which all four threads, or those that have met it, refuse what compress has made.
#[track_caller]
fn doubt(input: &Path, packed: &Path) -> String {
    let finished = call("-t 4 -r", "deflate", "check", &[text(input), text(packed)]);
    let refused = finished.stdout.lines().find(|line| line.starts_with("say ")).map(str::to_owned);
    refused.unwrap_or_else(|| panic!("nobody refuses it: {}", finished.description))
}

#[test]
fn what_is_damaged_cut_or_of_another_file_is_not_taken_for_equal() {
    let (input, packed) = (scratch("damage.bytes"), scratch("damage.gz"));
    let bytes = content(5 * BLOCK);
    fs::write(&input, &bytes).expect("the input can be written");
    let whole = compress("-r", 3, &input, &packed, &[]);
    let expect = |what: &str, content: &[u8], sentence: &str| {
        let bad = scratch(&format!("damage.{what}.gz"));
        fs::write(&bad, content).expect("the file can be written");
        let said = doubt(&input, &bad);
        assert!(said.contains(sentence), "{what}: {said}");
    };
    for at in [0, 3, 12, 17, 60, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x41;
        expect("flipped", &flipped, "is damaged");
    }
    expect("cut", &whole[..whole.len() - 1], "is damaged");
    expect("cut short", &whole[..10], "is damaged");
    expect("longer", &[&whole[..], b"more"].concat(), "is damaged");
    expect("empty", b"", "it ends after 0 blocks");
    expect("twice", &[&whole[..], &whole].concat(), "they differ in block");
    let other = scratch("damage.other");
    for (position, block) in [(0, 0), (3 * BLOCK, 3), (5 * BLOCK - 1, 4)] {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        fs::write(&other, &changed).expect("the file can be written");
        assert!(doubt(&other, &packed).contains(&format!("differ in block {block}")), "byte {position}");
    }
    fs::write(&other, [&bytes[..], b"longer"].concat()).expect("the file can be written");
    assert!(doubt(&other, &packed).contains("it ends after 5 blocks"));
}

#[test]
fn what_deflate_cannot_do_is_answered() {
    let input = scratch("refuse.bytes");
    fs::write(&input, content(3 * BLOCK)).expect("the input can be written");
    let (input, output) = (text(&input), scratch("refuse.gz"));
    let output = text(&output);
    let folder = env!("CARGO_TARGET_TMPDIR");
    for level in ["0", "10", "-1", "best", ""] {
        assert!(refusal("deflate", "compress", &[input, output, level]).contains("from 1 to 9"));
    }
    let cases: [(&[&str], &str); 11] = [
        (&[], "needs a file"),
        (&[input], "needs a file"),
        (&[input, output, "1", "2"], "needs a file"),
        (&["nowhere.bytes", output], "cannot open nowhere.bytes"),
        (&[folder, output], "not a regular file"),
        (&["/dev/zero", output], "not a regular file"),
        (&["/proc/version", output], "does not tell its size"),
        (&[input, folder], "cannot create"),
        (&[input, "/nowhere/out.gz"], "cannot create /nowhere/out.gz"),
        (&[input, input], "both the input and the output"),
        (&[input, "/dev/full"], "cannot write /dev/full: No space left"),
    ];
    for (arguments, expected) in cases {
        let sentence = refusal("deflate", "compress", arguments);
        assert!(sentence.contains(expected), "{arguments:?}: {sentence}");
    }
    assert!(!Path::new(output).exists(), "a result of nothing");
    assert!(fs::read(input).expect("the input is there") == content(3 * BLOCK), "the input was touched");
    assert!(refusal("deflate", "check", &[input]).contains("check needs"));
    assert!(refusal("deflate", "check", &[input, "nowhere.gz"]).contains("cannot open nowhere.gz"));
    assert!(refusal("deflate", "check", &["nowhere", input]).contains("cannot open nowhere"));
}

/// A cut file would look whole, since each of its members is.
#[test]
fn a_result_that_is_not_whole_is_removed() {
    let (input, output) = (scratch("large.bytes"), scratch("large.gz"));
    fs::write(&input, content(20 * BLOCK)).expect("the input can be written");
    for lock in ["", "-r"] {
        let options = format!("-t 4 {lock}");
        let arguments = [text(&input), text(&output)];
        let finished = call_limited("-f 100", &options, "deflate", "compress", &arguments);
        assert!(finished.stdout.contains("File too large"), "{}", finished.description);
        assert!(!finished.stdout.contains("bytes_written"), "{}", finished.description);
        assert!(!output.exists(), "{}", finished.description);
    }
}

/// What legacy says each entry's value is.
fn value(thread: u64, number: u64) -> i64 {
    ((number + (thread << 40) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as i64
}

fn sum_of_values(threads: usize, entries: u64) -> i64 {
    let all = (0..threads as u64).flat_map(|thread| (0..entries).map(move |number| value(thread, number)));
    all.sum()
}

#[test]
fn a_library_without_locks_counts_exactly_under_the_lock() {
    for threads in [1, 2, 4, 8, 16] {
        for lock in ["", "-r"] {
            let finished = call(&format!("{lock} -t {threads} -n 2"), "legacy", "insert", &["1500"]);
            succeeds(&finished, threads);
            assert_eq!(reported(&finished, "entries"), [1500 * threads as i64; 2]);
            assert_eq!(reported(&finished, "sum"), [sum_of_values(threads, 1500); 2]);
        }
    }
}

#[test]
fn a_statement_that_all_threads_share_answers_each_of_them() {
    for threads in [2, 4, 8, 16] {
        let finished = call(&format!("-t {threads} -n 2"), "legacy", "query", &["2000"]);
        succeeds(&finished, threads);
        assert_eq!(reported(&finished, "asked"), [2000 * threads as i64; 2]);
        assert_eq!(reported(&finished, "wrong"), [0; 2]);
    }
}

#[test]
fn a_database_in_a_file_stays_and_grows_by_whole_runs() {
    let file = scratch("entries.db");
    let _ = fs::remove_file(&file);
    let insert = || {
        let finished = call("-t 4 -n 2", "legacy", "insert", &["500", text(&file)]);
        succeeds(&finished, 4);
        assert_eq!(reported(&finished, "entries"), [2000; 2]);
        assert_eq!(reported(&finished, "sum"), [sum_of_values(4, 500); 2]);
    };
    insert();
    let size = fs::metadata(&file).expect("the database is there").len();
    // No room for more pages: what has been inserted of a run is taken back.
    let limit = format!("-f {}", size / 512);
    let finished = call_limited(&limit, "-t 4", "legacy", "insert", &["500", text(&file)]);
    assert!(finished.stdout.contains("cannot write to"), "{}", finished.description);
    assert_eq!(reported(&finished, "entries"), []);
    insert();
    assert!(fs::metadata(&file).expect("the database is there").len() > size);
    let count = "SELECT count(DISTINCT run) || '|' || count(*) || '|' || sum(value) FROM entries";
    if let Some(answer) = asked("sqlite3", &[text(&file), count]) {
        assert_eq!(answer.stdout.trim(), format!("4|8000|{}", 4 * sum_of_values(4, 500)));
    }
}

#[test]
fn what_legacy_cannot_do_is_answered() {
    let other = scratch("text.db");
    fs::write(&other, "no database, but long enough to be taken for one: ".repeat(100))
        .expect("it can be written");
    let foreign = scratch("missing/entries.db");
    for bad in ["0", "-1", "1000001", "many", ""] {
        assert!(refusal("legacy", "insert", &[bad]).contains("from 1 to 1000000"));
        assert!(bad == "1000001" || refusal("legacy", "query", &[bad]).contains("whole number"));
    }
    let cases: [(&[&str], &str); 7] = [
        (&["1", "entries.db", "more"], "too many"),
        (&["1", ""], "needs a name"),
        (&["1", text(&other)], "file is not a database"),
        (&["1", text(&foreign)], "unable to open database file"),
        (&["1", env!("CARGO_TARGET_TMPDIR")], "not a regular file"),
        (&["1", "/dev/null"], "not a regular file"),
        (&["1", "/proc/version"], "cannot"),
    ];
    for (arguments, expected) in cases {
        let sentence = refusal("legacy", "insert", arguments);
        assert!(sentence.contains(expected), "{arguments:?}: {sentence}");
    }
    assert!(refusal("legacy", "query", &["1", "2"]).contains("too many"));
}

#[test]
fn an_sqlite_with_locks_of_its_own_is_refused() {
    let (headers, archive) = (env!("GILRT_LEGACY_HEADERS"), env!("GILRT_LEGACY_ARCHIVE"));
    let library = ["-isystem", headers, archive, "-Wl,--exclude-libs,ALL", "-lm"].map(str::to_owned);
    let finished = drive([module_with("modules/safe_sqlite.c", &library)]);
    assert_eq!(finished.line("open "), "GILRT_ERR_MODULE");
    assert!(finished.stderr.contains("SQLITE_THREADSAFE=0"), "{}", finished.description);
}

#[test]
fn only_the_interpreter_that_has_loaded_it_may_call_a_library_without_locks() {
    run(command(&program("legacy_interps.c")).arg(sample("legacy"))).expect_success();
}

#[test]
fn every_client_hears_what_it_has_said() {
    for (mode, threads) in modes_and_crowds() {
        for (function, lock) in [("tcp", ""), ("tcp", "-r"), ("udp", ""), ("udp", "-r")] {
            let options = format!("{mode} {lock} -t {threads} -n 2");
            let finished = call(&options, "echo", function, &["100", "500"]);
            succeeds(&finished, threads);
            assert_eq!(reported(&finished, "requests"), [100 * threads as i64; 2]);
            let [rate, p50, p99, max] =
                ["requests_per_second", "p50_ns", "p99_ns", "max_ns"].map(|name| reported(&finished, name));
            for run in 0..2 {
                assert!(rate[run] > 0 && 0 < p50[run], "{}", finished.description);
                assert!(p50[run] <= p99[run] && p99[run] <= max[run], "{}", finished.description);
            }
            assert_eq!(reported(&finished, "resent").len(), if function == "udp" { 2 } else { 0 });
        }
    }
}

#[test]
fn messages_of_any_size_come_back() {
    for function in ["tcp", "udp"] {
        for bytes in ["1", "7", "4096", "32760"] {
            let finished = call("-t 3 -r", "echo", function, &["20", bytes]);
            succeeds(&finished, 3);
            assert_eq!(reported(&finished, "requests"), [60]);
        }
    }
}

/// With the descriptors that are left, eight connections are possible at a time, but not eighty one after the other if one stayed.
#[test]
fn no_socket_stays_open() {
    for function in ["tcp", "udp"] {
        let finished = call_limited("-n 40", "-t 8 -n 10", "echo", function, &["3"]);
        succeeds(&finished, 8);
        assert_eq!(reported(&finished, "requests"), [24; 10]);
    }
}

#[test]
fn what_echo_cannot_do_is_answered() {
    for function in ["tcp", "udp"] {
        for bad in ["0", "-1", "10000001", "many", ""] {
            assert!(refusal("echo", function, &[bad]).contains("from 1 to 10000000"));
        }
        for bad in ["0", "-1", "32761", "many", ""] {
            assert!(refusal("echo", function, &["1", bad]).contains("from 1 to 32760"));
        }
        assert!(refusal("echo", function, &["1", "1", "1"]).contains("too many"));
        // Three descriptors are taken: with one more there is a server and no client, with two there is no connection.
        for limit in if function == "tcp" { &["-n 4", "-n 5"][..] } else { &["-n 4"] } {
            let finished = call_limited(limit, "", "echo", function, &["50"]);
            assert!(finished.line("say 0 ").contains("Too many open files"), "{}", finished.description);
        }
    }
}

#[test]
fn datagrams_that_are_lost_doubled_or_wrong_are_noticed() {
    run(&mut command(&program("echo_loss.c"))).expect_success();
}

#[test]
fn the_calls_of_a_run_may_come_one_after_the_other() {
    let folder = scratch("turns");
    fs::create_dir_all(&folder).expect("the test folder can be made");
    let modules = [sample("deflate"), sample("legacy")];
    run(command(&program("calls_in_turn.c")).args(modules).arg(folder)).expect_success();
}
