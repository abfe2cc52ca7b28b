//! What `gil_call_soon` leaves for the holder: a bounded queue that a signal handler may fill (after Vyukov's bounded
//! MPMC queue). A producer that is interrupted half-way delays those behind it, and blocks nobody.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering::*};

/// As CPython's list of pending calls, times eight: a full one is GILRT_ERR_LIMIT, so a host may try again.
pub const CAPACITY: usize = 256;

#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub run: unsafe extern "C" fn(*mut c_void) -> c_int,
    pub user: *mut c_void,
}

impl Call {
    pub fn run(self) -> i32 {
        // SAFETY: whoever left the call promised that it may be called with `user`, once.
        unsafe { (self.run)(self.user) }
    }
}

/// Slot `i` in round `r` (position `p = r * CAPACITY + i`):
///
/// | sequence | means |
/// |---|---|
/// | p | empty, the producer that takes position p may fill it |
/// | p + 1 | full, the consumer at position p may take it |
/// | p + CAPACITY | empty again |
#[derive(Debug)]
struct Slot {
    sequence: AtomicUsize,
    call: UnsafeCell<Option<Call>>,
}

#[derive(Debug)]
pub struct Calls {
    slots: [Slot; CAPACITY],
    head: AtomicUsize,
    tail: AtomicUsize,
}

// SAFETY: a slot's call is touched only by the one producer or consumer that the sequence admits.
unsafe impl Sync for Calls {}
// SAFETY: the host's functions and pointers are meant for other threads.
unsafe impl Send for Calls {}

impl Calls {
    pub const fn new() -> Calls {
        let mut slots =
            [const { Slot { sequence: AtomicUsize::new(0), call: UnsafeCell::new(None) } }; CAPACITY];
        let mut i = 0;
        while i < CAPACITY {
            slots[i].sequence = AtomicUsize::new(i);
            i += 1;
        }
        Calls { slots, head: AtomicUsize::new(0), tail: AtomicUsize::new(0) }
    }

    /// False when the queue is full. Async-signal-safe.
    pub fn put(&self, call: Call) -> bool {
        let mut at = self.tail.load(Relaxed);
        loop {
            let slot = &self.slots[at % CAPACITY];
            // Acquire: pairs with the Release in `take`, after which the slot is ours to fill.
            let sequence = slot.sequence.load(Acquire);
            match sequence.wrapping_sub(at) as isize {
                0 => match self.tail.compare_exchange_weak(at, at.wrapping_add(1), Relaxed, Relaxed) {
                    Ok(_) => {
                        // SAFETY: the position is ours, and the sequence says that the slot is empty.
                        unsafe { *slot.call.get() = Some(call) };
                        slot.sequence.store(at.wrapping_add(1), Release); // pairs with the Acquire in `take`
                        return true;
                    }
                    Err(now) => at = now,
                },
                behind if behind < 0 => return false,
                _ => at = self.tail.load(Relaxed),
            }
        }
    }

    /// The oldest call. Only by whoever holds the interpreter's lock: one consumer at a time.
    pub fn take(&self) -> Option<Call> {
        let at = self.head.load(Relaxed);
        let slot = &self.slots[at % CAPACITY];
        // Acquire: pairs with the Release in `put`.
        if slot.sequence.load(Acquire) != at.wrapping_add(1) {
            return None;
        }
        self.head.store(at.wrapping_add(1), Relaxed);
        // SAFETY: full, and we are the only consumer.
        let call = unsafe { (*slot.call.get()).take() };
        slot.sequence.store(at.wrapping_add(CAPACITY), Release); // pairs with the Acquire in `put`
        call
    }

    /// In a forked child, by its only thread: positions that threads which do not exist here had taken, and not filled yet,
    /// would keep everything behind them waiting for ever (L15).
    pub fn fill_gaps(&self) {
        let mut at = self.head.load(Relaxed);
        while at != self.tail.load(Relaxed) {
            let slot = &self.slots[at % CAPACITY];
            if slot.sequence.load(Relaxed) == at {
                // SAFETY: its producer does not exist, and there is no other thread.
                unsafe { *slot.call.get() = Some(Call { run: nothing, user: std::ptr::null_mut() }) };
                slot.sequence.store(at.wrapping_add(1), Relaxed);
            }
            at = at.wrapping_add(1);
        }
        // Likewise a call that was being taken: its slot is empty, and does not say so yet.
        while at != self.head.load(Relaxed).wrapping_add(CAPACITY) {
            self.slots[at % CAPACITY].sequence.store(at, Relaxed);
            at = at.wrapping_add(1);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.head.load(Relaxed) == self.tail.load(Relaxed)
    }
}

unsafe extern "C" fn nothing(_: *mut c_void) -> c_int {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_out_in_order_and_a_full_queue_refuses() {
        static CALLS: Calls = Calls::new();
        for round in 0..3 {
            for i in 0..CAPACITY {
                assert!(CALLS.put(Call { run: nothing, user: (round * CAPACITY + i) as *mut c_void }));
            }
            assert!(!CALLS.put(Call { run: nothing, user: std::ptr::null_mut() }));
            for i in 0..CAPACITY {
                assert_eq!(CALLS.take().unwrap().user as usize, round * CAPACITY + i);
            }
            assert!(CALLS.take().is_none() && CALLS.is_empty());
        }
    }

    /// L15: what threads were in the middle of when the process was copied.
    #[test]
    fn a_forked_child_finds_neither_a_gap_nor_a_slot_that_stays_full() {
        static CALLS: Calls = Calls::new();
        let call = Call { run: nothing, user: std::ptr::null_mut() };
        assert!(CALLS.put(call));
        CALLS.head.store(1, Relaxed); // being taken
        CALLS.tail.store(2, Relaxed); // being put
        CALLS.fill_gaps();
        for _ in 0..CAPACITY - 1 {
            assert!(CALLS.put(call));
        }
        assert!(!CALLS.put(call));
        for _ in 0..CAPACITY {
            assert!(CALLS.take().is_some());
        }
        assert!(CALLS.is_empty());
    }
}
