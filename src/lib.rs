//! The thread-safety core of a language runtime, as a C library: interpreters with a lock and without one, reference counts
//! that any thread may touch, and extension modules that run under them. C programs use `include/gilrt.h`, which is made from
//! `abi`; this page is the map for whoever reads the source.
//!
//! | word | means |
//! |---|---|
//! | interpreter | an isolated world of objects, with a lock (locked) or without one (free) |
//! | thread (state) | one thread's record in one interpreter |
//! | attached | may touch objects of its interpreter; in a locked one, that is: holds the GIL |
//! | detached | everything else: blocked in I/O, computing without objects, never attached |
//! | token | 32 bits that say whose increments are plain: those of a lock's holder, or of a thread where there is no lock |
//! | owner | the token in an object's header, or a sentinel: nobody's, or counted in another way |
//! | foreign, handed over | a reference counted by another than the owner, atomically; one that waits for the owner |
//! | merged | both counts are one, and the object has no owner any more |
//! | hot | counted by each thread for itself |
//! | bury | what follows the last reference: finalizer, clear, memory |
//! | tracked | in a list of the collector, since its type has traverse |
//! | section | locks of one or two objects, given up whenever their thread blocks |
//! | breaker | a thread's word of requests that attaching and detaching must see |
//! | safepoint, poll | where a running host looks at the requests that can wait until then |
//! | bias | the lock belongs to one thread, whose plain stores are enough, until somebody revokes that |
//! | handoff, barging | the next holder is chosen; or whoever comes first takes the lock |
//!
//! Dependencies point downwards:
//!
//! | module | idea |
//! |---|---|
//! | [`abi`] | the exported functions, without logic |
//! | [`runtime`], [`config`] | start, threads, fork, the end |
//! | [`module`] | extensions |
//! | [`channel`] | objects handed from thread to thread, across interpreters |
//! | [`object`] | headers, counts, types, death; weak references, hot objects, locks and sections, the collector |
//! | [`check`] | checking mode: misuse is told |
//! | [`interp`] | an interpreter, what others leave for it, and stopping its world |
//! | [`attach`] | the fast paths, and what is behind them with a lock and without |
//! | [`gil`] | the lock behind them |
//! | [`sched`] | who is next: pure |
//! | [`thread`], [`park`] | a thread's words, and where it sleeps: in its bed, or by an object's address |
//! | [`sync`], [`sys`] | atomics or the model's, and the operating system |
//! | [`watch`], [`status`] | figures, log, codes |

#![cfg_attr(loom, allow(dead_code))]

macro_rules! layers {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        $($(#[$attribute])* #[allow(missing_docs)] pub mod $name;)*
    };
}

layers! {
    attach, channel, gil, park, sched, status, sync, sys, thread, watch,
    #[cfg(not(loom))] abi,
    #[cfg_attr(loom, path = "model/config.rs")] config,
    #[cfg(not(loom))] module,
    // What the protocols stand on and what stands above them is, in a model, the least that does: src/model.
    #[cfg_attr(loom, path = "model/check.rs")] check,
    #[cfg_attr(loom, path = "model/interp.rs")] interp,
    #[cfg_attr(loom, path = "model/object.rs")] object,
    #[cfg_attr(loom, path = "model/runtime.rs")] runtime,
}
