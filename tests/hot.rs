//! Hot objects and the sweep that buries them, while threads count, hand references on, and look them up by weak references.
#![cfg(target_os = "linux")]
#![cfg(not(loom))]

use gilrt::abi::lock::{gil_acquire, gil_attach, gil_detach, gil_poll, gil_release};
use gilrt::abi::object::*;
use gilrt::abi::weak::*;
use gilrt::object::header::Object;
use gilrt::object::hot::sweep;
use gilrt::object::types::Type;
use gilrt::object::weak::Weak;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::*};
use std::sync::{Mutex, MutexGuard};
use std::thread::{scope, spawn};

/// Sweeps and slots are the process'; each test has them to itself.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

const ALIVE: usize = 0xA11F_EA11;
static FINALIZED: AtomicUsize = AtomicUsize::new(0);

struct Payload {
    canary: usize,
}

fn canary(o: *mut Object) -> *mut usize {
    // SAFETY: the payload follows the header.
    unsafe { &raw mut (*o.add(1).cast::<Payload>()).canary }
}

fn check_alive(o: *mut Object) {
    // SAFETY: the caller has a reference.
    assert_eq!(unsafe { canary(o).read() }, ALIVE, "dead, and somebody has a reference");
}

unsafe extern "C" fn finalize(o: *mut Object) {
    check_alive(o);
    // SAFETY: an object of ours, which nobody else looks at any more.
    unsafe { canary(o).write(0) };
    FINALIZED.fetch_add(1, Relaxed);
}

static REVIVED: AtomicPtr<Object> = AtomicPtr::new(ptr::null_mut());

unsafe extern "C" fn revive(o: *mut Object) {
    // SAFETY: it lives as long as its finalizer runs.
    unsafe { obj_incref(o) };
    REVIVED.store(o, Relaxed);
}

fn new_type(finalize: Option<unsafe extern "C" fn(*mut Object)>) -> *mut Type {
    let config = obj_type_config {
        struct_size: size_of::<obj_type_config>(),
        name: c"hot".as_ptr(),
        payload_size: size_of::<Payload>(),
        flags: 0,
        finalize,
        traverse: None,
        clear: None,
    };
    let mut ty = ptr::null_mut();
    // SAFETY: valid for the call.
    assert_eq!(unsafe { obj_type_new(&config, &mut ty) }, 0);
    ty
}

/// Attached.
fn new_object(ty: *mut Type) -> *mut Object {
    let mut o = ptr::null_mut();
    // SAFETY: a type of ours, and room for a pointer.
    assert_eq!(unsafe { obj_new(ty, 0, &mut o) }, 0);
    // SAFETY: fresh.
    unsafe { canary(o).write(ALIVE) };
    o
}

fn make_hot(o: *mut Object) {
    // SAFETY: the caller has a reference.
    assert_eq!(unsafe { obj_make_hot(o) }, 0);
}

fn incref(o: *mut Object) {
    // SAFETY: the caller has a reference.
    unsafe { obj_incref(o) }
}

fn decref(o: *mut Object) {
    // SAFETY: the caller has a reference, and forgets it.
    unsafe { obj_decref(o) }
}

fn refcount(o: *mut Object) -> usize {
    // SAFETY: the caller has a reference.
    unsafe { obj_refcount(o) }
}

fn new_weak(o: *mut Object) -> *mut Weak {
    let mut weak = ptr::null_mut();
    // SAFETY: the caller has a reference.
    assert_eq!(unsafe { obj_weak_new(o, &mut weak) }, 0);
    weak
}

/// A pointer that threads may share.
struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: objects and weak references may be used from any thread.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(self) -> *mut T {
        self.0
    }
}

/// Runs `body` with the lock held, or without it, or on a thread that is nowhere.
fn as_kind<R>(kind: usize, body: impl FnOnce() -> R) -> R {
    if kind % 3 != 2 {
        assert_eq!(gil_acquire(), 0);
    }
    let depth = if kind % 3 == 1 { gil_detach() } else { 0 };
    let result = body();
    assert_eq!(gil_attach(depth), 0);
    if kind % 3 != 2 {
        assert_eq!(gil_release(), 0);
    }
    result
}

/// How many are buried by a sweep with the lock held.
fn sweep_attached() -> usize {
    as_kind(0, sweep)
}

#[test]
fn a_sweep_buries_whom_nobody_refers_to_and_nobody_else() {
    let _alone = alone();
    assert_eq!(gil_acquire(), 0);
    let ty = new_type(Some(finalize));
    let before = FINALIZED.load(Relaxed);
    let (a, b) = (new_object(ty), new_object(ty));
    let (weak, other) = (new_weak(a), new_weak(b));
    make_hot(a);
    make_hot(b);
    incref(a);
    let taken = Shared(a);
    // Taken here, dropped elsewhere: no thread's own sum says how many there are.
    for kind in 0..3 {
        incref(a);
        let depth = gil_detach();
        spawn(move || as_kind(kind, || decref(taken.get()))).join().unwrap();
        assert_eq!(gil_attach(depth), 0);
    }
    assert_eq!(refcount(a), 2);
    assert_eq!(sweep(), 0);
    decref(b);
    assert_eq!(sweep(), 1);
    assert_eq!(FINALIZED.load(Relaxed), before + 1);
    // SAFETY: weak references of ours.
    unsafe {
        assert!(obj_weak_get(other).is_null());
        assert_eq!(obj_weak_get(weak), a);
        obj_weak_free(other);
    }
    decref(a);
    decref(a);
    decref(a);
    // SAFETY: as above.
    unsafe {
        let found = obj_weak_get(weak); // nobody refers to it, and nobody has found that out: it lives
        assert_eq!(found, a);
        assert_eq!(sweep(), 0);
        decref(found);
        assert_eq!(sweep(), 1);
        assert!(obj_weak_get(weak).is_null());
        obj_weak_free(weak);
    }
    assert_eq!(FINALIZED.load(Relaxed), before + 2);
    assert_eq!(gil_release(), 0);
}

#[test]
fn who_was_merged_or_waits_in_a_queue_becomes_hot_with_all_its_references() {
    let _alone = alone();
    assert_eq!(gil_acquire(), 0);
    let ty = new_type(Some(finalize));
    // The owner's last reference goes, and another's stays: merged.
    let merged = new_object(ty);
    let shared = Shared(merged);
    spawn(move || incref(shared.get())).join().unwrap();
    decref(merged);
    make_hot(merged);
    assert_eq!(refcount(merged), 1);
    // A reference that was counted here is dropped elsewhere: it waits in the queue.
    let queued = new_object(ty);
    incref(queued);
    let shared = Shared(queued);
    spawn(move || decref(shared.get())).join().unwrap();
    make_hot(queued);
    assert_eq!(refcount(queued), 2);
    assert_eq!(gil_poll(), 0);
    assert_eq!(refcount(queued), 1);
    assert_eq!(sweep(), 0);
    decref(merged);
    decref(queued);
    assert_eq!(sweep(), 2);
    assert_eq!(gil_release(), 0);
}

#[test]
fn who_is_revived_by_its_finalizer_is_ordinary_again() {
    let _alone = alone();
    assert_eq!(gil_acquire(), 0);
    let o = new_object(new_type(Some(revive)));
    make_hot(o);
    decref(o);
    assert_eq!(sweep(), 1);
    assert_eq!(REVIVED.load(Relaxed), o);
    assert_eq!(refcount(o), 1);
    make_hot(o); // and may become hot again
    incref(o);
    assert_eq!(refcount(o), 2);
    decref(o);
    decref(o);
    assert_eq!(sweep(), 1);
    assert_eq!(gil_release(), 0);
}

/// As many objects as there are slots, dead and made anew in the same ones.
#[test]
fn there_are_65536_slots_and_the_dead_give_theirs_back() {
    const LIMIT: i32 = -11;
    let _alone = alone();
    assert_eq!(gil_acquire(), 0);
    let ty = new_type(None);
    for round in 0..3 {
        let objects: Vec<_> = (0..1 << 16).map(|_| new_object(ty)).collect();
        for (i, &o) in objects.iter().enumerate() {
            make_hot(o);
            (0..i % 3 + round).for_each(|_| incref(o));
        }
        let one_more = new_object(ty);
        // SAFETY: an object of ours.
        assert_eq!(unsafe { obj_make_hot(one_more) }, LIMIT);
        assert_eq!(refcount(one_more), 1);
        decref(one_more);
        for (i, &o) in objects.iter().enumerate() {
            (0..i % 3 + round).for_each(|_| decref(o));
            assert_eq!(refcount(o), 1);
        }
        assert_eq!(sweep(), 0);
        objects.iter().for_each(|&o| decref(o));
        assert_eq!(sweep(), 1 << 16);
    }
    assert_eq!(gil_release(), 0);
}

/// Threads end, and others get their states: what the first have counted stays counted.
#[test]
fn counts_outlive_their_threads() {
    let _alone = alone();
    let o = as_kind(0, || {
        let o = new_object(new_type(Some(finalize)));
        make_hot(o);
        Shared(o)
    });
    for round in 1..=20 {
        for kind in 0..3 {
            spawn(move || as_kind(kind, || incref(o.get()))).join().unwrap();
        }
        assert_eq!(refcount(o.get()), 1 + round * 3);
    }
    for _ in 0..20 {
        for kind in 0..3 {
            spawn(move || as_kind(kind, || decref(o.get()))).join().unwrap();
        }
    }
    assert_eq!(refcount(o.get()), 1);
    assert_eq!(sweep_attached(), 0);
    as_kind(0, || decref(o.get()));
    assert_eq!(sweep_attached(), 1);
}

/// Says so when it goes, so that a failed check ends the other threads of its test too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

/// A reference to an object that always has one, and those that one thread has taken for another to drop.
struct Place {
    kept: Shared<Object>,
    taken: AtomicPtr<Object>,
}

/// What one thread takes another drops, so that no thread's counters balance, while a sweep is always under way: one that has
/// seen the dropping and not the taking finds nothing left. Each object always has one reference.
#[test]
fn no_sweep_buries_whom_somebody_refers_to() {
    let _alone = alone();
    for threads in [2, 3, 8, 16] {
        const PLACES: usize = 2;
        let places: [Place; PLACES] = as_kind(0, || {
            let ty = new_type(Some(finalize));
            std::array::from_fn(|_| {
                let o = new_object(ty);
                make_hot(o);
                Place { kept: Shared(o), taken: AtomicPtr::new(ptr::null_mut()) }
            })
        });
        let stop = AtomicBool::new(false);
        let places = &places;
        scope(|s| {
            let stop = &stop;
            let sweeper = s.spawn(move || {
                let _stop = Stop(stop);
                while !stop.load(Acquire) {
                    assert_eq!(sweep(), 0, "buried, and somebody has a reference");
                }
            });
            let workers: Vec<_> = (0..threads)
                .map(|i| s.spawn(move || as_kind(i + 1, || take_or_drop(places, i, 400_000 / threads, stop))))
                .collect();
            workers.into_iter().for_each(|w| w.join().unwrap());
            drop(Stop(stop));
            sweeper.join().unwrap();
        });
        for place in places {
            check_alive(place.kept.get());
            let left = usize::from(!place.taken.load(Relaxed).is_null());
            assert_eq!(refcount(place.kept.get()), 1 + left);
        }
        assert_eq!(sweep_attached(), 0);
        as_kind(0, || {
            for place in places {
                decref(place.kept.get());
                decref(place.taken.load(Relaxed));
            }
        });
        assert_eq!(sweep_attached(), PLACES);
    }
}

fn take_or_drop(places: &[Place], index: usize, rounds: usize, stop: &AtomicBool) {
    for round in 0..rounds {
        let Place { kept, taken } = &places[round % places.len()];
        let found = if index.is_multiple_of(2) {
            check_alive(kept.get());
            incref(kept.get());
            taken.swap(kept.get(), AcqRel)
        } else {
            taken.swap(ptr::null_mut(), AcqRel)
        };
        decref(found);
        if index % 3 == 2 && round.is_multiple_of(64) {
            assert_eq!(gil_poll(), 0);
        }
        if round.is_multiple_of(256) && stop.load(Relaxed) {
            return;
        }
    }
}

/// Upgrades race with the sweep that finds the last reference dropped: who gets the object sees it alive, and who has once got
/// nothing never gets anything again (R9, R10).
#[test]
fn upgrades_race_with_the_sweep() {
    let _alone = alone();
    const ROUNDS: usize = 150;
    let ty = Shared(as_kind(0, || new_type(Some(finalize))));
    for threads in [2, 5, 16] {
        let before = FINALIZED.load(Relaxed);
        for _ in 0..ROUNDS / threads {
            let (o, weak) = as_kind(0, || {
                let o = new_object(ty.get());
                make_hot(o);
                (Shared(o), Shared(new_weak(o)))
            });
            scope(|s| {
                for index in 0..threads {
                    s.spawn(move || as_kind(index + 1, || upgrade_until_dead(weak.get(), index)));
                }
                as_kind(0, || decref(o.get()));
                while sweep_attached() == 0 {}
            });
            // SAFETY: a weak reference of ours.
            unsafe { obj_weak_free(weak.get()) };
        }
        assert_eq!(FINALIZED.load(Relaxed), before + ROUNDS / threads);
    }
}

fn upgrade_until_dead(weak: *mut Weak, index: usize) {
    loop {
        // SAFETY: it is not freed before this thread ends.
        let found = unsafe { obj_weak_get(weak) };
        if found.is_null() {
            break;
        }
        check_alive(found);
        decref(found);
        std::thread::yield_now();
        if index % 3 == 2 {
            assert_eq!(gil_poll(), 0);
        }
    }
    // SAFETY: as above.
    assert!(unsafe { obj_weak_get(weak) }.is_null());
}

/// Threads that do not own an object count it all the time, and some of them have looked at its owner just before it becomes
/// hot: not one count is lost.
#[test]
fn no_count_is_lost_while_an_object_becomes_hot() {
    let _alone = alone();
    const THREADS: usize = 2;
    for merged in [false, true] {
        let stop = AtomicBool::new(false);
        let current: AtomicPtr<Object> = AtomicPtr::new(ptr::null_mut());
        let counting = AtomicUsize::new(0);
        let ty = Shared(as_kind(0, || new_type(Some(finalize))));
        scope(|s| {
            let _stop = Stop(&stop);
            for _ in 0..THREADS {
                s.spawn(|| count_the_current(&current, &counting, &stop));
            }
            for _ in 0..400 {
                // Keeps the lock, so that nothing that is handed over is merged before.
                assert_eq!(gil_acquire(), 0);
                let o = new_object(ty.get());
                incref(o);
                if merged {
                    let shared = Shared(o);
                    spawn(move || (0..2).for_each(|_| incref(shared.get()))).join().unwrap();
                    decref(o);
                    decref(o);
                }
                current.store(o, Release);
                while counting.load(Acquire) < THREADS {
                    std::thread::yield_now();
                }
                make_hot(o);
                current.store(ptr::null_mut(), Release);
                while counting.load(Acquire) > 0 {
                    std::thread::yield_now();
                }
                assert_eq!(gil_poll(), 0);
                assert_eq!(refcount(o), 2);
                assert_eq!(sweep(), 0);
                decref(o);
                decref(o);
                assert_eq!(sweep(), 1);
                assert_eq!(gil_release(), 0);
            }
        });
    }
}

/// Counts whatever object is the current one, borrowing the reference of whoever shows it.
fn count_the_current(current: &AtomicPtr<Object>, counting: &AtomicUsize, stop: &AtomicBool) {
    while !stop.load(Acquire) {
        let o = current.load(Acquire);
        if o.is_null() {
            std::thread::yield_now();
            continue;
        }
        counting.fetch_add(1, AcqRel);
        while current.load(Acquire) == o && !stop.load(Acquire) {
            incref(o);
            incref(o);
            decref(o);
            decref(o);
        }
        counting.fetch_sub(1, AcqRel);
    }
}
