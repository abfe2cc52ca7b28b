//! Blocking calls that another thread can end: `gil_detach_unblock` leaves a function with the thread's state, `gil_interrupt`
//! calls it. When `gil_attach` has returned nobody is calling it, nor will, so that what it refers to may be on the thread's stack.
//!
//! | word | means | who changes it |
//! |---|---|---|
//! | IDLE | nothing is to be called | the thread, to ARMED |
//! | ARMED | the innermost function may be called | the thread, to IDLE; who interrupts, to CALLING |
//! | CALLING | it is being called | who calls it, to ARMED; the thread, to AWAITED |
//! | AWAITED | the thread is back, and sleeps until the call is over | who calls it, to IDLE: nobody else may call it then |
//!
//! Who interrupts sets INTERRUPT in the thread's poll word and then looks for ARMED; the thread sets ARMED and then looks for
//! INTERRUPT. So one of them calls the function, however close the two come (Dekker); if both do, then one after the other.

use crate::sync::{AtomicU32, Ordering::*, OwnU32, fence_after_rmw, mutant};
use crate::sys::futex;
use std::ffi::c_void;
use std::mem::transmute;
use std::ptr;
use std::sync::atomic::AtomicPtr;

const IDLE: u32 = 0;
const ARMED: u32 = 1;
const CALLING: u32 = 2;
const AWAITED: u32 = 3;

/// So many blocking calls may be nested by callbacks, each with its function; further in, that of the last of them stays.
pub const NESTED_MOST: usize = 4;

pub type UnblockFn = unsafe extern "C" fn(user: *mut c_void);

/// What is to be called, or null. Its thread's alone, but for the innermost while the word is not IDLE.
#[derive(Debug)]
struct Slot {
    function: AtomicPtr<c_void>,
    user: AtomicPtr<c_void>,
}

impl Slot {
    const fn new() -> Slot {
        Slot { function: AtomicPtr::new(ptr::null_mut()), user: AtomicPtr::new(ptr::null_mut()) }
    }

    fn is_none(&self) -> bool {
        self.function.load(Relaxed).is_null()
    }
}

#[derive(Debug)]
pub struct Blocking {
    word: AtomicU32,
    /// How many detachments are open; those without a function are counted inside of one that has a function only, so that each
    /// attachment ends its own.
    open: OwnU32,
    /// By how deep they are.
    slots: [Slot; NESTED_MOST],
    /// Where the innermost function is.
    armed: OwnU32,
}

impl Blocking {
    #[cfg(not(loom))]
    pub const fn new() -> Blocking {
        Blocking {
            word: AtomicU32::new(IDLE),
            open: OwnU32::new(0),
            slots: [const { Slot::new() }; NESTED_MOST],
            armed: OwnU32::new(0),
        }
    }

    #[cfg(loom)]
    pub fn new() -> Blocking {
        Blocking {
            word: AtomicU32::new(IDLE),
            open: OwnU32::new(0),
            slots: [const { Slot::new() }; NESTED_MOST],
            armed: OwnU32::new(0),
        }
    }

    /// By its thread: how many are open.
    #[inline]
    pub fn open(&self) -> u32 {
        self.open.load(Relaxed)
    }

    /// By its thread, which has detached. `interrupted`: whether an interrupt is pending, asked once one that comes later is
    /// certain to find the function.
    pub fn begin(&self, function: Option<UnblockFn>, user: *mut c_void, interrupted: impl Fn() -> bool) {
        let depth = self.open();
        if depth == 0 && function.is_none() {
            return;
        }
        self.open.store(depth + 1, Relaxed);
        let Some(slot) = self.slots.get(depth as usize) else { return };
        if function.is_some() {
            self.disarm();
        }
        slot.function.store(function.map_or(ptr::null_mut(), |f| f as *mut c_void), Relaxed);
        slot.user.store(user, Relaxed);
        if function.is_some() {
            self.arm(depth, interrupted);
        }
    }

    /// By its thread, detached still: the innermost is over, and the one around it may be interrupted again.
    pub fn end(&self, interrupted: impl Fn() -> bool) {
        let depth = self.open().saturating_sub(1);
        self.open.store(depth, Relaxed);
        if self.slots.get(depth as usize).is_none_or(Slot::is_none) {
            return;
        }
        self.disarm();
        if let Some(around) = self.slots[..depth as usize].iter().rposition(|slot| !slot.is_none()) {
            self.arm(around as u32, interrupted);
        }
    }

    /// By its thread, which ends, or whose state is given up: all are over.
    pub fn forget(&self) {
        self.disarm();
        self.open.store(0, Relaxed);
    }

    /// By who has set INTERRUPT. True: the function is to be called by [`Blocking::call`], and its thread waits for that.
    pub fn claim(&self) -> bool {
        fence_after_rmw(); // pairs with the one in `arm`
        // Acquire: pairs with the Release in `arm`, so that the slot is seen.
        self.word.compare_exchange(ARMED, CALLING, Acquire, Relaxed).is_ok()
    }

    /// After [`Blocking::claim`], outside of every mutex.
    pub fn call(&self) {
        let slot = &self.slots[self.armed.load(Relaxed) as usize];
        // SAFETY: `begin` stored it from a function of this type.
        let function = unsafe { transmute::<*mut c_void, UnblockFn>(slot.function.load(Relaxed)) };
        // SAFETY: the host's function with its pointer, which are in use until `end` has returned; that waits for us.
        unsafe { function(slot.user.load(Relaxed)) };
        // Release: pairs with the Acquire in `disarm`, so that what the function did is over for its thread.
        let order = if mutant!("unblock-relaxed") { Relaxed } else { Release };
        if self.word.compare_exchange(CALLING, ARMED, order, Relaxed) == Err(AWAITED) {
            self.word.store(IDLE, order);
            futex::wake_all(&self.word);
        }
    }

    fn arm(&self, depth: u32, interrupted: impl Fn() -> bool) {
        self.armed.store(depth, Relaxed);
        let early = mutant!("arm-looks-first") && !interrupted();
        self.word.swap(ARMED, Release); // pairs with the Acquire in `claim`
        fence_after_rmw(); // pairs with the one in `claim`
        if !early && interrupted() && self.claim() {
            self.call();
        }
    }

    /// Waits for a call that is under way.
    fn disarm(&self) {
        loop {
            // Acquire, here and below: pairs with the Release in `call`.
            match self.word.compare_exchange(ARMED, IDLE, Acquire, Relaxed) {
                Ok(_) | Err(IDLE) => return,
                Err(_) if mutant!("back-before-unblocked") => return,
                // Others' calls end before they are awaited, and may begin again.
                Err(_) => _ = self.word.compare_exchange(CALLING, AWAITED, Relaxed, Relaxed),
            }
            while self.word.load(Acquire) == AWAITED {
                futex::wait(&self.word, AWAITED, u64::MAX);
            }
        }
    }

    /// Nobody uses the state, and who may have is not there.
    pub fn reset(&self) {
        self.word.store(IDLE, Relaxed);
        self.open.store(0, Relaxed);
    }

    /// In a forked child, by its only thread: who was calling is not there.
    pub fn after_fork(&self) {
        if self.word.load(Relaxed) != IDLE {
            self.word.store(ARMED, Relaxed);
        }
    }
}
