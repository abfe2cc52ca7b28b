//! The host's `on_request`: a host with a word of its own that its safepoints look at is told when a thread's poll word is set.

use super::Thread;
use crate::sync::Ordering::*;
use std::ffi::c_void;
use std::mem::transmute;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64};

/// One fork, in [`OnRequest::callers`]. There are never so many threads.
const FORK: u64 = 1 << 32;

pub type OnRequestFn = unsafe extern "C" fn(thread_id: u64, requests: u32, user: *mut c_void);

/// What the host asked for.
#[derive(Debug, Clone, Copy)]
pub struct Hook {
    pub call: OnRequestFn,
    pub user: *mut c_void,
}

// SAFETY: the host's function may be called from any thread, as gil_interp_config_t says.
unsafe impl Send for Hook {}
// SAFETY: as above.
unsafe impl Sync for Hook {}

/// The function of one interpreter. Its place outlives the interpreter, since whoever tells something without a mutex (S5) may have
/// found it just before the end:
///
/// | call | callers | means |
/// |---|---|---|
/// | null | any | none, or none any more: who counts itself now goes away again |
/// | set | n | n threads may be calling it; it is taken away by storing null and waiting for 0 |
///
/// Above the number of callers is that of the forks that this process comes from: who forks in the host's function, or in a signal
/// handler that interrupted it, was forgotten with all others in the child, and must not count itself out there.
#[derive(Debug)]
pub struct OnRequest {
    call: AtomicPtr<c_void>,
    user: AtomicPtr<c_void>,
    callers: AtomicU64,
}

impl OnRequest {
    pub const fn new() -> OnRequest {
        OnRequest {
            call: AtomicPtr::new(ptr::null_mut()),
            user: AtomicPtr::new(ptr::null_mut()),
            callers: AtomicU64::new(0),
        }
    }

    /// Before the interpreter has threads.
    pub fn set(&self, hook: Option<Hook>) {
        if let Some(hook) = hook {
            self.user.store(hook.user, Relaxed);
            self.call.store(hook.call as *mut c_void, Release); // pairs with the SeqCst load in `tell`
        }
    }

    /// For [`Thread::on_request`].
    pub fn place(&self) -> *mut OnRequest {
        if self.call.load(Relaxed).is_null() { ptr::null_mut() } else { ptr::from_ref(self).cast_mut() }
    }

    /// After this it is not called any more. Waits for those who are calling it, which is brief by contract.
    pub fn withdraw(&self) {
        // SeqCst, here and in `tell`: either the caller is counted here, or it sees null.
        self.call.store(ptr::null_mut(), SeqCst);
        while !self.callers.load(SeqCst).is_multiple_of(FORK) {
            std::thread::yield_now();
        }
    }

    /// In a forked child, where nobody else is calling it.
    pub fn after_fork(&self) {
        self.callers.store((self.callers.load(Relaxed) / FORK).wrapping_add(1).wrapping_mul(FORK), Relaxed);
    }

    /// Async-signal-safe.
    #[cold]
    fn tell(&self, thread: u64, requests: u32) {
        let forks = self.callers.fetch_add(1, SeqCst) / FORK;
        let call = self.call.load(SeqCst);
        if !call.is_null() {
            // SAFETY: stored by `set` from a function of this type.
            let call = unsafe { transmute::<*mut c_void, OnRequestFn>(call) };
            // SAFETY: the host's function with its pointer, which are in use as long as `withdraw` has not returned.
            unsafe { call(thread, requests, self.user.load(Relaxed)) };
        }
        // Release: pairs with the load in `withdraw`, so that what the host did is seen.
        let _ = self.callers.fetch_update(Release, Relaxed, |now| (now / FORK == forks).then(|| now - 1));
    }
}

impl Thread {
    /// Sets bits in the poll word, and tells the host, which costs one load where it does not want to know. Async-signal-safe.
    #[inline]
    pub fn ask(&self, requests: u32) {
        self.poll.fetch_or(requests, Relaxed);
        // SAFETY: null, or in an interpreter, which is never given back to the allocator.
        if let Some(hook) = unsafe { self.on_request.load(Relaxed).as_ref() } {
            hook.tell(self.serial.load(Relaxed), requests);
        }
    }
}
