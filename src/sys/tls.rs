//! Four thread-local words with initial-exec access: one load from the thread pointer, instead of the call that
//! `thread_local!` makes in a shared library (an incref + decref by call: 5.0 ns against 8.9).
//!
//! | word | at offset | a new thread's |
//! |---|---|---|
//! | current | 0 | the static detached state |
//! | inside | 8 | 0: whether the thread is in a slow path of this library, for signal handlers (L17) |
//! | owed | 16 | 0: whether a release was refused to a signal handler meanwhile |
//! | number | 24 | 0: nobody has asked yet which thread this is |
//!
//! The symbol stays hidden; C finds it by the offset that `gilrt_tls_offset` holds.

use crate::thread::Thread;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The distance of the calling thread's `gil_thread_t *` from the thread pointer: the same in every thread, set before
/// main, never changed. For gilrt_inline.h.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static gilrt_tls_offset: AtomicUsize = AtomicUsize::new(0);

/// What gilrt_inline.h refers to: a program compiled for another GILRT_ABI finds no such symbol, and does not load.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static gilrt_abi_1: u32 = crate::abi::version::GILRT_ABI;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod word {
    use super::*;
    use std::arch::{asm, global_asm};

    // The initialiser stands beside the word in one object file, so that whoever links the archive gets both.
    global_asm!(
        ".section .tdata.gilrt_current,\"awT\",@progbits",
        ".globl gilrt_current",
        ".hidden gilrt_current",
        ".type gilrt_current,@object",
        ".size gilrt_current,32",
        ".p2align 4",
        "gilrt_current:",
        ".quad {detached}",
        ".quad 0",
        ".quad 0",
        ".quad 0",
        ".section .init_array.gilrt,\"aw\"",
        ".p2align 3",
        ".quad {publish}",
        ".text",
        detached = sym crate::thread::DETACHED_STATE,
        publish = sym publish_offset,
    );

    extern "C" fn publish_offset() {
        gilrt_tls_offset.store(offset(), Relaxed);
    }

    #[inline(always)]
    fn offset() -> usize {
        let offset;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: reads a constant that the dynamic linker has filled in.
        unsafe {
            asm!("mov {0}, qword ptr [rip + gilrt_current@GOTTPOFF]", out(reg) offset, options(pure, readonly, nostack, preserves_flags));
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            asm!("adrp {0}, :gottprel:gilrt_current", "ldr {0}, [{0}, #:gottprel_lo12:gilrt_current]", out(reg) offset, options(pure, readonly, nostack, preserves_flags));
        }
        offset
    }

    #[inline(always)]
    fn base() -> *mut *const Thread {
        #[cfg(target_arch = "x86_64")]
        {
            let tp: usize;
            // SAFETY: the first word of the thread control block is its own address, by the ABI.
            unsafe { asm!("mov {0}, qword ptr fs:[0]", out(reg) tp, options(pure, readonly, nostack, preserves_flags)) };
            tp.wrapping_add(offset()) as *mut *const Thread
        }
        #[cfg(target_arch = "aarch64")]
        {
            let tp: usize;
            // SAFETY: reads the thread pointer.
            unsafe { asm!("mrs {0}, tpidr_el0", out(reg) tp, options(pure, nomem, nostack, preserves_flags)) };
            tp.wrapping_add(offset()) as *mut *const Thread
        }
    }

    #[inline(always)]
    pub fn current() -> *const Thread {
        #[cfg(target_arch = "x86_64")]
        {
            let t;
            // SAFETY: reads this thread's own word.
            unsafe {
                asm!("mov {0}, qword ptr fs:[{1}]", out(reg) t, in(reg) offset(), options(pure, readonly, nostack, preserves_flags));
            }
            t
        }
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: this thread's own word.
        unsafe {
            base().read()
        }
    }

    pub fn set_current(t: *const Thread) {
        // SAFETY: this thread's own word; the compiler cannot know that `current` reads it, but its asm is not cached
        // across this call, which is no inline candidate.
        unsafe { base().write_volatile(t) }
    }

    pub fn inside() -> *mut usize {
        base().wrapping_add(1).cast()
    }

    pub fn owed() -> *mut usize {
        base().wrapping_add(2).cast()
    }

    pub fn number() -> *mut usize {
        base().wrapping_add(3).cast()
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod word {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static WORDS: (Cell<*const Thread>, Cell<usize>, Cell<usize>, Cell<usize>) =
            const { (Cell::new(&raw const crate::thread::DETACHED_STATE), Cell::new(0), Cell::new(0), Cell::new(0)) };
    }

    pub fn current() -> *const Thread {
        WORDS.with(|w| w.0.get())
    }

    pub fn set_current(t: *const Thread) {
        WORDS.with(|w| w.0.set(t));
    }

    pub fn inside() -> *mut usize {
        WORDS.with(|w| w.1.as_ptr())
    }

    pub fn owed() -> *mut usize {
        WORDS.with(|w| w.2.as_ptr())
    }

    pub fn number() -> *mut usize {
        WORDS.with(|w| w.3.as_ptr())
    }
}

/// The calling thread's state; the static detached one for a thread that is nowhere.
#[inline(always)]
pub fn current() -> &'static Thread {
    // SAFETY: the word points to the static state or to a state of the table, whose memory is never given back.
    unsafe { &*word::current() }
}

#[inline(never)]
pub fn set_current(t: &'static Thread) {
    word::set_current(t);
}

/// Whether this thread is in a slow path: true only in a signal handler that interrupted one.
#[inline(always)]
pub fn is_inside() -> bool {
    // SAFETY: this thread's own word.
    unsafe { word::inside().read_volatile() != 0 }
}

/// In a signal handler that was refused: for a moment the thread looked attached. If it owns an idle bias, a revoker that
/// saw that waits for a release.
pub fn owe_release() {
    // SAFETY: this thread's own word.
    unsafe { word::owed().write_volatile(1) };
}

/// Which thread this is, among all that ever asked: another number than that of a thread state, which a thread may have none of,
/// or one after the other. Not for signal handlers.
pub fn number() -> usize {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    // SAFETY: this thread's own word.
    unsafe {
        if *word::number() == 0 {
            *word::number() = LAST.fetch_add(1, Relaxed) + 1;
        }
        *word::number()
    }
}

/// Says that the thread is in a slow path until it goes out of scope.
pub struct Inside {
    /// Makes up for a release that was refused.
    settle: fn(),
}

impl Inside {
    /// None in a signal handler that interrupted this thread inside the library, where waiting could never end (L17).
    pub fn enter(settle: fn()) -> Option<Inside> {
        let count = word::inside();
        // SAFETY: this thread's own word. Volatile, because a signal handler reads it.
        unsafe {
            if count.read_volatile() != 0 {
                return None;
            }
            count.write_volatile(1);
        }
        Some(Inside { settle })
    }

    /// Runs `f`, a callback of the host, as if outside: it may call the library.
    pub fn outside<R>(&self, f: impl FnOnce() -> R) -> R {
        let count = word::inside();
        // SAFETY: as in `enter`.
        unsafe { count.write_volatile(0) };
        let result = f();
        // SAFETY: as in `enter`.
        unsafe { count.write_volatile(1) };
        result
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // SAFETY: as in `enter`. In this order: a handler that owes comes before the first, one after it is not refused.
        let owed = unsafe {
            word::inside().write_volatile(0);
            word::owed().read_volatile() != 0
        };
        if owed {
            // SAFETY: as in `enter`.
            unsafe { word::owed().write_volatile(0) };
            (self.settle)();
        }
    }
}
