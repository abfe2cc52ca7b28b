//! Objects: a header of 16 bytes, and counts that any thread may touch.
//!
//! | file | idea |
//! |---|---|
//! | `header` | the words of an object, and their tables |
//! | `count` | increments and decrements, by the owner and by everybody else |
//! | `merge` | from two counts to one |
//! | `owners` | who counts plainly, and the references that wait for them |
//! | `handed` | the way of a reference to its owner |
//! | `locked` | the strategy of one lock for each object |
//! | `quiesce` | no fork in the middle of a locked count |
//! | `lock` | the locks in an object's header |
//! | `bare` | `obj_lock` |
//! | `waits` | checking mode: who waits for whom |
//! | `section` | critical sections, which are given up when their thread blocks |
//! | `attempt` | a reference from nothing, which a dying object refuses |
//! | `hot` | counted by each thread for itself, and summed |
//! | `weak` | weak references, cleared before the finalizer |
//! | `collect` | cycles of them that nothing else refers to |
//! | `death` | finalizer once and attached, pending otherwise; then the memory |
//! | `live` | how many objects there are |
//! | `types` | the process-wide table of types |
//! | `heap` | memory, from the host's hooks or from malloc |
//!
//! The invariant of all of it: `local + count(shared)` is the number of references, a queue's included. The protocol is
//! biased reference counting (Choi, Shull, Torrellas, PACT 2018; PEP 703), with the rules that docs/pitfalls.md gives
//! reasons for.

pub mod attempt;
pub mod bare;
pub mod collect;
pub mod count;
pub mod death;
pub mod handed;
pub mod header;
pub mod heap;
pub mod live;
pub mod hot;
pub mod lock;
pub mod locked;
pub mod merge;
pub mod owners;
pub mod quiesce;
pub mod section;
pub mod types;
pub mod waits;
pub mod weak;

use crate::check;
use crate::config::Counting;
use crate::interp::Interp;
use crate::runtime;
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::thread::{DETACHED, Thread};
use crate::watch::log::Text;
use header::*;
use types::Type;

/// The largest payload: a size that cannot overflow, nor be meant.
const MAX_BYTES: usize = isize::MAX as usize / 2;

/// A new object with one reference and a payload of zeroes.
#[inline(always)]
pub fn new(t: &'static Thread, ty: &'static Type, extra: usize) -> Result<&'static Object, Status> {
    let me = t.identity.load(Relaxed);
    // What is true of nearly all, on one page.
    if ty.simple
        && extra == 0
        && let Some(interp) = ty.interp()
        && interp.excludes_others(me)
    {
        let o = heap::allocate_small(ty.payload_size).ok_or(Status::Nomem)?;
        ty.live.born(true);
        // SAFETY: as in `new_any`.
        return Ok(unsafe {
            o.as_ptr().write(Object::born(me, 1, PLAIN, ty.index, 0));
            o.as_ref()
        });
    }
    new_any(t, ty, extra)
}

#[inline(never)]
fn new_any(t: &'static Thread, ty: &'static Type, extra: usize) -> Result<&'static Object, Status> {
    let me = t.identity.load(Relaxed);
    let Some(interp) = ty.interp() else { return Err(Status::Closed) };
    // Who is not attached there never excludes others.
    if !interp.excludes_others(me) {
        if me == DETACHED {
            return Err(refused(Status::NotAttached, ty));
        }
        if !std::ptr::eq(Interp::of(t), interp) {
            return Err(refused(Status::Invalid, ty)); // an object is its type's interpreter's (C6)
        }
    }
    let bytes = ty.payload_size.checked_add(extra).filter(|&b| b <= MAX_BYTES);
    let bytes = bytes.ok_or_else(|| refused(Status::Nomem, ty))?;
    let hooks = &runtime::started()?.hooks;
    let tracked = ty.traverse.is_some();
    if tracked {
        collect::run::before_birth(t, interp);
    }
    // Only now: finalizers have run, and the mode may have changed meanwhile.
    let me = t.identity.load(Relaxed);
    let gc = if extra == 0 { 0 } else { EXTRA };
    let o: &'static Object = if check::enabled() {
        new_checked(ty, bytes, extra, gc, hooks)?
    } else {
        let o = heap::allocate(hooks, bytes, extra, tracked).ok_or(Status::Nomem)?;
        // SAFETY: fresh memory of at least a header, aligned, that nobody else knows. It lives until its last reference is
        // dropped; the caller has one.
        unsafe {
            o.as_ptr().write(born(interp.counting(), me, ty, gc));
            o.as_ref()
        }
    };
    ty.live.born(interp.excludes_others(me));
    if tracked {
        // SAFETY: new, and its type has traverse.
        unsafe { interp.collector.track(o) };
    }
    Ok(o)
}

/// The words of a new object: a strategy of counting is a state of birth.
#[inline(always)]
fn born(counting: Counting, me: u32, ty: &Type, gc: u8) -> Object {
    match counting {
        Counting::Locked => Object::born(LOCKED, 1, PLAIN, ty.index, gc),
        Counting::Biased if me != NOBODY => Object::born(me, 1, if ty.tries { MAYBE_WEAK } else { PLAIN }, ty.index, gc),
        Counting::Biased | Counting::Atomic => Object::born(MERGED_OWNER, 0, MERGED + ONE, ty.index, gc),
    }
}

/// In checking mode: with a record, and room behind the payload for what must not be overwritten.
#[cold]
#[inline(never)]
fn new_checked(
    ty: &'static Type,
    bytes: usize,
    extra: usize,
    gc: u8,
    hooks: &Option<heap::Hooks>,
) -> Result<&'static Object, Status> {
    let tracked = ty.traverse.is_some();
    // LOCKED stays LOCKED, which is to show its deadlock (M2).
    let locked = ty.interp().is_some_and(|interp| interp.counting() == Counting::Locked);
    let owner = if locked { LOCKED } else { CHECKED };
    let o = heap::allocate(hooks, bytes + check::table::MARGIN, extra, tracked).ok_or(Status::Nomem)?;
    // SAFETY: as in `new_any`.
    let o: &'static Object = unsafe {
        o.as_ptr().write(Object::born(owner, 1, PLAIN, ty.index, gc));
        o.as_ref()
    };
    if !check::table::born(o, &Text(ty.name().as_ptr()), bytes) {
        // SAFETY: nobody else knows the object.
        unsafe { heap::release(hooks, block(o, ty)) };
        return Err(Status::Nomem);
    }
    Ok(o)
}

/// The memory of an object in checking mode.
///
/// # Safety
/// As [`heap::block`].
unsafe fn block(o: &'static Object, ty: &Type) -> heap::Block {
    // SAFETY: by the contract.
    unsafe { heap::block(std::ptr::from_ref(o).cast_mut(), ty.payload_size + check::table::MARGIN, ty.traverse.is_some()) }
}

/// Checking mode says why there is no new object.
#[cold]
fn refused(why: Status, ty: &Type) -> Status {
    let name = Text(ty.name().as_ptr());
    match why {
        Status::NotAttached => check::refused(why, format_args!("obj_new of type {name} by a detached thread")),
        Status::Invalid => check::refused(why, format_args!("obj_new of type {name}, which is another interpreter's")),
        _ => check::refused(why, format_args!("obj_new of type {name} with more bytes than there can be")),
    }
}

/// A snapshot of how many references there are.
pub fn references(o: &'static Object) -> usize {
    if check::enabled() && !check::table::alive("obj_refcount", o) {
        return 0;
    }
    o.references()
}

/// The type; none, and a report, for what is not an object in checking mode.
pub fn type_of(o: &'static Object) -> Option<&'static Type> {
    let known = !check::enabled() || check::table::alive("obj_type_of", o);
    known.then(|| types::of(o))
}
