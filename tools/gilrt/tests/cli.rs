//! The tool as its users meet it: each test runs it in a child process with a time limit.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Finds a hang; far above what any of these runs takes, and stretched for builds that are slow by nature.
fn time_limit() -> Duration {
    let slowdown = std::env::var("GILRT_TEST_SLOWDOWN").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    Duration::from_secs(60) * slowdown
}

fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gilrt"));
    command.timeout(time_limit()).env_remove("GILRT_MODULES");
    command
}

fn output(arguments: &[&str]) -> Output {
    tool().args(arguments).output().expect("the tool starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the tool prints UTF-8")
}

/// The single line that a failing tool prints, without its name; nothing may be on standard output.
#[track_caller]
fn complaint(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(stdout(output), "");
    let line = stderr.strip_prefix("gilrt: ").and_then(|text| text.strip_suffix('\n'));
    let line = line.unwrap_or_else(|| panic!("not a line of the tool: {stderr:?}"));
    assert!(!line.contains('\n'), "more than one line: {stderr:?}");
    line.to_owned()
}

#[track_caller]
fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON value and nothing else")
}

/// A small picture with edges in both directions.
fn write_picture(path: &Path, width: u32, height: u32) {
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let data: Vec<u8> = pixels
        .flat_map(|(x, y)| [(x * 7) as u8, (y * 11) as u8, if (x / 8 + y / 8) % 2 == 0 { 255 } else { 0 }])
        .collect();
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
}

/// Width, height and pixels.
fn read_picture(path: &Path) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    (frame.width, frame.height, pixels)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("there is room for temporary files"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("temporary folders have names in UTF-8").to_owned()
    }
}

#[test]
fn modules_are_listed_with_their_functions() {
    let table = output(&["modules"]);
    assert!(table.status.success(), "{}", String::from_utf8_lossy(&table.stderr));
    for word in ["cache", "counter", "vector", "image", "locked", "churn", "blur", "sobel"] {
        assert!(stdout(&table).contains(word), "{word} is missing:\n{}", stdout(&table));
    }

    let listing = json(&output(&["modules", "--json"]));
    let image =
        listing["modules"].as_array().unwrap().iter().find(|module| module["name"] == "image").unwrap();
    let functions: Vec<_> = image["functions"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(functions, ["blur", "sobel"]);
    let needs_no_lock = |name: &str| {
        let modules = listing["modules"].as_array().unwrap();
        modules.iter().find(|module| module["name"] == name).unwrap()["free_threaded"].clone()
    };
    assert_eq!(["deflate", "echo", "legacy"].map(needs_no_lock), [true, true, false]);
    assert_eq!(listing["errors"], Value::Array(Vec::new()));
}

#[test]
fn a_module_that_cannot_be_loaded_is_named_and_the_others_are_listed() {
    let folder = Folder::new();
    std::fs::write(folder.path("broken.so"), "not a shared object").unwrap();
    let listed = tool().args(["modules"]).env("GILRT_MODULES", folder.0.path()).output().unwrap();
    assert_eq!(listed.status.code(), Some(1));
    assert!(stdout(&listed).contains("counter"), "{}", stdout(&listed));
    let stderr = String::from_utf8_lossy(&listed.stderr);
    assert!(stderr.contains("broken.so"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_picture_is_the_same_for_any_number_of_threads_and_use_of_the_lock() {
    let folder = Folder::new();
    let (input, result) = (folder.text("in.png"), folder.text("out.png"));
    write_picture(Path::new(&input), 97, 61);
    let before = read_picture(Path::new(&input));
    let mut expected = None;
    for threads in ["1", "2", "3"] {
        for lock in ["--hold", "--release"] {
            let run =
                output(&["run", "image", "blur", "--threads", threads, lock, "--", &input, &result, "5"]);
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            let picture = read_picture(Path::new(&result));
            assert_eq!((picture.0, picture.1), (97, 61));
            assert_ne!(picture, before, "nothing was blurred");
            assert_eq!(
                *expected.get_or_insert_with(|| picture.clone()),
                picture,
                "{threads} threads, {lock}"
            );
            std::fs::remove_file(&result).unwrap();
        }
    }
    assert_eq!(read_picture(Path::new(&input)), before, "the input was touched");
}

#[test]
fn a_run_shows_a_table_and_what_the_module_reported() {
    let run = output(&["run", "counter", "locked", "--threads", "2", "--", "1000"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = stdout(&run);
    for word in ["speed-up", "acquires", "contended", "waited", "expected", "2,000"] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    assert_eq!(run.stderr, b"", "a progress bar where there is no terminal");
}

#[test]
fn a_run_as_json_has_the_run_on_one_thread_and_the_one_asked_for() {
    let run = json(&output(&["run", "counter", "locked", "--threads", "3", "--json", "--", "1000"]));
    assert_eq!((&run["module"], &run["function"]), (&"counter".into(), &"locked".into()));
    let runs = run["runs"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["threads"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 3]);
    for (run, threads) in runs.iter().zip([1, 3]) {
        assert_eq!(run["reported"]["expected"], threads * 1000);
        assert_eq!(run["reported"]["lost"], 0);
        assert!(
            run["acquires"].as_u64().unwrap() >= threads,
            "each thread acquires the lock once at least: {run}"
        );
    }
    assert_eq!(runs[0]["speed_up"], 1.0);
}

#[test]
fn a_file_is_compressed_and_compared_and_a_full_disk_is_told() {
    let folder = Folder::new();
    let (input, result) = (folder.text("words.txt"), folder.text("words.gz"));
    std::fs::write(&input, "what is said again and again\n".repeat(20_000)).unwrap();
    let compress = ["run", "deflate", "compress", &input, &result, "--threads", "2", "--release", "--json"];
    let run = json(&output(&compress));
    for run in run["runs"].as_array().unwrap() {
        assert_eq!((&run["reported"]["bytes_read"], &run["work"]), (&580_000.into(), &5.into()));
        assert_eq!(run["reported"]["bytes_written"], std::fs::metadata(&result).unwrap().len());
    }
    let check = json(&output(&["run", "deflate", "check", &input, &result, "--threads", "2", "--json"]));
    assert_eq!(check["runs"][1]["reported"]["equal_blocks"], 5);
    let line = complaint(&output(&["run", "deflate", "compress", &input, "/dev/full", "--threads", "2"]), 1);
    assert_eq!(line, "cannot write /dev/full: No space left on device");
}

#[test]
fn a_module_is_also_found_by_its_path() {
    let listing = json(&output(&["modules", "--json"]));
    let modules = listing["modules"].as_array().unwrap();
    let path = modules.iter().find(|module| module["name"] == "counter").unwrap()["path"].as_str().unwrap();
    let run = json(&output(&["run", path, "locked", "--threads", "1", "--json", "10"]));
    assert_eq!(run["runs"][0]["reported"]["counted"], 10);
}

#[test]
fn wrong_command_lines_are_answered_by_one_line_and_code_2() {
    let folder = Folder::new();
    let here = folder.text("");
    let nowhere = folder.text("nowhere/out.png");
    for (arguments, hint) in [
        (&["run", "counter", "locked", "--threads", "0"][..], "1..=1024"),
        (&["run", "counter", "locked", "--threads", "1025"], "1..=1024"),
        (&["run", "counter", "locked", "--threads", "many"], "--threads"),
        (&["run", "counter", "locked", "--hold", "--release"], "--release"),
        (&["run", "counter"], "<FUNCTION>"),
        (&["run", "nothing", "locked"], "cache, counter, deflate, echo, graph, image, legacy, vector"),
        (&["run", "./nothing.so", "locked"], "no such file"),
        (&["run", &here, "locked"], "is a folder"),
        (&["run", "counter", "nothing"], "locked, unlocked"),
        (&["run", "image", "blur", "--", "in.ppm", &nowhere], "there is no folder"),
        (&["nothing"], "nothing"),
        (&["--output", &here], "is a folder"),
        (&["--seconds", "0"], "seconds from"),
    ] {
        let line = complaint(&output(arguments), 2);
        assert!(line.contains(hint), "{arguments:?} should speak of {hint:?}: {line}");
    }
}

#[test]
fn bad_pictures_are_answered_by_one_line_that_names_the_file() {
    let folder = Folder::new();
    let (whole, cut, text) = (folder.text("whole.png"), folder.text("cut.png"), folder.text("text.png"));
    let (missing, plain, result) =
        (folder.text("missing.png"), folder.text("plain.ppm"), folder.text("out.png"));
    write_picture(Path::new(&whole), 64, 64);
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(&text, "no picture at all").unwrap();
    std::fs::write(&plain, "P6\n64 64\n255\ntoo short").unwrap();
    for input in [&cut, &text, &missing, &plain] {
        let run = output(&["run", "image", "blur", "--threads", "2", "--", input, &result]);
        let line = complaint(&run, 1);
        assert!(line.contains(input.as_str()), "{line}");
        assert!(!Path::new(&result).exists(), "a result of {input}");
    }
}

#[test]
fn a_function_that_refuses_its_arguments_says_why_once() {
    let folder = Folder::new();
    let (input, result) = (folder.text("in.png"), folder.text("out.png"));
    write_picture(Path::new(&input), 16, 16);
    let line = complaint(&output(&["run", "image", "blur", "--threads", "4", "--", &input, &result, "0"]), 1);
    assert!(line.contains("radius"), "{line}");
    assert_eq!(line.matches("radius").count(), 1, "each of the threads says it: {line}");
}

#[test]
fn a_file_that_is_no_module_is_answered_by_one_line() {
    let folder = Folder::new();
    let path = folder.text("text.so");
    std::fs::write(&path, "not a shared object").unwrap();
    let line = complaint(&output(&["run", &path, "anything"]), 1);
    assert!(line.contains("text.so"), "{line}");
}

#[test]
fn a_library_that_is_missing_or_another_one_is_named() {
    let with_library = |path: &str| tool().args(["modules"]).env("GILRT_LIBRARY", path).output().unwrap();
    let line = complaint(&with_library("/nowhere/libgilrt.so"), 1);
    assert!(line.contains("/nowhere/libgilrt.so"), "{line}");
    let listing = json(&output(&["modules", "--json"]));
    let module = listing["modules"][0]["path"].as_str().unwrap();
    let line = complaint(&with_library(module), 1);
    assert!(line.contains(module), "{line}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is_one() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_gilrt"))
        .args(["modules"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Gone before the tool has written anything, since it opens the library first.
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));

    let full = File::options().write(true).open("/dev/full").unwrap();
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_gilrt"))
        .args(["modules"])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = complaint(&child.wait_with_output().unwrap(), 1);
    assert!(line.contains("standard output"), "{line}");
}

#[test]
fn without_a_command_the_photograph_is_blurred_in_all_ways() {
    let folder = Folder::new();
    let result = folder.text("blurred.png");
    let run = output(&["--seconds", "0.01", "--output", &result]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = stdout(&run);
    let rows = |lock: &str| text.lines().filter(|line| line.starts_with(lock)).count();
    assert_eq!((rows("hold "), rows("release ")), (6, 3), "{text}");
    for workers in ["interpreters ", "free threads ", "processes "] {
        assert!(text.contains(workers), "{workers} is missing:\n{text}");
    }
    assert!(text.contains("equal to the byte"), "{text}");
    assert!(text.contains(&result), "{text}");
    let (width, height, _) = read_picture(Path::new(&result));
    assert_eq!((width % 600, height % 400), (0, 0), "the photograph, enlarged: {width} × {height}");
}

#[test]
fn help_and_version_go_to_standard_output() {
    for argument in ["--help", "--version"] {
        let shown = output(&[argument]);
        assert!(shown.status.success());
        assert!(stdout(&shown).contains("gilrt"));
    }
}
