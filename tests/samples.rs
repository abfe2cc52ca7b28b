//! The sample extensions of `cext`, as build.rs compiled them, driven through the C interface in child
//! processes.
#![cfg(all(target_os = "linux", feature = "samples", not(loom)))]

mod support;

use std::fs;
use std::path::Path;

use support::drive;
use support::samples::{call, modes_and_crowds, refusal, reported, sample, scratch, succeeds, text};

#[test]
fn each_sample_describes_itself() {
    let samples: [(&str, &[&str]); 8] = [
        ("counter", &["locked", "unlocked"]),
        ("vector", &["push", "churn", "nest"]),
        ("graph", &["rings", "churn"]),
        ("image", &["blur", "sobel"]),
        ("cache", &["lookup", "churn", "stream"]),
        ("deflate", &["compress", "check"]),
        ("legacy", &["insert", "query"]),
        ("echo", &["tcp", "udp"]),
    ];
    for (name, functions) in samples {
        let finished = drive([sample(name)]);
        assert_eq!(finished.line("module "), name);
        for function in functions {
            assert_eq!(finished.line(&format!("function {function}")), "");
        }
    }
}

#[test]
fn the_counter_under_the_lock_loses_nothing_in_any_run() {
    let finished = call("-t 8 -n 3", "counter", "locked", &["20000"]);
    succeeds(&finished, 8);
    assert_eq!(reported(&finished, "expected"), [160_000; 3]);
    assert_eq!(reported(&finished, "counted"), [160_000; 3]);
    assert_eq!(reported(&finished, "lost"), [0; 3]);
}

#[test]
fn the_counter_without_the_lock_accounts_for_what_it_lost() {
    let finished = call("-t 4 -n 2", "counter", "unlocked", &["100000"]);
    succeeds(&finished, 4);
    let (counted, lost) = (reported(&finished, "counted"), reported(&finished, "lost"));
    assert_eq!(reported(&finished, "expected"), [400_000; 2]);
    for run in 0..2 {
        assert_eq!(counted[run] + lost[run], 400_000);
        assert!(counted[run] > 0 && lost[run] >= 0, "{}", finished.description);
    }
    // One thread alone has nobody to lose an update to.
    let alone = call("", "counter", "unlocked", &["100000"]);
    assert_eq!(reported(&alone, "lost"), [0]);
}

#[test]
fn the_vector_keeps_what_was_pushed_and_frees_it_when_it_is_unloaded() {
    let finished = call("-t 6 -n 2", "vector", "push", &["2000"]);
    succeeds(&finished, 6);
    assert_eq!(reported(&finished, "pushed"), [12_000, 24_000]);
    assert_eq!(reported(&finished, "length"), [12_000, 24_000]);
    assert_eq!(reported(&finished, "finalized"), [0, 0]);
    assert_eq!(finished.line("live "), "0");
}

#[test]
fn the_vector_is_balanced_whatever_happens_to_its_items() {
    let finished = call("-t 8 -n 2", "vector", "churn", &["3000"]);
    succeeds(&finished, 8);
    assert_eq!(reported(&finished, "alive"), reported(&finished, "length"));
    assert!(reported(&finished, "finalized")[0] > 0, "{}", finished.description);
    assert_eq!(finished.line("live "), "0");
}

/// Runs a function of the cache twice, and checks what is true of any cache; the figures after the second run by name.
#[track_caller]
fn cached(mode: &str, threads: usize, function: &str, rounds: usize) -> impl Fn(&str) -> i64 {
    let finished = call(&format!("{mode} -t {threads} -n 2"), "cache", function, &[&rounds.to_string()]);
    succeeds(&finished, threads);
    for run in 0..2 {
        let [gets, hits, weak_hits, misses, unsound, made, recent] =
            ["gets", "hits", "weak_hits", "misses", "unsound", "made", "recent"]
                .map(|name| reported(&finished, name)[run]);
        assert_eq!(hits + weak_hits + misses, gets, "{}", finished.description);
        assert_eq!(unsound, 0, "{}", finished.description);
        assert!(made >= misses && recent <= 256, "{}", finished.description);
    }
    assert_eq!(finished.line("live "), "0");
    move |name| reported(&finished, name)[1]
}

#[test]
fn the_cache_finds_what_is_alive_and_makes_what_it_misses() {
    for (mode, threads) in modes_and_crowds() {
        let figure = cached(mode, threads, "lookup", 1000);
        assert_eq!(figure("gets"), 2 * 1000 * threads as i64);
        assert_eq!(figure("made"), figure("misses"));
        assert_eq!(figure("evicted"), 0);
        // Each thread holds on to more than the cache does.
        assert!(figure("hits") > 0 && figure("weak_hits") > 0);
    }
}

/// Among others, a lookup meets an entry whose item waits, in its destructor, for the section in order to take it out (R22).
#[test]
fn the_cache_is_right_while_its_items_are_replaced_and_evicted() {
    for (mode, threads) in modes_and_crowds() {
        let figure = cached(mode, threads, "churn", 1000);
        assert!(figure("evicted") > 0 && figure("made") > figure("misses"));
    }
}

#[test]
fn the_entries_of_what_is_dead_do_not_pile_up_in_the_cache() {
    for (mode, threads) in [("", 1), ("", 4), ("-f", 4)] {
        let figure = cached(mode, threads, "stream", 5000);
        assert_eq!(figure("misses"), 2 * 5000 * threads as i64);
        // Of so many keys no more remain than are alive, and once more as many.
        assert!(figure("faded") <= 2 * 512 * threads as i64, "{} entries have faded", figure("faded"));
    }
}

#[test]
fn vectors_that_contain_one_another_are_collected() {
    let finished = call("-t 6 -n 2", "vector", "nest", &["1500"]);
    succeeds(&finished, 6);
    assert_eq!(reported(&finished, "pushed"), [36_000, 72_000]);
    assert_eq!(reported(&finished, "alive"), [0, 0]);
    assert_eq!(finished.line("live "), "0");
}

#[test]
fn rings_that_everybody_let_go_of_are_collected() {
    let finished = call("-t 6 -n 2", "graph", "rings", &["1000", "7"]);
    succeeds(&finished, 6);
    assert_eq!(reported(&finished, "made"), [42_000, 84_000]);
    // Most of them by collections that nobody asked for.
    assert!(reported(&finished, "before").iter().all(|&n| n < 20_000), "{}", finished.description);
    assert_eq!(reported(&finished, "alive"), [0, 0]);
    assert_eq!(finished.line("live "), "0");
}

#[test]
fn of_a_graph_that_everybody_changes_what_can_be_reached_is_left() {
    let finished = call("-t 8 -n 3", "graph", "churn", &["3000"]);
    succeeds(&finished, 8);
    assert_eq!(reported(&finished, "alive"), reported(&finished, "reachable"));
    assert!(reported(&finished, "reachable").iter().all(|&n| n > 0), "{}", finished.description);
    assert!(reported(&finished, "made")[0] > reported(&finished, "alive")[0], "{}", finished.description);
    assert_eq!(finished.line("live "), "0");
}

#[test]
fn counts_that_are_no_numbers_are_answered() {
    for bad in ["0", "-1", "", "many", "1e9", "10 ", "99999999999999999999999"] {
        for (name, function) in [
            ("counter", "locked"),
            ("counter", "unlocked"),
            ("vector", "churn"),
            ("graph", "rings"),
            ("cache", "lookup"),
        ] {
            let finished = call("", name, function, &[bad]);
            assert_eq!(finished.line("call 0 "), "GILRT_ERR_INVALID");
            assert!(finished.line("say 0 ").contains("whole number"), "{}", finished.description);
        }
    }
    let finished = call("", "counter", "locked", &["1", "2"]);
    assert!(finished.line("say 0 ").contains("too many"), "{}", finished.description);
}

/// A picture with edges, slopes and noise, so that a row in the wrong place shows.
fn picture(width: usize, height: usize) -> Vec<u8> {
    let mut bytes = format!("P6\n# made by a test\n{width} {height}\n255\n").into_bytes();
    let mut noise: u32 = 1;
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let edge = if (x / 9 + y / 7) % 2 == 0 { 200 } else { 20 };
            bytes.extend([edge + (noise >> 27) as u8, (x * 255 / width) as u8, (y * 255 / height) as u8]);
        }
    }
    bytes
}

#[track_caller]
fn filter(options: &str, function: &str, name: &str, input: &Path, more: &[&str]) -> Vec<u8> {
    let output = scratch(name);
    let _ = fs::remove_file(&output);
    let threads = options.split_whitespace().nth(1).map_or(1, |count| count.parse().expect("-t comes first"));
    let arguments: Vec<&str> = [text(input), text(&output)].into_iter().chain(more.iter().copied()).collect();
    let finished = call(options, "image", function, &arguments);
    succeeds(&finished, threads);
    fs::read(output).expect("the filter wrote a picture")
}

#[test]
fn a_filter_makes_the_same_picture_with_any_number_of_threads_and_either_way_of_locking() {
    // More rows than the kernel in one case and fewer in another; one has fewer rows than there are threads.
    for (case, (width, height, radius)) in
        [(61, 53, "5"), (40, 9, "30"), (17, 3, "1"), (1, 1, "500")].into_iter().enumerate()
    {
        let input = scratch(&format!("{case}.ppm"));
        fs::write(&input, picture(width, height)).expect("the picture can be written");
        for (function, more) in [("blur", &[radius][..]), ("sobel", &[])] {
            let name = |suffix: &str| format!("{case}.{function}.{suffix}.ppm");
            let expected = filter("-t 1", function, &name("1"), &input, more);
            let header = format!("P6\n{width} {height}\n255\n");
            assert!(expected.starts_with(header.as_bytes()));
            assert_eq!(expected.len(), header.len() + width * height * 3);
            for threads in [1, 2, 3, 4, 7] {
                for lock in ["", "-r"] {
                    let options = format!("-t {threads} {lock}");
                    let made = filter(&options, function, &name(&format!("{threads}{lock}")), &input, more);
                    assert!(made == expected, "{function} of case {case} differs with {options}");
                }
            }
        }
    }
}

/// The same filter, written as its definition says: weights of a Gaussian, in floating point, across and
/// down.
fn plain_blur(pixels: &[u8], width: usize, height: usize, radius: usize) -> Vec<f64> {
    let sigma = radius as f64 / 2.0;
    let weight = |k: usize| (-0.5 * ((k as f64 - radius as f64) / sigma).powi(2)).exp();
    let total: f64 = (0..=2 * radius).map(weight).sum();
    let near = |at: usize, k: usize, size: usize| (at + k).saturating_sub(radius).min(size - 1);
    let (mut across, mut down) = (vec![0.0; pixels.len()], vec![0.0; pixels.len()]);
    let place = |x: usize, y: usize, c: usize| (y * width + x) * 3 + c;
    for (y, x, c) in (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| (y, x, c)))) {
        let at = |k| f64::from(pixels[place(near(x, k, width), y, c)]);
        across[place(x, y, c)] = (0..=2 * radius).map(|k| weight(k) / total * at(k)).sum();
    }
    for (y, x, c) in (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| (y, x, c)))) {
        let at = |k| across[place(x, near(y, k, height), c)];
        down[place(x, y, c)] = (0..=2 * radius).map(|k| weight(k) / total * at(k)).sum();
    }
    down
}

#[test]
fn the_blur_is_a_gaussian() {
    let (width, height) = (37, 29);
    let source = picture(width, height);
    let pixels = &source[source.len() - width * height * 3..];
    let input = scratch("gaussian.ppm");
    fs::write(&input, &source).expect("the picture can be written");
    for radius in [1, 4, 20, 100] {
        let name = format!("gaussian.{radius}.ppm");
        let made = filter("-t 3 -r", "blur", &name, &input, &[&radius.to_string()]);
        let made = &made[made.len() - pixels.len()..];
        for (at, (made, plain)) in made.iter().zip(plain_blur(pixels, width, height, radius)).enumerate() {
            assert!(
                (f64::from(*made) - plain).abs() < 1.0,
                "value {at}, radius {radius}: {made}, not {plain}"
            );
        }
    }
}

#[test]
fn a_flat_picture_stays_as_it_is_and_has_no_edges() {
    let (width, height, header) = (50, 40, "P6 50 40 255\n");
    for value in [0, 1, 127, 254, 255] {
        let input = scratch(&format!("flat.{value}.ppm"));
        let pixels = vec![value; width * height * 3];
        fs::write(&input, [header.as_bytes(), &pixels].concat()).expect("the picture can be written");
        let blurred = filter("-t 2", "blur", &format!("flat.{value}.blur.ppm"), &input, &["300"]);
        assert!(blurred.ends_with(&pixels), "blur changes a picture that is {value} all over");
        let edges = filter("-t 2", "sobel", &format!("flat.{value}.sobel.ppm"), &input, &[]);
        assert!(edges.ends_with(&vec![0; pixels.len()]), "sobel sees edges where all is {value}");
    }
}

#[test]
fn bad_pictures_are_answered_and_nothing_is_written() {
    let cases: [(&str, &[u8], &str); 15] = [
        ("empty file", b"", "must begin with P6"),
        ("other kind", b"P5\n2 2\n255\n1234", "must begin with P6"),
        ("text", b"P60 2 2 255\n", "must begin with P6"),
        ("png", b"\x89PNG\r\n\x1a\n", "must begin with P6"),
        ("ends early", b"P6\n2 2", "broken header"),
        ("no numbers", b"P6\nwide high\n255\n", "broken header"),
        ("negative", b"P6\n-2 2\n255\n", "broken header"),
        ("overflow", b"P6\n99999999999 2\n255\n", "broken header"),
        ("endless comment", b"P6\n# and so on", "broken header"),
        ("no pixels", b"P6\n2 2\n255\n", "truncated"),
        ("one byte short", b"P6\n2 2\n255\n12345678901", "truncated"),
        ("zero wide", b"P6\n0 2\n255\n", "is empty"),
        ("zero high", b"P6\n2 0\n255\n", "is empty"),
        ("deep", b"P6\n1 1\n65535\n123456", "only 255"),
        ("huge", b"P6\n16777217 1\n255\n123", "too large"),
    ];
    for (name, bytes, expected) in cases {
        let input = scratch(&format!("bad.{name}.ppm"));
        let output = scratch(&format!("bad.{name}.out.ppm"));
        let _ = fs::remove_file(&output);
        fs::write(&input, bytes).expect("the file can be written");
        for function in ["blur", "sobel"] {
            let sentence = refusal("image", function, &[text(&input), text(&output)]);
            assert!(sentence.contains(expected) && sentence.contains(name), "{name}: {sentence}");
        }
        assert!(!output.exists(), "{name}: an output was made");
    }
}

#[test]
fn bad_arguments_of_a_filter_are_answered() {
    let input = scratch("arguments.ppm");
    let output = scratch("arguments.out.ppm");
    fs::write(&input, picture(5, 5)).expect("the picture can be written");
    let (input, output) = (text(&input), text(&output));
    for radius in ["0", "501", "-1", "big", "3.5", ""] {
        let sentence = refusal("image", "blur", &[input, output, radius]);
        assert!(sentence.contains("from 1 to 500"), "{sentence}");
    }
    assert!(refusal("image", "blur", &[]).contains("needs a picture"));
    assert!(refusal("image", "blur", &[input]).contains("needs a picture"));
    assert!(refusal("image", "blur", &[input, output, "1", "2"]).contains("needs a picture"));
    assert!(refusal("image", "sobel", &[input, output, "1"]).contains("needs a picture"));
    let folder = text(Path::new(env!("CARGO_TARGET_TMPDIR"))).to_owned();
    assert!(refusal("image", "blur", &[&folder, output]).contains("not a regular file"));
    assert!(refusal("image", "blur", &[input, &folder]).contains("cannot create"));
    assert!(refusal("image", "sobel", &["/dev/null", output]).contains("not a regular file"));
    assert!(refusal("image", "sobel", &[input, "/dev/null"]).contains("not a regular file"));
    assert!(refusal("image", "sobel", &["nowhere.ppm", output]).contains("cannot open nowhere.ppm"));
    assert!(
        refusal("image", "sobel", &[input, "/nowhere/out.ppm"]).contains("cannot create /nowhere/out.ppm")
    );
}

#[test]
fn the_input_is_never_overwritten_by_the_output() {
    let input = scratch("same.ppm");
    let link = scratch("same.link.ppm");
    let source = picture(20, 20);
    fs::write(&input, &source).expect("the picture can be written");
    let _ = fs::remove_file(&link);
    fs::hard_link(&input, &link).expect("a second name can be given");
    for other in [&input, &link] {
        assert!(
            refusal("image", "blur", &[text(&input), text(other)]).contains("both the input and the output")
        );
    }
    assert!(fs::read(&input).expect("the picture is there") == source);
}

#[test]
fn a_larger_file_that_was_there_before_is_replaced_whole() {
    let input = scratch("replace.ppm");
    fs::write(&input, picture(8, 8)).expect("the picture can be written");
    let output = scratch("replace.out.ppm");
    fs::write(&output, vec![7; 100_000]).expect("the old file can be written");
    succeeds(&call("-t 4 -r", "image", "blur", &[text(&input), text(&output)]), 4);
    let fresh = filter("-t 1", "blur", "replace.fresh.ppm", &input, &[]);
    assert!(fs::read(&output).expect("the output is there") == fresh);
}
