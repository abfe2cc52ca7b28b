//! One module, two threads on two CPUs: without a lock, with it released, in interpreters with their own, in processes.

use std::ffi::{CString, OsStr};
use std::io::Cursor;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::{Effort, Policy, RESPONSIVE, Row, Verdict, with_two_cpus};
use crate::commands::photograph::PHOTOGRAPH;
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit, median};
use crate::memory_file::MemoryFile;
use crate::picture::Picture;
use crate::search;

const BARE: &str = "two bare threads";
const RELEASED: &str = "gilrt, the lock released";
const FREE: &str = "gilrt, free-threaded";
const INTERPS: &str = "gilrt, interpreters with their own locks";
const PROCESSES: &str = "gilrt, forked processes";
const SUBJECTS: [(&str, &str); 5] = [
    (BARE, "kernel_image_bare"),
    (RELEASED, "kernel_image_release"),
    (FREE, "kernel_image_free"),
    (INTERPS, "kernel_image_interps"),
    (PROCESSES, "kernel_image_processes"),
];
const TIME: &str = "until both are done";
const RADIUS: u32 = 20;
const THREADS: u32 = 2;
/// So that a process, which takes a millisecond to begin and to end, may show what it is good for.
const LONG_ENOUGH: Duration = Duration::from_millis(200);
const MOST_TIMES: u32 = 8;

pub static ROW: Row = Row {
    name: "image",
    help: "A photograph blurred by two threads, interpreters or processes at once",
    title: "a photograph blurred in two parts at once, beginning and end of threads, interpreters and processes included",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

/// A picture on its way through the module.
struct Scene<'a> {
    kernels: &'a Kernels,
    module: CString,
    picture: MemoryFile,
    /// What it becomes, whoever does it.
    expected: Vec<u8>,
}

impl Scene<'_> {
    fn blur(&mut self, subject: &str, kernel: &str) -> Result<Duration, Failure> {
        let result = MemoryFile::new(&[])?;
        let own = [self.picture.path(), result.path(), RADIUS.to_string()]
            .map(|argument| CString::new(argument).expect("paths of our own and digits hold no NUL byte"));
        let arguments: Vec<CString> = [self.module.clone()].into_iter().chain(own).collect();
        let task = Task { threads: THREADS, arguments: &arguments, ..Task::default() };
        let took = self.kernels.run(kernel, &task)?.elapsed;
        let content = result.content()?;
        if self.expected.is_empty() {
            self.expected = content;
        } else if self.expected != content {
            return Err(Failure::Failed(format!(
                "the picture made by {subject} differs from that of the bare threads; this is a defect, please report it"
            )));
        }
        Ok(took)
    }
}

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let unreadable = |why| Failure::Failed(format!("the built-in photograph cannot be read: {why}"));
    let photograph = Picture::from_png(Cursor::new(PHOTOGRAPH)).map_err(unreadable)?;
    let module = CString::new(search::find(OsStr::new("image"))?.as_os_str().as_bytes())
        .expect("a path that was found holds no NUL byte");
    let picture = MemoryFile::new(&photograph.to_ppm())?;
    let mut scene = Scene { kernels, module, picture, expected: Vec::new() };
    // The first run also pays for touching code and memory for the first time.
    scene.blur(BARE, SUBJECTS[0].1)?;
    let once = scene.blur(BARE, SUBJECTS[0].1)?;
    let passes = match effort {
        Effort::Quick => 1,
        Effort::Full => {
            // The work grows with the square.
            let times = (LONG_ENOUGH.as_secs_f64() / once.as_secs_f64().max(1e-9)).sqrt().round() as u32;
            scene.picture = MemoryFile::new(&photograph.enlarge(times.clamp(1, MOST_TIMES)).to_ppm())?;
            scene.expected.clear();
            5
        }
    };
    let mut all = SUBJECTS.map(|_| Vec::new());
    for _ in 0..passes {
        for ((subject, kernel), times) in SUBJECTS.iter().zip(&mut all) {
            times.push(scene.blur(subject, kernel)?.as_nanos() as f64);
        }
    }
    let samples = SUBJECTS.iter().zip(&all);
    Ok(samples.map(|((subject, _), times)| Sample::nanoseconds(subject, "", TIME, median(times))).collect())
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let limits = [(RELEASED, 1.04), (FREE, 1.04), (INTERPS, 1.06), (PROCESSES, 1.15)];
    let against_bare = |(subject, limit)| {
        let ratio = with_two_cpus(figures.ratio((subject, "", TIME), (BARE, "", TIME)));
        Verdict::at_most(format!("{subject}, against {BARE}"), ratio, limit, Unit::Ratio)
    };
    limits.map(against_bare).into()
}
