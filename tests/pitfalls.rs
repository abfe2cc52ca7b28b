//! Each pitfall of `docs/pitfalls.md` that applies has a test that names it, so that whoever changes a rule finds what
//! guards it. Only comments count, in `tests/` and in the unit tests of `src/` and `tools/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Pitfalls of the lock that no test names, each with the reason. Who writes the test takes the line out.
const NOT_YET: &[(&str, &str)] = &[
    ("L18", "there are no lists of hooks: the log function and the exit hook are one each"),
    ("L21", "no test sets the interval of one interpreter and looks at another's"),
    ("L23", "no library can prevent it, nor see locks that are not its own"),
];

type Ids = BTreeSet<String>;

#[test]
fn each_pitfall_of_the_lock_is_named_by_a_test() {
    let known = described();
    let named = named();
    let not_yet: Ids = NOT_YET.iter().map(|(id, _)| (*id).to_string()).collect();
    let of_the_lock: Ids = known.iter().filter(|id| id.starts_with('L')).cloned().collect();
    assert!(of_the_lock.len() >= 26, "docs/pitfalls.md describes only {of_the_lock:?}");
    let covered: Ids = named.keys().cloned().collect();
    let forgotten: Vec<_> = of_the_lock.difference(&covered).filter(|id| !not_yet.contains(*id)).collect();
    assert!(forgotten.is_empty(), "no test names {forgotten:?}");
    for id in &not_yet {
        assert!(known.contains(id), "{id} is in NOT_YET, and docs/pitfalls.md does not describe it");
        let by = named.get(id);
        assert!(by.is_none(), "{id} is in NOT_YET, and named by {by:?}");
    }
}

/// Each has a row in the table of docs/pitfalls.md: the files that name it, or why none does.
#[test]
fn the_tests_of_each_pitfall_of_the_counts_are_listed() {
    let named = named();
    let text = read(&root().join("docs/pitfalls.md"));
    let mut listed = Ids::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("| R")) {
        let (number, cell) = row.split_once(" | ").expect("a row has two cells");
        let id = format!("R{number}");
        let files: BTreeSet<PathBuf> =
            cell.split('`').skip(1).step_by(2).map(|file| root().join(file)).collect();
        assert_eq!(files, named.get(&id).into_iter().flatten().cloned().collect(), "who names {id}");
        assert!(!files.is_empty() || cell.starts_with("none: "), "the row of {id} gives no reason");
        listed.insert(id);
    }
    let of_the_counts: Ids = described().into_iter().filter(|id| id.starts_with('R')).collect();
    assert!(of_the_counts.len() >= 22, "docs/pitfalls.md describes only {of_the_counts:?}");
    assert_eq!(listed, of_the_counts);
}

#[test]
fn no_test_names_a_pitfall_that_is_not_described() {
    let known = described();
    let unknown: Vec<_> = named().into_iter().filter(|(id, _)| !known.contains(id)).collect();
    assert!(unknown.is_empty(), "docs/pitfalls.md does not describe {unknown:?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The ids that docs/pitfalls.md explains: its paragraphs begin with `**L1. `.
fn described() -> Ids {
    let text = read(&root().join("docs/pitfalls.md"));
    let paragraphs = text.lines().filter_map(|line| line.strip_prefix("**")?.split_once(". "));
    paragraphs.map(|(id, _)| id).filter(|id| is_id(id)).map(String::from).collect()
}

/// The ids that tests name, each with the files that do.
fn named() -> BTreeMap<String, Vec<PathBuf>> {
    let mut named = BTreeMap::<String, Vec<PathBuf>>::new();
    let mut add = |path: &Path, text: &str| {
        let comments = comments(text);
        let words = comments.split(|c: char| !c.is_ascii_alphanumeric());
        for id in words.filter(|word| is_id(word)).collect::<BTreeSet<_>>() {
            named.entry(id.to_string()).or_default().push(path.to_path_buf());
        }
    };
    for path in files(&root().join("tests")).into_iter().chain(files(&root().join("tools/gilrt/tests"))) {
        if !path.ends_with(file!()) {
            add(&path, &read(&path));
        }
    }
    for path in files(&root().join("src")).into_iter().chain(files(&root().join("tools/gilrt/src"))) {
        if let Some((_, unit_tests)) = read(&path).split_once("#[cfg(test)]\nmod ") {
            add(&path, unit_tests);
        }
    }
    named
}

fn is_id(word: &str) -> bool {
    word.strip_prefix(['L', 'R']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// What stands in comments, in C and in Rust. A string that looks like a comment is taken for one, which does no harm here.
fn comments(text: &str) -> String {
    let mut comments = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("//").into_iter().chain(rest.find("/*")).min() {
        let (end, skip) = if rest[start..].starts_with("//") { ("\n", 1) } else { ("*/", 2) };
        let body = &rest[start + 2..];
        let length = body.find(end).unwrap_or(body.len());
        comments.push_str(&body[..length]);
        comments.push(' ');
        rest = body.get(length + skip..).unwrap_or("");
    }
    comments
}

/// The sources below a folder; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.map(|entry| entry.expect("a folder can be listed").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let source =
        |path: &PathBuf| path.extension().is_some_and(|e| ["rs", "c", "h", "cpp"].iter().any(|s| e == *s));
    let below = folders.iter().flat_map(|folder| self::files(folder));
    let mut all: Vec<PathBuf> = files.into_iter().filter(source).chain(below).collect();
    all.sort();
    all
}
