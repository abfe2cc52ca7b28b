//! What the protocols are made of. Under `cfg(loom)` the same names are loom's, so that the models run on the real
//! source files.

#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64};

pub use std::sync::atomic::Ordering;

/// Fields of one thread that others may at most glance at: an ordinary atomic in either build, always Relaxed.
/// loom need not see them, since no protocol depends on when others do.
pub use std::sync::atomic::AtomicU32 as OwnU32;
pub use std::sync::atomic::AtomicU64 as OwnU64;

/// The fast paths' half of Dekker's algorithm: it orders a plain store before a plain load as far as the compiler is
/// concerned. [`heavy_barrier`] orders them in the processor, from the other side, whenever it matters.
#[inline(always)]
pub fn light_barrier() {
    #[cfg(not(loom))]
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(loom)]
    if !mutant!("no-fence-on-attach") && model::fences() {
        loom::sync::atomic::fence(Ordering::SeqCst);
    }
}

/// The slow side's half: after it, every thread either has made its earlier stores visible or will see ours.
pub fn heavy_barrier() {
    #[cfg(not(loom))]
    crate::sys::barrier::heavy();
    #[cfg(loom)]
    if !mutant!("no-fence-on-revoke") {
        loom::sync::atomic::fence(Ordering::SeqCst);
    }
}

/// Whether [`heavy_barrier`] is to be had.
pub fn heavy_barrier_available() -> bool {
    cfg!(loom) || crate::sys::barrier::available()
}

/// Nanoseconds of the monotonic clock. loom has none: there every timer of the schedule is due at once or never.
pub fn now() -> u64 {
    if cfg!(loom) { 1 << 40 } else { crate::sys::now() }
}

/// So many nanoseconds from now; `u64::MAX` is for ever. In loom, which has no clock, any other time has come already.
pub fn deadline(timeout_ns: u64) -> u64 {
    match timeout_ns {
        u64::MAX => u64::MAX,
        _ if cfg!(loom) => 0,
        ns => now().saturating_add(ns),
    }
}

/// [`heavy_barrier`], or where there is none its own half: then the other threads make a whole fence on their slow paths, which
/// are all that they have.
pub fn fence_or_heavy_barrier() {
    if heavy_barrier_available() { heavy_barrier() } else { full_fence() }
}

/// For threads that have no heavy barrier to rely on.
pub fn full_fence() {
    #[cfg(not(loom))]
    std::sync::atomic::fence(Ordering::SeqCst);
    #[cfg(loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}

/// Orders an atomic read-modify-write before a later load. On x86 the locked instruction is the barrier already.
#[inline(always)]
pub fn fence_after_rmw() {
    #[cfg(all(not(loom), target_arch = "x86_64"))]
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(all(not(loom), not(target_arch = "x86_64")))]
    std::sync::atomic::fence(Ordering::SeqCst);
    #[cfg(loom)]
    if !mutant!("no-fence-after-request") && model::fences() {
        loom::sync::atomic::fence(Ordering::SeqCst);
    }
}

/// The short internal mutex. A panic inside it would be a defect of this library that aborts at the C border, so
/// poisoning means nothing here.
#[derive(Debug)]
pub struct Mutex<T>(Raw<T>);

#[cfg(not(loom))]
type Raw<T> = std::sync::Mutex<T>;
#[cfg(loom)]
type Raw<T> = loom::sync::Mutex<T>;

#[cfg(not(loom))]
pub type Guard<'a, T> = std::sync::MutexGuard<'a, T>;
#[cfg(loom)]
pub type Guard<'a, T> = loom::sync::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex(Raw::new(value))
    }

    #[cfg(loom)]
    pub fn new(value: T) -> Mutex<T> {
        Mutex(Raw::new(value))
    }

    pub fn lock(&self) -> Guard<'_, T> {
        match self.0.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// True in the model run that breaks this rule on purpose; never in the library.
#[cfg(not(loom))]
macro_rules! mutant {
    ($rule:literal) => {
        false
    };
}
#[cfg(loom)]
macro_rules! mutant {
    ($rule:literal) => {
        $crate::sync::model::broken($rule)
    };
}
pub(crate) use mutant;

/// What only a model needs to set.
#[cfg(loom)]
pub mod model {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    static LIGHT: AtomicBool = AtomicBool::new(true);
    static CLOSES: AtomicBool = AtomicBool::new(true);

    /// Whether the fast paths' barriers are drawn. Not where nobody revokes or asks for something: loom's fences synchronise
    /// with one another, which a compiler fence does not, and would hide a missing Acquire or Release of the slow paths.
    pub fn draw_light_barriers(yes: bool) {
        LIGHT.store(yes, Ordering::Relaxed);
    }

    pub fn fences() -> bool {
        LIGHT.load(Ordering::Relaxed)
    }

    /// Whether somebody closes an interpreter: what orders that against an acquire is drawn only then.
    pub fn draw_closing_fences(yes: bool) {
        CLOSES.store(yes, Ordering::Relaxed);
    }

    pub fn closes() -> bool {
        CLOSES.load(Ordering::Relaxed)
    }

    /// The rule that `GILRT_MUTANT` names is broken in this process.
    pub fn broken(rule: &str) -> bool {
        static BROKEN: OnceLock<Option<String>> = OnceLock::new();
        BROKEN.get_or_init(|| std::env::var("GILRT_MUTANT").ok()).as_deref() == Some(rule)
    }
}
