//! `gilrt lab`: that every experiment runs, is told and is drawn. What the figures are is not for a test.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

/// Finds a hang; far above what a run takes, and stretched for builds that are slow by nature.
fn time_limit() -> Duration {
    let slowdown = std::env::var("GILRT_TEST_SLOWDOWN").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    Duration::from_secs(600) * slowdown
}

fn tool(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_gilrt"));
    // What the surroundings say about the lock must not reach the cases, which choose for themselves.
    command
        .timeout(time_limit())
        .env("GILRT_POLICY", "ticks")
        .env("GILRT_MODE", "free")
        .arg("lab")
        .args(arguments);
    command
}

#[track_caller]
fn lab(arguments: &[&str]) -> String {
    let output = tool(arguments).output().expect("the tool starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the tool prints UTF-8")
}

fn names() -> Vec<String> {
    let list = lab(&["--list"]);
    list.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_experiment_is_measured_reported_and_shown_by_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let [html, markdown] = ["report.html", "lab.md"].map(path);
    let text =
        lab(&["all", "--short", "--html", html.to_str().unwrap(), "--markdown", markdown.to_str().unwrap()]);
    let names = names();
    assert!(names.len() >= 5, "{names:?}");
    for name in &names {
        assert!(text.contains(&format!("\n{name}: ")), "{name} is not on the terminal:\n{text}");
    }
    check_figures(&read(&path("report.json")), &names);
    check_page(&read(&html), &names);
    check_markdown(&markdown, &names);
    // The same figures make the same report, without being measured again.
    let again = path("again.html");
    lab(&["--from", path("report.json").to_str().unwrap(), "--html", again.to_str().unwrap()]);
    assert_eq!(read(&html), read(&again));
    match browser() {
        Some(browser) => check_in_browser(&browser, &html, &names, folder.path()),
        None => {
            eprintln!("skipped: no chromium on PATH to look at the report with; apt-get install chromium")
        }
    }
}

fn check_figures(json: &str, names: &[String]) {
    let data: Value = serde_json::from_str(json).expect("figures are JSON");
    assert!(data["machine"]["cpus"].as_u64().unwrap() >= 1);
    let records = data["records"].as_array().unwrap();
    let measured: Vec<_> = records.iter().map(|record| record["experiment"].as_str().unwrap()).collect();
    assert_eq!(measured, names);
    for record in records {
        assert_eq!(record["failed"].as_array().unwrap(), &Vec::<Value>::new(), "{}", record["experiment"]);
        for skipped in record["skipped"].as_array().unwrap() {
            assert!(!skipped["why"].as_str().unwrap().is_empty(), "{skipped}");
        }
        let figures = record["figures"]["all"].as_array().unwrap();
        let ours = figures.iter().filter(|figure| figure["recorded"] == false);
        assert!(ours.count() > 0, "nothing was measured for {}", record["experiment"]);
        for figure in figures {
            let value = |name: &str| figure[name].as_f64().unwrap();
            assert!(value("low") <= value("median") && value("median") <= value("high"), "{figure}");
        }
    }
}

/// Well-formed as XML, and in need of no other file.
fn check_page(html: &str, names: &[String]) {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(html, options).expect("the page is well-formed");
    let mut sections = Vec::new();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        for attribute in node.attributes() {
            match attribute.name() {
                "src" | "srcset" | "data" | "action" => panic!("the page wants another file: {attribute:?}"),
                "href" => assert!(attribute.value().starts_with('#'), "{attribute:?}"),
                value => assert!(!attribute.value().contains("url("), "{value}"),
            }
        }
        let tag = node.tag_name().name();
        assert!(!["script", "link", "img", "iframe", "object", "image", "use"].contains(&tag), "{tag}");
        if tag == "section" {
            sections.push(node.attribute("id").unwrap());
            let has = |tag: &str| node.descendants().any(|it| it.tag_name().name() == tag);
            assert!(has("blockquote") && has("table") && has("details"), "{sections:?}");
        }
        if tag == "style" {
            let style = node.text().unwrap_or_default();
            assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
        }
    }
    assert_eq!(sections, names);
}

fn check_markdown(file: &Path, names: &[String]) {
    let text = read(file);
    let headings: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings, names);
    let pictures: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("![")?.split_once("](")).collect();
    assert!(pictures.len() >= names.len(), "{pictures:?}");
    for (title, rest) in pictures {
        let svg = read(&file.with_file_name(rest.trim_end_matches(')')));
        let document = Document::parse(&svg).expect("the picture is well-formed");
        assert_eq!(document.root_element().tag_name().name(), "svg");
        assert!(svg.contains("prefers-color-scheme:dark"), "{title} is for the light only");
        assert!(!svg.contains("NaN"), "{title}");
    }
    serde_json::from_str::<Value>(&read(&file.with_extension("").join("figures.json")))
        .expect("figures are JSON");
}

fn browser() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

/// Looks at the page as a person would: all sections are there, and what is painted is not blank, in the light and in the dark.
fn check_in_browser(browser: &Path, html: &Path, names: &[String], folder: &Path) {
    let run = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::new(browser);
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        command.timeout(time_limit()).args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            &profile,
        ]);
        let output = command
            .args(arguments)
            .arg(format!("file://{}", html.display()))
            .output()
            .expect("chromium starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let dom = String::from_utf8(run(&["--dump-dom"])).expect("a page is text");
    for name in names {
        assert!(dom.contains(&format!("<section id=\"{name}\">")), "{name} is not in the DOM");
    }
    for (scheme, is_dark) in [("1", false), ("0", true)] {
        let picture = folder.join("screen.png");
        run(&[
            &format!("--blink-settings=preferredColorScheme={scheme}"),
            "--window-size=1000,4000",
            &format!("--screenshot={}", picture.display()),
        ]);
        let (paper, colours) = looks(&picture);
        assert_eq!(paper < 128, is_dark, "the paper is {paper} with the scheme {scheme}");
        assert!(colours > 50, "there are {colours} colours on the page: it is blank");
    }
}

/// How light the first pixel is, and how many colours there are.
fn looks(picture: &Path) -> (u8, usize) {
    let file = std::fs::File::open(picture).expect("the browser has written the picture");
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().expect("a PNG picture");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a picture that fits")];
    let info = reader.next_frame(&mut pixels).expect("a whole picture");
    let size = info.color_type.samples();
    let colours: HashSet<&[u8]> = pixels[..info.buffer_size()].chunks_exact(size).collect();
    (pixels[0], colours.len())
}

/// Ends what a failed test leaves behind.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_interrupt_keeps_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gilrt"));
    command.args(["lab", "races", "--short", "--rounds", "1000", "--json"]).arg(&file).stdout(Stdio::piped());
    let mut child = Ended(command.stderr(Stdio::piped()).spawn().unwrap());
    // What it begins with comes after the handler.
    let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("kernel"), "{line}");
    // SAFETY: no memory is touched; the child has not been waited for.
    unsafe { libc::kill(child.0.id().cast_signed(), libc::SIGINT) };
    // To the end of what it and its children print.
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let mut said = String::new();
    child.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.starts_with("gilrt: interrupted"), "{said}");
    assert!(rest.contains("interrupted"), "{rest}");
    let data: Value = serde_json::from_str(&read(&file)).unwrap();
    assert_eq!(data["interrupted"], true);
    assert!(data["records"][0]["rounds"].as_u64().unwrap() < 1000, "{data}");
}

#[test]
fn what_does_not_exist_is_a_usage_error_of_one_line() {
    for arguments in
        [&["speed"][..], &[], &["races", "--html", "/nowhere/report.html"], &["--from", "/nowhere.json"]]
    {
        let output = tool(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.starts_with("gilrt: "), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
    }
}

#[test]
fn figures_on_the_standard_output_are_alone_there() {
    let json = lab(&["races", "--short", "--json", "-"]);
    let data: Value = serde_json::from_str(&json).expect("one JSON value and nothing else");
    assert_eq!(data["records"][0]["experiment"], "races");
}

/// docs/lab.md is written by the tool; this is what a change of the experiments must not forget.
#[test]
fn the_documented_run_covers_every_experiment() {
    check_markdown(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lab.md"), &names());
}
