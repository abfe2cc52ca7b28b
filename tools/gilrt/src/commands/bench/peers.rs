//! The locks of Rust, measured by the same loops as the C kernels pairs.c and contended.c.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering, compiler_fence};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::kernels::check_witness;

/// A lock around a plain counter, the witness.
pub trait Peer: Default + Sync {
    /// Takes the lock and lets it go.
    fn pair(&self);
    /// Takes the lock, calls `inside`, counts, lets it go.
    fn count(&self, inside: impl FnOnce());
    fn counted(self) -> u64;
}

impl Peer for parking_lot::Mutex<u64> {
    #[inline(always)]
    fn pair(&self) {
        let guard = self.lock();
        // The critical section, which the compiler must not take out.
        compiler_fence(Ordering::SeqCst);
        drop(guard);
    }

    #[inline(always)]
    fn count(&self, inside: impl FnOnce()) {
        let mut count = self.lock();
        inside();
        *count += 1;
    }

    fn counted(self) -> u64 {
        self.into_inner()
    }
}

impl Peer for std::sync::Mutex<u64> {
    #[inline(always)]
    fn pair(&self) {
        let guard = self.lock().expect("nobody panics with this lock");
        compiler_fence(Ordering::SeqCst);
        drop(guard);
    }

    #[inline(always)]
    fn count(&self, inside: impl FnOnce()) {
        let mut count = self.lock().expect("nobody panics with this lock");
        inside();
        *count += 1;
    }

    fn counted(self) -> u64 {
        self.into_inner().expect("nobody panics with this lock")
    }
}

/// `units` pairs by one thread.
pub fn alone<P: Peer>(units: u64) -> Duration {
    let peer = P::default();
    let start = Instant::now();
    for _ in 0..units {
        peer.pair();
        compiler_fence(Ordering::SeqCst);
    }
    start.elapsed()
}

/// What competing threads achieved.
pub struct Contest {
    pub elapsed: Duration,
    pub done: u64,
    pub longest_wait: Duration,
}

/// `threads` threads that do nothing but take the lock, count and let it go.
pub fn contended<P: Peer>(
    name: &str,
    threads: usize,
    duration: Duration,
    timed: bool,
) -> Result<Contest, Failure> {
    let peer = P::default();
    let stop = AtomicBool::new(false);
    let start = Barrier::new(threads + 1);
    let compete = |index| {
        spread(index);
        start.wait();
        let (mut done, mut longest) = (0, Duration::ZERO);
        if timed {
            while !stop.load(Ordering::Relaxed) {
                let before = Instant::now();
                peer.count(|| longest = longest.max(before.elapsed()));
                done += 1;
            }
        } else {
            while !stop.load(Ordering::Relaxed) {
                peer.count(|| {});
                done += 1;
            }
        }
        (done, longest)
    };
    let (elapsed, parts) = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|index| scope.spawn(move || compete(index))).collect();
        start.wait();
        let begun = Instant::now();
        std::thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
        let parts: Vec<(u64, Duration)> =
            handles.into_iter().map(|handle| handle.join().expect("the loop does not panic")).collect();
        (begun.elapsed(), parts)
    });
    let done = parts.iter().map(|(done, _)| done).sum();
    check_witness(name, peer.counted(), done)?;
    let longest_wait = parts.iter().map(|(_, longest)| *longest).max().unwrap_or_default();
    Ok(Contest { elapsed, done, longest_wait })
}

/// Gives the calling thread a CPU of its own, as far as there are enough; where that is not allowed it stays where it is.
fn spread(index: usize) {
    // SAFETY: a set of CPUs is plain bits, for which zero is a value.
    let (mut allowed, mut one): (libc::cpu_set_t, libc::cpu_set_t) = unsafe { std::mem::zeroed() };
    // SAFETY: the set is a valid place of the size that the call is told; 0 means the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of_val(&allowed), &mut allowed) } != 0 {
        return;
    }
    // SAFETY: each number is below the size of the set.
    let cpus: Vec<usize> =
        (0..libc::CPU_SETSIZE as usize).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &allowed) }).collect();
    if let Some(cpu) = cpus.get(index % cpus.len().max(1)) {
        // SAFETY: as above, and the set is only read.
        unsafe {
            libc::CPU_SET(*cpu, &mut one);
            libc::sched_setaffinity(0, size_of_val(&one), &one);
        }
    }
}
