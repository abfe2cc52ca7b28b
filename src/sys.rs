//! All that is the operating system or the processor. Linux; the fast thread-local word on x86-64 and AArch64.

#[cfg(not(target_os = "linux"))]
compile_error!("libgilrt parks its threads on Linux futexes: other systems need a src/sys/futex.rs of their own");

pub mod address;
pub mod barrier;
#[cfg(not(loom))]
pub mod boxed;
#[cfg(not(loom))]
pub mod dl;
pub mod errno;
#[cfg_attr(loom, path = "model/futex.rs")]
pub mod futex;
#[cfg_attr(loom, path = "model/tls.rs")]
pub mod tls;

/// Nanoseconds of the monotonic clock, which nobody sets back (L10).
pub fn now() -> u64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is valid for writing. The call cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// The calling thread, as one that another thread is compared with: also in a forked child, and before it is known.
pub fn this_thread() -> u64 {
    // SAFETY: always to be called.
    unsafe { libc::pthread_self() }
}
