//! The README keeps its word: its program compiles by its own command lines, shared and static, and prints what it says.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{library_dir, root, run};

const README: &str = include_str!("../README.md");

/// The content of the first fenced block in `language`.
fn block(language: &str) -> &'static str {
    let start = format!("```{language}\n");
    let (_, rest) = README.split_once(&start).unwrap_or_else(|| panic!("the README has no {language} block"));
    rest.split_once("```").expect("the block ends").0
}

/// Lines of the README's shell block that begin with `command`.
fn shell_line(command: &str) -> &'static str {
    let mut lines = block("sh").lines().filter(|line| line.starts_with(command));
    let line = lines.next().unwrap_or_else(|| panic!("the README has no line that begins with '{command}'"));
    assert_eq!(lines.next(), None, "the README has two lines that begin with '{command}'");
    line
}

/// A folder that looks like the root of the repository after a release build, with the library of this test's build.
fn root_of_a_reader(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(folder.join("target")).unwrap();
    symlink(library_dir(), folder.join("target/release")).unwrap();
    symlink(root().join("include"), folder.join("include")).unwrap();
    fs::write(folder.join("tally.c"), block("c")).unwrap();
    folder
}

#[track_caller]
fn shell(folder: &Path, command: &str) -> String {
    run(Command::new("sh").arg("-c").arg(command).current_dir(folder)).expect_success().stdout
}

#[test]
fn the_program_of_the_readme_prints_what_the_readme_says() {
    let folder = root_of_a_reader("readme-shared");
    shell(&folder, shell_line("cc "));
    assert_eq!(shell(&folder, shell_line("./")), block("text"));
}

#[test]
fn the_static_archive_links_with_the_libraries_that_the_readme_names() {
    let folder = root_of_a_reader("readme-static");
    let (_, rest) =
        README.split_once("`target/release/libgilrt.a").expect("the README tells how to link the archive");
    let libraries = rest.split_once('`').expect("the code ends").0;
    shell(&folder, &format!("cc -std=c11 -I include tally.c -o tally target/release/libgilrt.a{libraries}"));
    assert_eq!(shell(&folder, "./tally"), block("text"));
}

#[test]
fn ci_ends_with_the_test_command_of_the_readme() {
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    let last = script.lines().last().expect("the script has lines");
    let command = last.strip_prefix("exec ").expect("the last line replaces the script by the tests");
    assert!(README.contains(&format!("- `{command}` ")), "the README does not name '{command}'");
}
