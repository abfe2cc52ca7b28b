//! The kinds of workers: that all of them do the same, that one that dies takes nothing along but its own part, and that nobody
//! is left behind.

use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

const TOOL: &str = env!("CARGO_BIN_EXE_gilrt");
const KINDS: [&str; 4] = ["threads", "interpreters", "free", "processes"];

/// Finds a hang; far above what any of these runs takes, and stretched for builds that are slow by nature.
fn time_limit() -> Duration {
    let slowdown = std::env::var("GILRT_TEST_SLOWDOWN").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    Duration::from_secs(60) * slowdown
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(TOOL);
    command.timeout(time_limit()).env_remove("GILRT_MODULES").arg("run").args(arguments);
    command.output().expect("the tool starts")
}

/// The single line that a failing tool prints, without its name; nothing may be on standard output.
#[track_caller]
fn complaint(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let line = stderr.strip_prefix("gilrt: ").and_then(|text| text.strip_suffix('\n'));
    let line = line.unwrap_or_else(|| panic!("not a line of the tool: {stderr:?}"));
    assert!(!line.contains('\n'), "more than one line: {stderr:?}");
    line.to_owned()
}

#[track_caller]
fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("the tool prints UTF-8")
}

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(&run(arguments))).expect("one JSON value and nothing else")
}

#[track_caller]
fn runs(arguments: &[&str]) -> Vec<Value> {
    json(arguments)["runs"].as_array().expect("runs").clone()
}

/// The module whose second worker comes to grief.
fn dies() -> &'static str {
    static MODULE: OnceLock<String> = OnceLock::new();
    MODULE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let module = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dies.so");
        let mut build = cc::Build::new();
        let (target, host) = (env!("GILRT_TARGET"), env!("GILRT_HOST"));
        build.target(target).host(host).opt_level(1).debug(true).std("c11").cargo_metadata(false);
        // Not over a file that another test process may be running.
        let fresh = module.with_extension(std::process::id().to_string());
        let mut compile = build.get_compiler().to_command();
        compile.args(["-shared", "-fPIC", "-I"]).arg(root.join("include")).arg("-o").arg(&fresh);
        compile.arg(root.join("tests/c/modules/dies.c"));
        assert!(compile.status().expect("there is a C compiler").success());
        fs::rename(&fresh, &module).unwrap();
        module.into_os_string().into_string().expect("the target folder has a name in UTF-8")
    })
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("there is room for temporary files"))
    }

    fn text(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("temporary folders have names in UTF-8").to_owned()
    }

    /// A small picture to read and the name of one to write.
    fn pictures(&self) -> (String, String) {
        let (input, result) = (self.text("in.png"), self.text("out.png"));
        let (width, height) = (61, 47);
        let mut encoder = png::Encoder::new(File::create(&input).unwrap(), width, height);
        encoder.set_color(png::ColorType::Rgb);
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let data: Vec<u8> =
            pixels.flat_map(|(x, y)| [(x * 7) as u8, (y * 11) as u8, (x * y) as u8]).collect();
        encoder.write_header().unwrap().write_image_data(&data).unwrap();
        (input, result)
    }
}

fn pixels(path: &str) -> Vec<u8> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

#[test]
fn all_kinds_of_workers_make_the_same_picture() {
    let folder = Folder::new();
    let (input, result) = folder.pictures();
    let mut expected = None;
    for kind in KINDS {
        for lock in ["--hold", "--release"] {
            let workers = format!("{kind}:3");
            text(&run(&["image", "blur", "--workers", &workers, lock, "--", &input, &result, "5"]));
            let picture = pixels(&result);
            assert_eq!(*expected.get_or_insert_with(|| picture.clone()), picture, "{kind} {lock}");
            fs::remove_file(&result).unwrap();
        }
    }
}

#[test]
fn all_kinds_are_compared_in_one_table() {
    let folder = Folder::new();
    let (input, result) = folder.pictures();
    let table = text(&run(&["image", "sobel", "--workers", "all:2", "--", &input, &result]));
    for words in ["1 thread ", "2 threads ", "2 interpreters ", "2 free threads ", "2 processes "] {
        assert!(table.contains(words), "{words} is missing:\n{table}");
    }
    for words in ["speed-up", "start-up", "memory", "all 5 results are equal to the byte (CRC-32 "] {
        assert!(table.contains(words), "{words} is missing:\n{table}");
    }

    let report = json(&["image", "sobel", "--workers", "all:2", "--json", "--", &input, &result]);
    let sum = report["result_crc32"].as_str().unwrap();
    assert!(table.contains(sum), "{sum} is missing:\n{table}");
    let runs = report["runs"].as_array().unwrap();
    let kinds: Vec<_> = runs.iter().map(|run| run["workers"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["threads", "threads", "interpreters", "free", "processes"]);
    for run in runs {
        assert!(run["start_up_ns"].as_u64().unwrap() > 0, "{run}");
        assert!(run["time_ns"].as_u64().unwrap() > 0, "{run}");
        assert!(run["speed_up"].as_f64().unwrap() > 0.0, "{run}");
    }
    // A thread has a stack of its own, and a process everything: more than any interpreter needs.
    let memory = |at: usize| runs[at]["memory_bytes"].as_u64().unwrap();
    assert!((1..memory(4)).contains(&memory(1)), "{runs:?}");
    assert!((1..memory(4)).contains(&memory(2)), "{runs:?}");
}

#[test]
fn a_module_that_needs_a_lock_is_not_run_without_one() {
    let line = complaint(&run(&["counter", "locked", "--workers", "free:2", "--", "10"]), 2);
    assert!(line.contains("counter") && line.contains("interpreters"), "{line}");
    let table = text(&run(&["counter", "locked", "--workers", "all:2", "--", "10"]));
    assert!(!table.contains("free threads "), "{table}");
    assert!(table.contains("not run by free threads"), "{table}");
}

#[test]
fn workers_that_share_nothing_count_for_themselves_and_are_added_up() {
    for kind in KINDS.into_iter().filter(|kind| *kind != "free") {
        let workers = format!("{kind}:3");
        let runs = runs(&["counter", "locked", "--workers", &workers, "--json", "--", "1000"]);
        assert_eq!(runs[1]["threads"], 3);
        for (figure, value) in [("expected", 3000), ("counted", 3000), ("lost", 0)] {
            assert_eq!(runs[1]["reported"][figure], value, "{kind}: {figure}");
        }
        assert!(runs[1]["acquires"].as_u64().unwrap() >= 3, "{kind}: {}", runs[1]);
        assert_eq!(runs[1]["work"], 3000, "{kind}");
    }
}

/// Zlib's blocks come from all workers into one file.
#[test]
fn workers_that_share_nothing_are_refused_where_they_would_have_to() {
    let folder = Folder::new();
    let (plain, packed) = (folder.text("plain"), folder.text("packed"));
    fs::write(&plain, "some text").unwrap();
    fs::write(&packed, "of before").unwrap();
    for kind in ["interpreters:3", "processes:2", "all:2"] {
        let why = complaint(&run(&["deflate", "compress", "--workers", kind, &plain, &packed]), 1);
        assert!(why.contains("--workers threads or free"), "{kind}: {why}");
    }
    for kind in ["threads:3", "free:3", "interpreters:1", "processes:1"] {
        text(&run(&["deflate", "compress", "--workers", kind, &plain, &packed]));
        text(&run(&["deflate", "check", "--workers", "all:2", &plain, &packed]));
    }
}

#[test]
fn a_module_for_one_interpreter_tells_the_others_once() {
    let output = run(&["legacy", "query", "--workers", "interpreters:8", "10"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert_eq!(stderr.matches("another interpreter has loaded SQLite").count(), 1, "{stderr}");
}

#[test]
fn processes_insert_into_one_database_one_after_the_other() {
    let folder = Folder::new();
    for place in [vec![], vec![folder.text("database")]] {
        let mut arguments = vec!["legacy", "insert", "--json", "--workers", "processes:3", "200"];
        arguments.extend(place.iter().map(String::as_str));
        let runs = runs(&arguments);
        assert_eq!(runs[1]["reported"]["entries"], 600, "{runs:?}");
    }
    assert!(!fs::exists(folder.text("database-journal")).unwrap(), "all was committed");
}

/// What the tool says when the second of four workers of this kind ends in this way.
#[track_caller]
fn die(kind: &str, how: &[&str], folder: &Folder) -> (String, String) {
    let (input, result) = folder.pictures();
    fs::write(&result, "old").unwrap();
    let workers = format!("{kind}:4");
    let arguments = [&[dies(), "draw", "--workers", &workers, "--", &input, &result], how].concat();
    (complaint(&run(&arguments), 1), result)
}

/// That all parts of the picture are there but the second, of which a half is.
#[track_caller]
fn check_other_parts(result: &str) {
    const PART: usize = 6 * 8 * 3;
    let picture = pixels(result);
    assert_eq!(picture.len(), 4 * PART);
    for (part, bytes) in (1..).zip(picture.chunks(PART)) {
        let (begun, rest) = bytes.split_at(PART / 2);
        assert!(begun.iter().all(|byte| *byte == part), "part {part}: {bytes:?}");
        let expected = if part == 2 { 0 } else { part };
        assert!(rest.iter().all(|byte| *byte == expected), "part {part}: {bytes:?}");
    }
}

#[test]
fn a_worker_process_that_dies_is_named_and_the_other_parts_stay_intact() {
    for (how, words) in [
        ("kill", "was killed by SIGKILL (9)"),
        ("segv", "was killed by SIGSEGV (11)"),
        ("exit", "exited with code 3"),
        ("leave", "exited with code 0"),
    ] {
        let folder = Folder::new();
        let (line, result) = die("processes", &[how], &folder);
        let expected = format!("worker process 2 of 4 {words} before part 2 of 4 was done");
        assert!(line.contains(&expected), "{how}: {line}");
        assert!(line.contains("out.png has the other 3 of 4 parts"), "{how}: {line}");
        check_other_parts(&result);
    }
}

#[test]
fn a_worker_that_dies_and_leaves_a_child_is_not_waited_for_through_it() {
    let folder = Folder::new();
    let file = folder.text("child");
    let (line, result) = die("processes", &["orphan", &file], &folder);
    let child: u32 = fs::read_to_string(file).unwrap().parse().unwrap();
    assert!(is_running(child), "it has all that the worker had open, and goes on");
    kill(id(child), libc::SIGKILL);
    assert!(line.contains("worker process 2 of 4 was killed by SIGKILL (9)"), "{line}");
    check_other_parts(&result);
}

#[test]
fn workers_of_one_process_die_together_and_their_parts_are_named() {
    for kind in KINDS.into_iter().filter(|kind| *kind != "processes") {
        let folder = Folder::new();
        let (line, _) = die(kind, &["kill"], &folder);
        assert!(line.contains("was killed by SIGKILL (9) before part"), "{kind}: {line}");
        assert!(line.contains("the process of 4 "), "{kind}: {line}");
    }
}

#[test]
fn a_function_that_fails_in_one_worker_fails_the_run_and_leaves_the_old_result() {
    for kind in KINDS {
        let folder = Folder::new();
        let (line, result) = die(kind, &["fail"], &folder);
        assert_eq!(line, "the second worker does not want to", "{kind}");
        assert_eq!(fs::read(&result).unwrap(), b"old", "{kind}");
    }
}

/// The tool at work in a group of its own, its second worker process hanging. A test that fails leaves neither behind.
struct Hanging {
    tool: Child,
    worker: u32,
    folder: Folder,
}

impl Drop for Hanging {
    fn drop(&mut self) {
        // Its group is its own, and exists as long as one of its processes does.
        // SAFETY: kill takes two integers and touches no memory.
        unsafe { libc::kill(-id(self.tool.id()), libc::SIGKILL) };
        let _ = self.tool.wait();
    }
}

impl Hanging {
    fn start() -> Self {
        let folder = Folder::new();
        let sign = folder.text("begun");
        let mut command = std::process::Command::new(TOOL);
        command.args(["run", dies(), "hang", "--workers", "processes:3", "--", &sign]);
        // Files, since a pipe ends only when the last of those has ended that have it.
        let file = |name| File::create(folder.text(name)).unwrap();
        command.stdout(file("stdout")).stderr(file("stderr")).process_group(0);
        let mut hanging = Self { tool: command.spawn().unwrap(), worker: 0, folder };
        wait_until("the worker hangs", || Path::new(&sign).exists());
        // The others have ended, or are about to.
        wait_until("one worker is left", || {
            let children = children(hanging.tool.id());
            hanging.worker = *children.first().expect("one hangs");
            children.len() == 1
        });
        hanging
    }

    fn end(&mut self) -> Output {
        let mut status = None;
        wait_until("the tool ends", || {
            status = self.tool.try_wait().unwrap();
            status.is_some()
        });
        let read = |name| fs::read(self.folder.text(name)).unwrap();
        Output { status: status.expect("it has ended"), stdout: read("stdout"), stderr: read("stderr") }
    }
}

#[track_caller]
fn wait_until(what: &str, mut happens: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happens() {
        assert!(begun.elapsed() < time_limit(), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes that this one has started and that have not ended.
fn children(process: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    list.split_whitespace().map(|id| id.parse().unwrap()).filter(|id| is_running(*id)).collect()
}

/// Whether it is there, and no corpse that nobody has buried yet.
fn is_running(process: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else { return false };
    status.rsplit(") ").next().is_some_and(|rest| !rest.starts_with('Z') && !rest.starts_with('X'))
}

fn kill(process: i32, signal: i32) {
    // SAFETY: kill takes two integers and touches no memory; the process, or its group, was started by this test.
    assert_eq!(unsafe { libc::kill(process, signal) }, 0);
}

fn id(process: u32) -> i32 {
    i32::try_from(process).unwrap()
}

#[test]
fn a_worker_that_is_killed_from_outside_ends_the_run() {
    let mut hanging = Hanging::start();
    kill(id(hanging.worker), libc::SIGKILL);
    let line = complaint(&hanging.end(), 1);
    assert_eq!(line, "worker process 2 of 3 was killed by SIGKILL (9) before part 2 of 3 was done");
}

#[test]
fn workers_do_not_outlive_the_tool() {
    // The tool alone, as by its parent; and its whole group, as by Ctrl-C on a terminal.
    for (signal, group) in [(libc::SIGKILL, false), (libc::SIGTERM, false), (libc::SIGINT, true)] {
        let mut hanging = Hanging::start();
        let (tool, worker) = (id(hanging.tool.id()), hanging.worker);
        kill(if group { -tool } else { tool }, signal);
        let ended = hanging.end();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(signal));
        wait_until("the worker ends", || !is_running(worker));
    }
}

#[test]
fn a_worker_has_no_descriptors_of_the_others() {
    let all = |workers: &str| {
        let runs = runs(&[dies(), "descriptors", "--workers", workers, "--json"]);
        runs[1]["reported"]["descriptors"].as_i64().unwrap()
    };
    assert_eq!(all("processes:2") / 2, all("processes:8") / 8);
}

#[test]
fn no_room_for_so_many_workers_is_answered_with_how_many_there_is_room_for() {
    for (limit, workers, noun) in [
        ("-n 24", "processes:64", "process"),
        ("-v 4000000", "threads:16", "thread"),
        ("-v 4000000", "interpreters:16", "interpreter"),
    ] {
        let mut command = Command::new("sh");
        let script = format!("ulimit {limit} && exec \"$0\" run counter locked --workers {workers} -- 10");
        // A gibibyte for each thread's stack: so the limit is met by the third or fourth, with room for everything else.
        command.timeout(time_limit()).env("RUST_MIN_STACK", (1 << 30).to_string());
        let output = command.args(["-c", &script, TOOL]).output().unwrap();
        let line = complaint(&output, 1);
        assert!(line.starts_with(&format!("cannot start {noun} ")), "{line}");
        assert!(line.contains("there is room for"), "{line}");
    }
}

#[test]
fn wrong_workers_are_answered_with_those_there_are() {
    let folder = Folder::new();
    let (input, _) = folder.pictures();
    let nowhere = folder.text("nowhere/out.png");
    for (arguments, hint) in [
        (&["counter", "locked", "--workers", "fibers"][..], "interpreters, free, processes and all"),
        (&["counter", "locked", "--workers", "threads:0"], "1 to 1024"),
        (&["counter", "locked", "--workers", "processes:257"], "1 to 256"),
        (&["counter", "locked", "--workers", "processes:many"], "1 to 256"),
        (&["counter", "locked", "--workers", "processes", "--threads", "2"], "--threads"),
        (&["image", "blur", "--workers", "processes:2", "--", &input, &nowhere], "there is no folder"),
    ] {
        let line = complaint(&run(arguments), 2);
        assert!(line.contains(hint), "{arguments:?} should speak of {hint:?}: {line}");
    }
}

#[test]
fn the_command_of_the_workers_is_for_the_tool_alone() {
    let mut command = Command::new(TOOL);
    command.timeout(time_limit());
    command.args([
        "worker",
        "--tool",
        "1",
        "--board",
        "/dev/null",
        "--kind",
        "free",
        "--first",
        "0",
        "--here",
        "1",
    ]);
    let line = complaint(&command.args(["--of", "1", "image", "blur"]).output().unwrap(), 2);
    assert!(line.contains("gilrt run --help"), "{line}");
}
