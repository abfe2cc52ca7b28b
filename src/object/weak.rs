//! Weak references: find an object for as long as it lives, without keeping it alive.
//!
//! An object has one block at the most, shared by all its weak references, and found by the object's address in a table of
//! several parts, each under its own lock. That lock orders the three things that can meet:
//!
//! | under the lock | does | so |
//! |---|---|---|
//! | `get` | a try, if the block still names the object | the memory is an object's: death has not been here |
//! | `clear`, by death, before the finalizer | takes the block out of the table, and the object out of the block | no later `get` finds it |
//! | a try on a hot object | one count more | see `hot`: its death is decided under the lock as well |
//! | `new` | looks at `gc` by an RMW, then puts the block into the table | refuses whoever death or the collector has marked before (C9) |
//!
//! Nothing is dropped under it, so no destructor runs there. The last user of a block frees it, whichever comes last, the
//! object or its references.
//!
//! | block names | in the table | means | leaves to |
//! |---|---|---|---|
//! | the object | yes | it lives, or has died and not come to `clear`: the try decides | null, or freed with its last user |
//! | null | no | it has died, for good | freed with its last user |

use super::header::*;
use super::{attempt, heap};
use crate::attach::slow as attach;
use crate::check;
use crate::runtime;
use crate::status::Status;
use crate::sync::{AtomicU64, Guard, Mutex, Ordering::*, mutant};
use crate::sys::address::{AddressHasher, hash};
use crate::sys::errno::KeepErrno;
use crate::sys::tls;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicPtr;

/// What a weak reference points to. `object` and `users` change under the lock of the address' shard, hence Relaxed.
#[derive(Debug)]
pub struct Weak {
    /// Where the object is, or was.
    address: usize,
    object: AtomicPtr<Object>,
    /// How many weak references share the block.
    users: AtomicU64,
}

#[derive(Debug)]
pub struct Block(NonNull<Weak>);
// SAFETY: a block is touched under the shard's lock only, but for its constant address.
unsafe impl Send for Block {}

type Shard = HashMap<usize, Block, BuildHasherDefault<AddressHasher>>;

/// So many that threads which use different objects hardly ever meet.
const SHARDS: usize = if cfg!(loom) { 2 } else { 64 };
#[cfg(not(loom))]
static TABLE: [Mutex<Shard>; SHARDS] =
    [const { Mutex::new(HashMap::with_hasher(BuildHasherDefault::new())) }; SHARDS];
#[cfg(loom)]
loom::lazy_static! {
    static ref TABLE: [Mutex<Shard>; SHARDS] = std::array::from_fn(|_| Mutex::new(HashMap::default()));
}

/// All shards, held by a fork while the process is copied.
pub type Frozen = [Guard<'static, Shard>; SHARDS];

pub fn freeze() -> Frozen {
    std::array::from_fn(|i| TABLE[i].lock())
}

/// A weak reference to an object that the caller has a reference to. Closed if it is being finalized, or was, or is garbage.
pub fn new(o: &'static Object) -> Result<NonNull<Weak>, Status> {
    let _errno = KeepErrno::new();
    let hooks = &runtime::started()?.hooks;
    if check::enabled() && !check::table::alive("obj_weak_new", o) {
        return Err(Status::Invalid);
    }
    if let Some(weak) = join(o, None)? {
        return Ok(weak);
    }
    // The host's allocator runs outside of the lock.
    let spare = heap::allocate_block::<Weak>(hooks).ok_or(Status::Nomem)?;
    let address = address(o);
    // SAFETY: fresh memory for a block.
    unsafe {
        let object = AtomicPtr::new(ptr::from_ref(o).cast_mut());
        spare.write(Weak { address, object, users: AtomicU64::new(1) });
    }
    let joined = join(o, Some(spare));
    if !matches!(joined, Ok(Some(weak)) if weak == spare) {
        // SAFETY: it came into no table.
        unsafe { heap::release_block(hooks, spare) };
    }
    joined.map(|weak| weak.unwrap_or(spare))
}

/// One more user of the object's block, which is `spare` if it has none so far. None: there is neither.
fn join(o: &'static Object, spare: Option<NonNull<Weak>>) -> Result<Option<NonNull<Weak>>, Status> {
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    let mut shard = shard(address(o)).lock();
    // One RMW decides against the collector's: either it sees WEAK and clears what is put into the table here, or this one
    // sees GARBAGE.
    if o.gc.fetch_or(WEAK, Relaxed) & (FINALIZED | GARBAGE) != 0 {
        return Err(Status::Closed);
    }
    if let Some(block) = shard.get(&address(o)) {
        // SAFETY: in the table, so it has a user, and none can leave while this thread holds the lock.
        let users = unsafe { &block.0.as_ref().users };
        users.store(users.load(Relaxed) + 1, Relaxed);
        return Ok(Some(block.0));
    }
    let Some(spare) = spare else { return Ok(None) };
    shard.try_reserve(1).map_err(|_| Status::Nomem)?;
    // From now on the owner frees after an RMW only. QUEUED and MERGED say as much already. Relaxed: the owner sees it through
    // whatever takes the caller's reference away, a try through the lock.
    if mutant!("states-as-bits") {
        o.shared.fetch_or(MAYBE_WEAK, Relaxed);
    }
    _ = o.update(Relaxed, |s| (state(s) == PLAIN).then_some(s | MAYBE_WEAK));
    shard.insert(address(o), Block(spare));
    Ok(Some(spare))
}

/// A new reference to the object, if it lives.
pub fn get(weak: &Weak) -> Option<&'static Object> {
    let _errno = KeepErrno::new();
    let _inside = attach::enter()?;
    let me = tls::current().identity.load(Relaxed);
    let _shard = shard(weak.address).lock();
    // SAFETY: death takes the object out under the lock, before it frees anything.
    let o: &'static Object = unsafe { weak.object.load(Relaxed).as_ref() }?;
    attempt::try_locked(o, me).then_some(o)
}

/// One user less.
///
/// # Safety
/// The caller is one, and no longer is.
pub unsafe fn free(weak: NonNull<Weak>) {
    let _errno = KeepErrno::new();
    // In a handler of a fork, or in a signal handler that interrupted the library: a leak, rather than a wait without end.
    let Some(inside) = attach::enter() else { return };
    // SAFETY: the caller is a user of the block.
    let Weak { address, object, users } = unsafe { weak.as_ref() };
    let mut shard = shard(*address).lock();
    let left = users.load(Relaxed) - 1;
    users.store(left, Relaxed);
    if left != 0 {
        return;
    }
    if !object.load(Relaxed).is_null() {
        shard.remove(address);
    }
    drop(shard);
    drop(inside);
    let hooks = &runtime::started().expect("who has a weak reference has started the runtime").hooks;
    // SAFETY: without users, and in no table.
    unsafe { heap::release_block(hooks, weak) };
}

/// By death and by the collector, after whatever mark refuses new ones: nobody finds the object by a weak reference any more.
#[cold]
pub fn clear(o: &'static Object) {
    clear_if(o, || true);
}

/// As [`clear`], if `dead` says so under the lock, which keeps tries on hot objects away.
pub fn clear_if(o: &'static Object, dead: impl FnOnce() -> bool) -> bool {
    let _errno = KeepErrno::new();
    let _inside = attach::enter(); // None in a slow path
    let mut shard = shard(address(o)).lock();
    if !dead() {
        return false;
    }
    if let Some(block) = shard.remove(&address(o)) {
        // SAFETY: it was in the table; see `join`. Its users may leave as soon as the lock is unlocked.
        unsafe { block.0.as_ref() }.object.store(ptr::null_mut(), Relaxed);
    }
    true
}

/// A try on a hot object that was found some other way than by a weak reference.
#[cold]
pub(super) fn try_hot(o: &'static Object, me: u32) -> bool {
    let _errno = KeepErrno::new();
    let Some(_inside) = attach::enter() else { return false };
    let _shard = shard(address(o)).lock();
    attempt::try_locked(o, me)
}

/// The same, by the collector, which has all shards.
pub fn clear_frozen(shards: &mut Frozen, o: &'static Object) {
    if let Some(block) = shards[index(address(o))].remove(&address(o)) {
        // SAFETY: as in `clear`, until the shards are unlocked.
        unsafe { block.0.as_ref() }.object.store(ptr::null_mut(), Relaxed);
    }
}

fn address(o: &Object) -> usize {
    ptr::from_ref(o).addr()
}

fn shard(address: usize) -> &'static Mutex<Shard> {
    &TABLE[index(address)]
}

/// By bits that the map in the shard makes little of: it goes by the lowest and the highest.
fn index(address: usize) -> usize {
    (hash(address) >> 32) as usize % SHARDS
}
