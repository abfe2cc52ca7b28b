//! A host that has libgilrt in the place of its lock: `examples/host`, and the document that walks through it.
#![cfg(target_os = "linux")]

mod support;

use support::{command, program, run};

const SOURCE: &str = include_str!("../examples/host/host.c");
const DOCUMENT: &str = include_str!("../docs/embedding.md");

#[test]
fn a_host_with_threads_and_safepoints_of_its_own_does_its_job() {
    let host = program("../../examples/host/host.c");
    for mode in ["locked", "free"] {
        let finished = run(command(&host).arg(mode)).expect_success();
        assert_eq!(finished.stdout, "counted 300000, read 2000 bytes, interrupted 1 sleeper\n", "{mode}");
        assert_eq!(finished.stderr, "", "{mode}");
    }
}

#[test]
fn a_host_that_is_started_wrongly_says_how() {
    let finished = run(&mut command(&program("../../examples/host/host.c")));
    assert!(!finished.success);
    assert_eq!(finished.stderr, "host: usage: host locked|free\n");
}

#[test]
fn the_excerpts_of_the_document_are_those_of_the_source() {
    let excerpts: Vec<&str> =
        DOCUMENT.split("```c\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(excerpts.len() >= 5, "the document shows nothing");
    for excerpt in excerpts {
        assert!(SOURCE.contains(excerpt), "not in examples/host/host.c:\n{excerpt}");
    }
}

#[test]
fn the_document_names_only_what_the_header_has() {
    let header = include_str!("../include/gilrt.h");
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for word in DOCUMENT
        .split(|c| !is_part(c))
        .filter(|w| ["gil_", "gilrt_", "GIL_", "GILRT_"].iter().any(|p| w.starts_with(p)))
    {
        let known = header.contains(word) || include_str!("../include/gilrt_inline.h").contains(word);
        assert!(known || ["gilrt_inline", "GILRT_CHECK"].contains(&word), "{word}");
    }
}
