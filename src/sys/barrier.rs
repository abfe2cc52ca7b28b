//! The heavy half of the asymmetric barrier: a full barrier in every running thread of the process, paid by who asks.
//!
//! | | how | costs |
//! |---|---|---|
//! | membarrier | the kernel interrupts the processors that run our threads | 0.5 to 5 µs |
//! | mprotect (x86 only) | taking a right away from a page that all have mapped interrupts them as well | 5 to 20 µs |
//!
//! membarrier can be missing (ENOSYS), forbidden from the start, or forbidden later by a seccomp filter while a bias
//! exists (A6). Then the second way serves; where there is none, locks are biased only if the host asks for it.

use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};

const REGISTER: libc::c_int = 1 << 4; // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
const EXPEDITED: libc::c_int = 1 << 3; // MEMBARRIER_CMD_PRIVATE_EXPEDITED

const MISSING: u8 = 0;
const REGISTERED: u8 = 1;

static STATE: AtomicU8 = AtomicU8::new(MISSING);
/// The page of the second way; 0 until it is needed.
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// When locks are biased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bias {
    /// Where it stays right even if membarrier is taken away: on x86-64.
    #[default]
    Safe,
    /// Wherever membarrier exists: the host knows that no filter forbids it later, which would end the process.
    Always,
    Never,
}

/// Registers the process, before any lock is biased.
pub fn start(bias: Bias) {
    let wanted = match bias {
        Bias::Safe => prepare_page() && membarrier(REGISTER),
        Bias::Always => {
            prepare_page();
            membarrier(REGISTER)
        }
        Bias::Never => false,
    };
    STATE.store(if wanted { REGISTERED } else { MISSING }, Relaxed);
}

/// Whether locks may be biased: [`heavy`] works, and will even if membarrier is taken away, as far as [`Bias`] asks for that.
pub fn available() -> bool {
    STATE.load(Relaxed) == REGISTERED
}

/// A forked child is registered anew, if its parent was. Where that fails, the second way serves.
pub fn after_fork() {
    if available() {
        membarrier(REGISTER);
    }
}

/// A full barrier in every running thread of the process. Async-signal-safe.
///
/// Only called where a bias exists, hence after [`available`] said yes.
pub fn heavy() {
    std::sync::atomic::fence(SeqCst);
    if !cfg!(gilrt_no_barrier) && !membarrier(EXPEDITED) {
        shoot_down();
    }
    std::sync::atomic::fence(SeqCst);
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: membarrier takes no pointers.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

const PAGE_SIZE: usize = 4096;

#[cfg(target_arch = "x86_64")]
fn prepare_page() -> bool {
    if PAGE.load(Relaxed) != 0 {
        return true;
    }
    // SAFETY: a fresh anonymous page of our own.
    let page = unsafe {
        libc::mmap(
            ptr::null_mut(),
            PAGE_SIZE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return false;
    }
    PAGE.store(page as usize, Relaxed);
    true
}

/// Elsewhere the processor tells the others of a page's new rights without interrupting them.
#[cfg(not(target_arch = "x86_64"))]
fn prepare_page() -> bool {
    false
}

/// Makes the page writable, touches it so that this processor holds a translation, and takes the right away: the kernel
/// must then interrupt all processors that run threads of ours. (folly's and liburcu's fallback does the same.)
fn shoot_down() {
    let page = PAGE.load(Relaxed) as *mut libc::c_void;
    let protect = |rights| {
        // SAFETY: the page is ours, and nothing but the store below uses it. Two threads may do this at once: then the
        // store could meet a read-only page, hence the lock around it.
        !page.is_null() && unsafe { libc::mprotect(page, PAGE_SIZE, rights) } == 0
    };
    static BUSY: AtomicU8 = AtomicU8::new(0);
    while BUSY.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
        std::hint::spin_loop();
    }
    let done = protect(libc::PROT_READ | libc::PROT_WRITE)
        && {
            // SAFETY: writable now, by us alone.
            unsafe { ptr::write_volatile(page.cast::<u8>(), 1) };
            true
        }
        && protect(libc::PROT_READ);
    BUSY.store(0, Release);
    if !done {
        // Going on would let two threads hold one lock, with nothing to show for it but damage.
        eprintln!("gilrt: neither membarrier nor mprotect is allowed any more, so a biased lock cannot be taken over");
        std::process::abort();
    }
}
