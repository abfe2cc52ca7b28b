//! Watching.

use super::border;
use crate::interp::Interp;
use crate::status::Status;
use crate::sync::Ordering::Relaxed;
use crate::sys::tls;
use crate::watch::log;
use std::ffi::c_void;

/// Figures of an interpreter's lock since the start. The caller sets `struct_size`; times are nanoseconds.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct gilrt_stats {
    /// sizeof(gilrt_stats_t).
    pub struct_size: usize,
    /// Outermost acquisitions, the fast ones included.
    pub acquires: u64,
    /// Those that had to wait.
    pub contended: u64,
    /// The lock was handed to a chosen waiter, rather than freed.
    pub handoffs: u64,
    /// A holder was asked to drop the lock.
    pub drop_requests: u64,
    /// A holder dropped the lock at a poll because it was asked to.
    pub forced_drops: u64,
    /// A bias was taken from its owner.
    pub revocations: u64,
    /// Waiting, until the lock was granted, over all threads.
    pub wait_ns_total: u64,
    /// The longest wait.
    pub wait_ns_max: u64,
    /// Holding, as far as it was noticed: holds that begin and end on the fast path are not, since they read no clock.
    pub hold_ns_total: u64,
    /// The longest hold that was noticed.
    pub hold_ns_max: u64,
    /// Half of all waits were no longer than this.
    pub wait_ns_p50: u64,
    /// 99 of 100 waits were no longer than this.
    pub wait_ns_p99: u64,
    /// Threads that wait now.
    pub waiters: u32,
    /// Threads that the interpreter knows now.
    pub threads: u32,
    /// How often the lock changed hands, modulo 2^32.
    pub switches: u32,
    /// Collections, of whichever generations.
    pub collections: u64,
    /// Unreachable objects of types with traverse that they have freed.
    pub collected: u64,
    /// Pauses of collections: while one looks for garbage, the lock is held and nothing else runs. Finalizers and clear, which
    /// come after that, are not in it.
    pub collect_ns_total: u64,
    /// The longest pause.
    pub collect_ns_max: u64,
}

/// Fills in `out` for an interpreter; NULL means the current one. From any thread, at any time; takes the lock's short
/// internal mutex. GILRT_ERR_INVALID if `out` is NULL or its struct_size too small for a size.
///
/// # Safety
/// `interp` is NULL or an interpreter; `out` is NULL or points to as many bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gilrt_stats_get(interp: *mut Interp, out: *mut gilrt_stats) -> std::ffi::c_int {
    border(|| {
        if out.is_null() {
            return Err(Status::Invalid);
        }
        // SAFETY: by the contract.
        let size = unsafe { (*out).struct_size };
        if size < size_of::<usize>() {
            return Err(Status::Invalid);
        }
        // SAFETY: by the contract; interpreters are never freed while anybody may ask.
        let interp = unsafe { interp.as_ref() }.unwrap_or_else(|| Interp::of(tls::current()));
        let _inside = crate::attach::slow::enter().ok_or(Status::Deadlock)?;
        let mut stats = collect(interp);
        stats.struct_size = size;
        // SAFETY: no more than the caller has, no more than there is.
        unsafe {
            std::ptr::copy_nonoverlapping(
                (&raw const stats).cast::<u8>(),
                out.cast::<u8>(),
                size.min(size_of::<gilrt_stats>()),
            );
        }
        Ok(())
    })
}

/// The gil_thread_id of the thread that holds the lock of an interpreter, or was the last to hold it; NULL means the current
/// interpreter. 0 if nobody has yet, or there is no lock. It may have been another when this returns, but for the holder's own
/// call. How often the lock went from one thread to another is `switches` in gilrt_stats_t. From any thread, at any time;
/// async-signal-safe.
///
/// # Safety
/// `interp` is NULL or an interpreter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_last_holder(interp: *const Interp) -> u64 {
    // SAFETY: by the contract; interpreters are never given back to the allocator.
    let interp = unsafe { interp.as_ref() }.unwrap_or_else(|| Interp::of(tls::current()));
    if interp.is_free() { 0 } else { interp.gil.last_holder() }
}

fn collect(interp: &'static Interp) -> gilrt_stats {
    let mut inner = interp.gil.lock_inner();
    let waiters = inner.sched().waiters();
    let (c, collector) = (&inner.counters, &interp.collector.stats);
    gilrt_stats {
        struct_size: 0,
        acquires: inner.acquires(),
        contended: c.contended,
        handoffs: c.handoffs,
        drop_requests: c.drop_requests,
        forced_drops: c.forced_drops,
        revocations: c.revocations,
        wait_ns_total: c.wait_total,
        wait_ns_max: c.wait_max,
        hold_ns_total: c.hold_total,
        hold_ns_max: c.hold_max,
        wait_ns_p50: c.wait_quantile(0.5),
        wait_ns_p99: c.wait_quantile(0.99),
        waiters,
        threads: inner.threads().count() as u32,
        switches: interp.gil.word().epoch(),
        collections: collector.collections.load(Relaxed),
        collected: collector.collected.load(Relaxed),
        collect_ns_total: collector.ns_total.load(Relaxed),
        collect_ns_max: collector.ns_max.load(Relaxed),
    }
}

/// Has the library's log lines passed to `log`, from whichever thread they concern; NULL: to standard error again, from
/// GILRT_LOG's level on. Levels: 1 error, 2 warning, 3 information. `log` must not call the library, throw or longjmp; it
/// may still be running on another thread when this returns.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_set_log(log: Option<unsafe extern "C" fn(level: std::ffi::c_int, message: *const std::ffi::c_char, user: *mut c_void)>, user: *mut c_void) {
    log::set(log, user);
}

