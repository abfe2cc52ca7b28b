//! Sleeping on a word and waking who sleeps there.

use std::ptr;
use std::sync::atomic::AtomicU32;

/// Sleeps while `word` is `expected`, until [`wake`] or the deadline: nanoseconds of the monotonic clock, `u64::MAX`
/// for ever. Also returns for nothing, for instance on a signal.
pub fn wait(word: &AtomicU32, expected: u32, deadline: u64) {
    let at = libc::timespec {
        tv_sec: (deadline / 1_000_000_000) as libc::time_t,
        tv_nsec: (deadline % 1_000_000_000) as libc::c_long,
    };
    let at = if deadline == u64::MAX { ptr::null() } else { &at as *const libc::timespec };
    // SAFETY: the word outlives the call, `at` is null or valid. FUTEX_WAIT_BITSET takes an absolute time of the
    // monotonic clock, so a signal that interrupts the sleep does not stretch it.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
            expected,
            at,
            ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        );
    }
}

/// Wakes one thread that sleeps on `word`, if there is one.
pub fn wake(word: &AtomicU32) {
    wake_up_to(word, 1);
}

/// Wakes all threads that sleep on `word`.
pub fn wake_all(word: &AtomicU32) {
    wake_up_to(word, i32::MAX);
}

fn wake_up_to(word: &AtomicU32, count: i32) {
    // SAFETY: the kernel only uses the address as a key; waking nobody is no error.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, count);
    }
}
