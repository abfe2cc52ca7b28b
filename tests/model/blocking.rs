//! A blocking call, and threads that interrupt it.

use crate::explore::models;
use crate::world::Witness;
use gilrt::sync::Ordering::*;
use gilrt::thread::table::Table;
use gilrt::thread::{INTERRUPT, Thread};
use loom::sync::{Arc, Notify};
use loom::thread::spawn;
use std::ffi::c_void;

/// A thread's state, which outlives the model's threads.
struct World {
    table: &'static Table,
    t: &'static Thread,
}

impl World {
    fn new() -> Arc<World> {
        let table: &'static Table = Box::leak(Box::new(Table::new()));
        Arc::new(World { table, t: table.take().unwrap() })
    }

    fn interrupt(&self) {
        self.t.ask(INTERRUPT);
        if self.t.blocking.claim() {
            self.t.blocking.call();
        }
    }

    fn is_interrupted(&self) -> bool {
        self.t.poll.load(Relaxed) & INTERRUPT != 0
    }

    /// Ends by an interrupt alone. What the function is given is nobody's afterwards.
    fn block(&self) {
        let call = Call { bell: Notify::new(), data: Witness::new() };
        self.t.blocking.begin(Some(ring), (&raw const call).cast_mut().cast(), || self.is_interrupted());
        call.bell.wait();
        self.t.blocking.end(|| self.is_interrupted());
        call.data.touch();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: boxed by `new`, and the threads have ended.
        unsafe { drop(Box::from_raw(std::ptr::from_ref(self.table).cast_mut())) }
    }
}

struct Call {
    bell: Notify,
    data: Witness,
}

unsafe extern "C" fn ring(call: *mut c_void) {
    // SAFETY: `block` waits until nobody is here any more; a rule broken on purpose is found by the witness before that is used.
    let call = unsafe { &*call.cast::<Call>() };
    call.bell.notify();
    call.data.touch(); // what follows the wake-up must be over too
}

models! {
    an_interrupt_meets_a_blocking_call(true, None) {
        let w = World::new();
        let v = w.clone();
        let a = spawn(move || v.interrupt());
        w.block();
        a.join().unwrap();
        assert!(w.is_interrupted());
    }

    two_interrupts_meet_a_blocking_call(true, Some(3)) {
        let w = World::new();
        let threads = [w.clone(), w.clone()].map(|v| spawn(move || v.interrupt()));
        w.block();
        threads.into_iter().for_each(|t| t.join().unwrap());
    }

    /// The second call is interrupted by what is still pending, or by the second interrupt.
    an_interrupt_comes_between_two_blocking_calls(true, Some(3)) {
        let w = World::new();
        let v = w.clone();
        let a = spawn(move || { v.interrupt(); v.interrupt(); });
        w.block();
        w.block();
        a.join().unwrap();
    }
}
