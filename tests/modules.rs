//! Opening, calling and closing extension modules: what works, and what a host is told when it does not. The
//! modules are those of `tests/c/modules`, and the host is a C program in a child process.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Finished, command, drive, module, program, run};

#[track_caller]
fn open(path: &Path) -> Finished {
    drive([path])
}

/// The status and the sentence of a module that must not open.
#[track_caller]
fn refusal(path: &Path) -> (String, String) {
    let finished = open(path);
    (finished.line("open ").to_owned(), finished.line("error ").to_owned())
}

#[track_caller]
fn says(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "{sentence:?} does not mention {part:?}");
    }
    assert!(!sentence.contains('\n'), "{sentence:?} is more than one line");
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules");
    fs::create_dir_all(&folder).expect("the test folder can be made");
    folder.join(name)
}

#[test]
fn load_run_and_unload_hold_the_lock_and_see_the_state() {
    let good = module("modules/good.c");
    let finished = drive([good.as_os_str(), "greet".as_ref(), "one".as_ref(), "two".as_ref()]);
    assert_eq!(finished.line("open "), "GILRT_OK");
    assert_eq!(finished.line("call 0 "), "GILRT_OK");
    for expected in [
        "load held=1",
        "report held 1",
        "report arguments 2",
        "report state 1",
        "say 0 one",
        "say 0 two",
        "unload held=1",
    ] {
        assert_eq!(finished.line(expected), "");
    }
}

#[test]
fn a_module_describes_its_functions() {
    let finished = open(&module("modules/good.c"));
    assert_eq!(finished.line("module "), "good");
    assert_eq!(finished.stdout.lines().filter(|line| line.starts_with("function ")).count(), 2);
    assert_eq!(finished.line("function "), "greet");
}

#[test]
fn the_status_of_a_function_is_that_of_the_call() {
    let good = module("modules/good.c");
    let finished = drive([good.as_os_str(), "refuse".as_ref()]);
    assert_eq!(finished.line("call 0 "), "GILRT_ERR_BUSY");
    assert_eq!(finished.line("say 0 "), "not today");
}

#[test]
fn an_unknown_function_is_answered_with_those_there_are() {
    let good = module("modules/good.c");
    let finished = drive([good.as_os_str(), "gret".as_ref()]);
    assert_eq!(finished.line("call 0 "), "GILRT_ERR_MODULE");
    says(finished.line("error "), &["good", "gret", "greet", "refuse"]);
}

#[test]
fn a_missing_file_is_named() {
    let (status, sentence) = refusal(&scratch("nowhere.so"));
    assert_eq!(status, "GILRT_ERR_MODULE");
    says(&sentence, &["nowhere.so"]);
}

#[test]
fn a_directory_is_no_module() {
    let folder = scratch("folder.so");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let (status, sentence) = refusal(&folder);
    assert_eq!(status, "GILRT_ERR_MODULE");
    says(&sentence, &["folder.so", "directory"]);
}

#[test]
fn a_text_file_is_no_module() {
    let text = scratch("text.so");
    fs::write(&text, "this is no shared object\n").expect("the file can be written");
    let (status, sentence) = refusal(&text);
    assert_eq!(status, "GILRT_ERR_MODULE");
    says(&sentence, &["text.so"]);
}

#[test]
fn a_shared_object_without_an_entry_is_no_module() {
    let (status, sentence) = refusal(&module("modules/no_entry.c"));
    assert_eq!(status, "GILRT_ERR_MODULE");
    says(&sentence, &["no_entry_c", "gilrt_module_get"]);
}

#[test]
fn an_entry_that_returns_nothing_is_refused() {
    let (status, sentence) = refusal(&module("modules/null_entry.c"));
    assert_eq!(status, "GILRT_ERR_MODULE");
    says(&sentence, &["null_entry_c", "gilrt_module_get"]);
}

#[test]
fn a_description_that_is_cut_short_is_refused() {
    let (status, sentence) = refusal(&module("modules/cut_short.c"));
    assert_eq!(status, "GILRT_ERR_ABI");
    says(&sentence, &["cut_short_c"]);
}

#[test]
fn a_module_for_another_abi_is_refused_before_any_of_it_runs() {
    let (status, sentence) = refusal(&module("modules/wrong_abi.c"));
    assert_eq!(status, "GILRT_ERR_ABI");
    says(&sentence, &["wrong_abi_c", "1001", "compile"]);
}

#[test]
fn a_module_that_misses_a_function_is_refused_with_its_name() {
    let (status, sentence) = refusal(&module("modules/unresolved.c"));
    assert_eq!(status, "GILRT_ERR_MODULE");
    says(&sentence, &["unresolved_c", "function_that_nobody_has"]);
}

#[test]
fn a_load_that_fails_is_reported_and_not_unloaded() {
    let (status, sentence) = refusal(&module("modules/load_fails.c"));
    assert_eq!(status, "GILRT_ERR_MODULE");
    says(&sentence, &["load_fails_c", "memory"]);
}

#[test]
fn null_and_misuse_are_answered() {
    let good = module("modules/good.c");
    run(command(&program("module_null.c")).arg(good)).expect_success();
}

#[test]
fn an_object_outlives_its_module() {
    let keeper = module("modules/keeper.c");
    run(command(&program("module_outlived.c")).arg(keeper)).expect_success();
}

#[test]
fn what_a_function_leaves_of_the_lock_is_put_right_and_told() {
    let careless = module("modules/careless.c");
    for function in ["keep", "drop"] {
        let finished = drive(["-n".as_ref(), "3".as_ref(), careless.as_os_str(), function.as_ref()]);
        assert_eq!(finished.line("call 0 "), "GILRT_ERR_MODULE");
        says(finished.line("error "), &["careless", "acquires", "releases"]);
    }
}

/// A copy is another file, and hence another module.
fn copy_of(module: &Path, name: &str) -> PathBuf {
    let copy = scratch(name);
    fs::copy(module, &copy).expect("the module can be copied");
    copy
}

#[test]
fn a_module_has_a_state_in_each_interpreter_that_uses_it() {
    let states = module("modules/states.c");
    let copy = copy_of(&states, "states.deleted.so");
    run(command(&program("module_states.c")).args([&states, &copy])).expect_success();
}

#[test]
fn modules_are_opened_called_and_closed_by_many_at_once() {
    let states = module("modules/states.c");
    let copy = copy_of(&states, "states.copy.so");
    run(command(&program("module_races.c")).args([&states, &copy])).expect_success();
}

#[test]
fn a_module_that_needs_a_gil_turns_it_on_or_is_refused() {
    let (needy, states) = (module("modules/needy.c"), module("modules/states.c"));
    run(command(&program("module_gil.c")).args([&needy, &states])).expect_success();
}

/// The main interpreter is made so by its host or by the environment.
#[test]
fn the_environment_can_make_the_main_interpreter_strict() {
    let (driver, good) = (program("drive.c"), module("modules/good.c"));
    let opened = |strict: &str| {
        let mut driver = command(&driver);
        driver.arg(&good).env("GILRT_MODE", "free").env("GILRT_STRICT", strict).env_remove("GILRT_LOG");
        run(&mut driver).expect_success()
    };
    let refused = opened("1");
    assert_eq!(refused.line("open "), "GILRT_ERR_MODULE");
    says(refused.line("error "), &["good", "main", "strict", "GILRT_MODULE_FREE_THREADED"]);
    let taken = opened("0");
    assert_eq!(taken.line("open "), "GILRT_OK");
    says(taken.stderr.trim_end(), &["gilrt: interpreter main has a GIL from now on: module good"]);
    let bad = opened("maybe");
    assert!(
        bad.stderr.starts_with("gilrt: GILRT_STRICT=maybe is ignored: allowed are 0 or 1\n"),
        "{}",
        bad.stderr
    );
}
