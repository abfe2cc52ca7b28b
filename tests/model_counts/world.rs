//! What a model is made of: an interpreter, its threads and some that are not its own, and objects.

use gilrt::attach;
use gilrt::attach::slow::{self, Runtime};
use gilrt::interp::{Interp, MERGE, world};
use gilrt::object::attempt::try_incref;
use gilrt::object::header::Object;
use gilrt::object::{count, types, weak};
use gilrt::status::Status;
use gilrt::sys::tls;
use gilrt::thread::table::Table;
use gilrt::thread::{DETACHED, Thread};
use loom::cell::UnsafeCell;

use loom::thread::{JoinHandle, spawn};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;

/// Something only one thread at a time may touch. loom panics when two touches are not ordered by happens-before.
pub struct Witness(UnsafeCell<()>);
// SAFETY: loom watches every access.
unsafe impl Sync for Witness {}
// SAFETY: as above.
unsafe impl Send for Witness {}

impl Witness {
    pub fn touch(&self) {
        self.0.with_mut(|_| ());
    }
}

pub struct World {
    pub interp: &'static Interp,
    table: &'static Table,
    /// Its own, each an owner in an interpreter without a lock.
    pub threads: Vec<&'static Thread>,
    /// Who attaches when all is over, and buries the dead: nobody else's.
    undertaker: &'static Thread,
    pub data: Witness,
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: all of them were boxed for this world, and its threads have ended.
        unsafe {
            self.interp.objects.lock().unwrap().drain(..).for_each(|o| types::unmake(o));
            drop(Box::from_raw(std::ptr::from_ref(self.interp).cast_mut()));
            drop(Box::from_raw(std::ptr::from_ref(self.table).cast_mut()));
        }
    }
}

/// Threads that run at once.
pub fn free(threads: usize) -> Arc<World> {
    made(true, threads)
}

/// Threads that share a lock.
pub fn locked(threads: usize) -> Arc<World> {
    made(false, threads)
}

fn made(free: bool, threads: usize) -> Arc<World> {
    let table: &'static Table = Box::leak(Box::new(Table::new()));
    let interp: &'static Interp = Box::leak(Box::new(Interp::new(table, free)));
    let enrolled = || {
        let t = table.take().unwrap();
        interp.enrol(t);
        t
    };
    let threads = (0..threads).map(|_| enrolled()).collect();
    let undertaker = enrolled();
    Arc::new(World { interp, table, threads, undertaker, data: Witness(UnsafeCell::new(())) })
}

impl World {
    /// An object that thread `owner` counts plainly, or whoever holds the lock.
    pub fn object(&self, owner: usize, local: u32, shared: i32) -> &'static Object {
        types::make(self.interp, self.threads[owner].token.load(Relaxed), local, shared)
    }

    /// An object that nobody counts plainly.
    pub fn merged(&self, shared: i32) -> &'static Object {
        types::make(self.interp, gilrt::object::header::MERGED_OWNER, 0, shared)
    }

    /// From now on the model's first thread is this one of the interpreter's.
    pub fn be(&self, id: usize) -> &'static Thread {
        tls::set_current(self.threads[id]);
        self.threads[id]
    }

    /// From now on the model's first thread is a new one of the interpreter's.
    pub fn be_new(&self) -> &'static Thread {
        let t = self.table.take().unwrap();
        self.interp.enrol(t);
        tls::set_current(t);
        t
    }

    /// After Ok from close, the closer owns everything.
    pub fn close(&self) {
        if self.interp.owners.close() {
            self.data.touch();
        }
    }

    /// Nobody is inside, nobody comes.
    pub fn close_for_good(&self) {
        assert!(self.interp.owners.close());
        self.data.touch();
        tls::set_current(self.undertaker);
        self.round_or_closed(self.undertaker);
    }

    pub fn stop_and_touch(&self, t: &'static Thread) {
        attach(t);
        world::stop(t, self.interp);
        self.data.touch();
        world::resume(t, self.interp).unwrap();
        detach(t);
    }

    /// Attached, unless the interpreter is closed before.
    pub fn round_or_closed(&self, t: &'static Thread) {
        match attach::acquire::<Runtime>(t) {
            Ok(()) => {
                self.data.touch();
                detach(t);
            }
            Err(why) => assert_eq!(why, Status::Closed),
        }
    }

    /// One of the interpreter's threads.
    pub fn run(
        self: &Arc<Self>,
        id: usize,
        body: impl FnOnce(&World, &'static Thread) + 'static,
    ) -> JoinHandle<()> {
        self.run_as(self.threads[id], body)
    }

    /// A thread that never attaches here.
    pub fn stranger(self: &Arc<Self>, body: impl FnOnce(&World) + 'static) -> JoinHandle<()> {
        let t = self.table.take().unwrap();
        self.interp.meet(t);
        self.run_as(t, |w, _| body(w))
    }

    fn run_as(
        self: &Arc<Self>,
        t: &'static Thread,
        body: impl FnOnce(&World, &'static Thread) + 'static,
    ) -> JoinHandle<()> {
        let w = self.clone();
        spawn(move || {
            tls::set_current(t);
            body(&w, t);
        })
    }

    /// Nothing is left to do but for the next who attaches, whoever that is. Then each object has been finalized once and freed:
    /// no queue hoards a reference.
    pub fn end(&self, threads: impl IntoIterator<Item = JoinHandle<()>>, objects: &[&'static Object]) {
        join(threads);
        for (id, t) in self.threads.iter().enumerate() {
            assert_eq!(t.identity.load(Relaxed), DETACHED, "thread {id} left attached");
        }
        // Where there is no lock any more, nothing waits for one.
        let asked = self.interp.gil.requests.load(Relaxed) & MERGE;
        assert!(asked == 0 || self.interp.is_free(), "hoarded");
        tls::set_current(self.undertaker);
        attach(self.undertaker);
        detach(self.undertaker);
        for o in objects {
            assert!(o.owner.is_freed(), "leaked");
            assert_eq!(types::finalizations(o), 1, "finalizer");
        }
    }
}

pub fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|t| t.join().unwrap());
}

pub fn attach(t: &'static Thread) {
    attach::acquire::<Runtime>(t).unwrap();
}

pub fn detach(t: &'static Thread) {
    attach::release::<Runtime>(t).unwrap();
}

pub fn poll(t: &'static Thread) {
    slow::poll(t).unwrap();
}

pub fn incref(o: &'static Object) {
    count::incref(o, tls::current().identity.load(Relaxed));
}

/// What the host's map has of an object that lives.
pub fn look_up(w: &World) -> Option<&'static Object> {
    let map = w.interp.map.lock();
    map.first().copied().filter(|o| try_incref(o, tls::current().identity.load(Relaxed)))
}

pub fn decref(o: &'static Object) {
    count::decref(o, tls::current().identity.load(Relaxed));
}

/// What one does who has a reference; loom orders it against the end of the object.
pub fn read(o: &'static Object) {
    _ = &*o.local;
}

/// A weak reference.
#[derive(Clone, Copy)]
pub struct Weak(NonNull<weak::Weak>);
// SAFETY: the block belongs to all threads, under the lock of its table.
unsafe impl Send for Weak {}

impl Weak {
    pub fn to(o: &'static Object) -> Weak {
        Weak(weak::new(o).unwrap())
    }

    pub fn use_it(self) {
        // SAFETY: it has not ended.
        if let Some(o) = weak::get(unsafe { self.0.as_ref() }) {
            read(o);
            decref(o);
        }
    }

    pub fn end(self) {
        // SAFETY: each model ends its own, once.
        unsafe { weak::free(self.0) };
    }
}
