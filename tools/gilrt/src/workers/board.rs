//! Memory that the tool and all processes of a run share: how far each worker is.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use crate::failure::{Failure, reason};
use crate::memory_file::MemoryFile;

/// One worker's part of a run. Each word is written by that worker alone.
///
/// | word | 0 | otherwise |
/// |---|---|---|
/// | `done` | nothing is done | units of work that are done |
/// | `total` | nothing is told yet | units of work in all |
/// | `began` | the worker has not begun | when it began, by `now` |
/// | `ended` | its part is missing | when the part was done, by `now` |
///
/// Relaxed throughout: while the run goes on the numbers are shown and order nothing, and they are judged only after the
/// worker's process has told that it is done, or has ended, which the operating system puts in order.
///
/// A cache line each, so that no worker disturbs another by telling how far it is.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Part {
    done: AtomicU64,
    total: AtomicU64,
    began: AtomicU64,
    ended: AtomicU64,
}

impl Part {
    pub fn set(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub fn begin(&self) {
        self.began.store(now(), Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.ended.store(now(), Ordering::Relaxed);
    }

    /// The units of work that are done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// From when to when the worker worked; nothing unless its part is done.
    pub fn span(&self) -> Option<(u64, u64)> {
        let ended = self.ended.load(Ordering::Relaxed);
        (ended != 0).then(|| (self.began.load(Ordering::Relaxed), ended))
    }

    pub fn fraction(&self) -> f64 {
        match self.total.load(Ordering::Relaxed) {
            0 => 0.0,
            total => (self.done() as f64 / total as f64).clamp(0.0, 1.0),
        }
    }
}

/// The parts of all workers of a run.
pub struct Board {
    map: MmapRaw,
    /// Keeps the path alive for processes that have still to open it; only the tool needs that.
    file: Option<MemoryFile>,
}

impl Board {
    /// A board on which nobody has begun.
    pub fn new(workers: u32) -> Result<Self, Failure> {
        let file = MemoryFile::new(&vec![0; workers as usize * size_of::<Part>()])?;
        Ok(Self { map: map(file.file())?, file: Some(file) })
    }

    /// The board that the tool has made, by its `path`.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::options().read(true).write(true).open(path).map_err(|error| unusable(&error))?;
        Ok(Self { map: map(&file)?, file: None })
    }

    /// Where processes of the tool that inherit its memory files find the board.
    pub fn path(&self) -> String {
        self.file.as_ref().map(MemoryFile::path).unwrap_or_default()
    }

    pub fn parts(&self) -> &[Part] {
        // SAFETY: the mapping is as long as its file, and is there as long as `self`; it begins on a page, which is aligned
        // enough. Any bytes are four words, and all processes only touch them by atomic instructions.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast(), self.map.len() / size_of::<Part>()) }
    }
}

fn map(file: &File) -> Result<MmapRaw, Failure> {
    MmapOptions::new().map_raw(file).map_err(|error| unusable(&error))
}

fn unusable(error: &std::io::Error) -> Failure {
    Failure::Failed(format!("cannot share memory with the workers: {}", reason(error)))
}

/// Nanoseconds of the monotonic clock, which is one for all processes; never 0.
pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for the answer; this clock exists on every system that the tool runs on.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_writes_another_reads() {
        let board = Board::new(3).unwrap();
        let other = Board::open(Path::new(&board.path())).unwrap();
        assert_eq!(other.parts().len(), 3);
        other.parts()[1].begin();
        other.parts()[1].set(5, 10);
        assert_eq!((board.parts()[1].done(), board.parts()[1].fraction()), (5, 0.5));
        assert_eq!(board.parts()[1].span(), None, "it has begun and not ended");
        other.parts()[1].end();
        assert!(board.parts()[1].span().is_some_and(|(began, ended)| 0 < began && began <= ended));
        assert_eq!(board.parts()[2].span(), None);
    }
}
