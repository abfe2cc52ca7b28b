//! How a model is run, and how one that breaks a rule is.

use gilrt::sync::model::{draw_closing_fences, draw_light_barriers};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::*;

/// Explores `run`, with at most `preemptions` switches away from a thread that could go on.
pub fn explore(
    name: &str,
    light_barriers: bool,
    preemptions: Option<usize>,
    run: impl Fn() + Sync + Send + 'static,
) {
    draw_light_barriers(light_barriers);
    draw_closing_fences(name.contains("close"));
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    let begin = std::time::Instant::now();
    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    model.check(move || {
        count.fetch_add(1, Relaxed);
        run();
    });
    let bound = preemptions.map_or("all".into(), |p| p.to_string());
    eprintln!(
        "MODEL {name}: {} executions, preemptions {bound}, {:.1?}",
        runs.load(Relaxed),
        begin.elapsed()
    );
}

/// Tests, each of which explores one model: its name, whether the fast paths' barriers are drawn, the bound, and what runs.
macro_rules! models {
    ($($(#[$doc:meta])* $name:ident($light:expr, $preemptions:expr) $body:block)*) => {
        $($(#[$doc])* #[test] fn $name() {
            crate::explore::explore(stringify!($name), $light, $preemptions, || $body);
        })*
    };
}
pub(crate) use models;

/// Breaks one rule at a time, each in a process of its own, in which the model named beside it must fail: by a touch that
/// nothing orders, a deadlock or an assertion.
pub fn all_are_caught(rules: &[(&str, &str)]) {
    let me = std::env::current_exe().unwrap();
    let missed: Vec<_> = rules.iter().filter(|(rule, model)| !notices(&me, rule, model)).collect();
    assert!(missed.is_empty(), "nobody notices: {missed:?}");
}

fn notices(me: &std::path::Path, rule: &str, model: &str) -> bool {
    let mut child = std::process::Command::new(me)
        .args(["--exact", model, "--test-threads=1"])
        .env("GILRT_MUTANT", rule)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let failed = !child.wait().unwrap().success();
    eprintln!("RULE {rule}: {}", if failed { model } else { "NOT NOTICED" });
    failed
}
