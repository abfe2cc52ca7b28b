//! What a model is made of: a lock, its threads, and what it protects.

use gilrt::attach::{self, Done, Slow};
use gilrt::gil::{Gil, Wait};
use gilrt::sched::Policy;
use gilrt::status::Status;
use gilrt::sync::fence_after_rmw;
use gilrt::thread::table::Table;
use gilrt::thread::{DROP, HANDED, Thread};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::*;

/// Something only one thread at a time may touch. loom panics when two touches are not ordered by happens-before.
pub struct Witness(UnsafeCell<()>);
// SAFETY: loom watches every access.
unsafe impl Sync for Witness {}
// SAFETY: as above.
unsafe impl Send for Witness {}

impl Witness {
    pub fn new() -> Witness {
        Witness(UnsafeCell::new(()))
    }

    pub fn touch(&self) {
        self.0.with_mut(|_| ());
    }
}

/// A lock, its threads, and what it protects.
pub struct World {
    pub gil: &'static Gil,
    pub table: &'static Table,
    pub threads: Vec<&'static Thread>,
    pub data: Witness,
    /// A request was seen by an attached thread.
    pub seen: AtomicBool,
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: both were boxed by `world`, and its threads have ended.
        unsafe {
            drop(Box::from_raw(std::ptr::from_ref(self.gil).cast_mut()));
            drop(Box::from_raw(std::ptr::from_ref(self.table).cast_mut()));
        }
    }
}

/// The library's slow paths, less what needs a process.
pub struct Model;

fn world_of(t: &'static Thread) -> &'static World {
    // SAFETY: set by `world` to a World that outlives its threads.
    unsafe { &*t.interp.load(Relaxed).cast() }
}

impl Slow for Model {
    fn acquire(t: &'static Thread, how: Wait) -> Done {
        let w = world_of(t);
        w.gil.acquire_slow(t, how)?;
        if t.breaker.load(Relaxed) & HANDED != 0 {
            t.breaker.fetch_and(!HANDED, Release);
            w.seen.store(true, Relaxed);
        }
        fence_after_rmw();
        if w.gil.requests.load(Relaxed) != 0 {
            w.seen.store(true, Relaxed);
        }
        Ok(())
    }

    fn release(t: &'static Thread) {
        world_of(t).gil.release_slow(t);
    }

    fn interrupted(_: &'static Thread) -> bool {
        false
    }
}

/// A lock of `n` threads that hands over at once, or lets others barge for ever.
pub fn world(n: usize, barging: bool) -> Arc<World> {
    let table: &'static Table = Box::leak(Box::new(Table::new()));
    let policy = if barging { Policy::Ticks } else { Policy::Interval };
    let gil: &'static Gil = Box::leak(Box::new(Gil::new(table, policy, 0)));
    let threads: Vec<_> = (0..n)
        .map(|_| {
            let t = table.take().unwrap();
            t.token.store(0x8000_0001, Relaxed);
            gil.join(t).unwrap();
            t
        })
        .collect();
    let w = Arc::new(World { gil, table, threads, data: Witness::new(), seen: AtomicBool::new(false) });
    for t in &w.threads {
        t.interp.store(std::ptr::from_ref(&*w).cast_mut().cast(), Relaxed);
    }
    w
}

/// The same, biased to thread 0, who is outside.
pub fn biased(n: usize) -> Arc<World> {
    let w = world(n, false);
    w.acquire(0, Wait::Forever).unwrap();
    w.gil.take_bias(w.threads[0]);
    w.release(0).unwrap();
    w
}

impl World {
    pub fn acquire(&self, id: usize, how: Wait) -> Done {
        attach::acquire_as::<Model>(self.threads[id], how)
    }

    pub fn release(&self, id: usize) -> Done {
        attach::release::<Model>(self.threads[id])
    }

    pub fn round(&self, id: usize) {
        self.acquire(id, Wait::Forever).unwrap();
        self.data.touch();
        self.release(id).unwrap();
    }

    pub fn round_or(&self, id: usize, how: Wait, refused: Status) {
        match self.acquire(id, how) {
            Ok(()) => {
                self.data.touch();
                self.release(id).unwrap();
            }
            Err(why) => assert_eq!(why, refused),
        }
    }

    pub fn region(&self, id: usize) {
        if self.acquire(id, Wait::Forever).is_ok() {
            self.data.touch();
            let saved = attach::region_begin::<Model>(self.threads[id]);
            self.round_or(id, Wait::Forever, Status::Closed);
            attach::region_end::<Model>(self.threads[id], saved);
            self.data.touch();
            self.release(id).unwrap();
        }
    }

    pub fn poll(&self, id: usize) {
        if self.threads[id].poll.load(Relaxed) & DROP != 0 {
            self.gil.give_way(self.threads[id], true);
        }
    }

    pub fn shut(&self) -> Done {
        self.gil.close(std::ptr::from_ref(self).cast())
    }

    /// After Ok from close, the closer owns everything.
    pub fn close(&self) {
        match self.shut() {
            Ok(()) => self.data.touch(),
            Err(why) => assert_eq!(why, Status::Busy),
        }
    }
}
