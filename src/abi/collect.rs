//! The cycle collector.

use super::border;
use crate::interp::Interp;
use crate::object::collect::run;
use crate::status::Status;
use crate::sys::tls;
use std::ffi::c_int;

/// Frees the objects of the current interpreter that only refer to one another; returns how many of types with traverse it
/// freed. What such objects alone referred to is freed with them, and not counted if its type has no traverse.
///
/// An object is garbage if all its references come from garbage, as `traverse` shows. Its weak references are cleared, then
/// finalizers run, each once in the life of its object; what they revive stays, with all that is reachable from it, and the
/// rest is cleared. Objects that are immortal, that a detached thread has a reference to, or whose end has begun already are
/// kept. Before that, destructors that are pending run, as in gil_poll.
///
/// Collections run by themselves too, in obj_new, young objects more often than old ones: see obj_set_collect_threshold.
///
/// GILRT_ERR_NOT_ATTACHED if the thread is not attached; GILRT_ERR_BUSY if a collection is under way, on whichever thread: so
/// in a finalizer, a clear or a traverse that one calls. In GIL_MODE_FREE the other threads are stopped while it looks for
/// garbage, as by gil_stop_world: twice, if there is some with finalizers.
#[unsafe(no_mangle)]
pub extern "C" fn obj_collect() -> i64 {
    match run::collect_all(tls::current()) {
        Ok(freed) => freed as i64,
        Err(why) => why as i64,
    }
}

/// Whether the current interpreter collects by itself, and once more at the end of the runtime: it does until it is told
/// otherwise. obj_collect works either way. Returns 1 if it did before, 0 if not. From any thread.
#[unsafe(no_mangle)]
pub extern "C" fn obj_collect_enable(on: bool) -> c_int {
    c_int::from(Interp::of(tls::current()).collector.generations.enable(on))
}

/// When the current interpreter collects by itself.
///
/// | generation | is collected in obj_new | default |
/// |---|---|---|
/// | 0, young | when so many more objects with traverse have been made than freed since the last collection | 2000 |
/// | 1, middle | with the young one, after more than so many collections of that | 10 |
/// | 2, old | with the others, after more than so many collections of the middle one, and if a quarter has been added to it | 10 |
///
/// What survives a collection belongs to the next generation. 0 means never by itself; a generation that is never collected
/// takes the older ones with it. GILRT_ERR_INVALID if there is no such generation. From any thread.
#[unsafe(no_mangle)]
pub extern "C" fn obj_set_collect_threshold(generation: c_int, allocations: usize) -> c_int {
    border(|| {
        let generations = &Interp::of(tls::current()).collector.generations;
        let known = usize::try_from(generation).is_ok_and(|g| generations.set_threshold(g, allocations));
        if known { Ok(()) } else { Err(Status::Invalid) }
    })
}
