//! The process-wide table of types: index → type → interpreter (C6).

use super::header::Object;
use crate::interp::Interp;
use crate::module::Library;
use crate::status::Status;
use crate::sync::{Guard, Mutex, Ordering::*};
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicPtr};

/// Index 0 is nobody's, so that a zeroed header has no type.
pub const MAX_TYPES: usize = u16::MAX as usize;

pub type FinalizeFn = unsafe extern "C" fn(o: *mut Object);
pub type VisitFn = unsafe extern "C" fn(child: *mut Object, user: *mut c_void) -> c_int;
pub type TraverseFn = unsafe extern "C" fn(o: *mut Object, visit: VisitFn, user: *mut c_void) -> c_int;

/// In `live`: the interpreter of the type is gone, and the last object takes the type along.
const ORPHANED: i64 = 1 << 62;

/// What a host says of a type.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    pub name: &'a CStr,
    pub payload_size: usize,
    /// Tries from nothing never fail spuriously: its objects are born MAYBE_WEAK (C5).
    pub tries: bool,
    pub finalize: Option<FinalizeFn>,
    pub traverse: Option<TraverseFn>,
    pub clear: Option<FinalizeFn>,
}

#[derive(Debug)]
pub struct Type {
    pub payload_size: usize,
    pub tries: bool,
    pub finalize: Option<FinalizeFn>,
    pub traverse: Option<TraverseFn>,
    pub clear: Option<FinalizeFn>,
    interp: AtomicPtr<Interp>,
    pub library: Option<&'static Library>,
    pub live: AtomicI64,
    pub index: u16,
    name_length: usize,
}

/// The slots; written under the mutex of [`SLOTS`], read by anybody who has an object.
static TYPES: [AtomicPtr<Type>; MAX_TYPES + 1] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_TYPES + 1];
static SLOTS: Mutex<Slots> = Mutex::new(Slots { used: 1 });

/// Which slots may be in use: those below `used`.
#[derive(Debug)]
pub struct Slots {
    used: usize,
}

impl Type {
    /// Dying runs no code of the host.
    pub fn is_plain(&self) -> bool {
        self.finalize.is_none() && self.clear.is_none()
    }

    /// None once its interpreter has been closed.
    pub fn interp(&self) -> Option<&'static Interp> {
        // Acquire: pairs with the Release in `orphan`, so that what the interpreter's threads did is over.
        // SAFETY: null, or an interpreter: those are never given back to the allocator.
        unsafe { self.interp.load(Acquire).as_ref() }
    }

    pub fn name(&self) -> &CStr {
        // SAFETY: `register` copied the name behind the type, terminator included.
        unsafe { CStr::from_ptr(ptr::from_ref(self).add(1).cast::<c_char>()) }
    }
}

/// The type of an object.
pub fn of(o: &Object) -> &'static Type {
    // SAFETY: an object's type lives as long as the object; the slot was filled before the object was made, and whoever
    // passed the object on made that visible.
    unsafe { &*TYPES[o.ty as usize].load(Relaxed) }
}

/// A new type of `interp`. The name is copied.
pub fn register(interp: &'static Interp, library: Option<&'static Library>, spec: Spec) -> Result<&'static Type, Status> {
    let name = spec.name.to_bytes_with_nul();
    let layout = layout(name.len()).ok_or(Status::Nomem)?;
    let mut slots = SLOTS.lock();
    let free = (1..slots.used).find(|&i| TYPES[i].load(Relaxed).is_null()).unwrap_or(slots.used);
    if free > MAX_TYPES {
        return Err(Status::Limit);
    }
    // SAFETY: the layout is not empty.
    let ty = unsafe { alloc(layout) }.cast::<Type>();
    if ty.is_null() {
        return Err(Status::Nomem);
    }
    // SAFETY: room for a type and its name, ours alone.
    unsafe {
        ty.write(Type {
            payload_size: spec.payload_size,
            tries: spec.tries,
            finalize: spec.finalize,
            traverse: spec.traverse,
            clear: spec.clear,
            interp: AtomicPtr::new(ptr::from_ref(interp).cast_mut()),
            library,
            live: AtomicI64::new(0),
            index: free as u16,
            name_length: name.len(),
        });
        ptr::copy_nonoverlapping(name.as_ptr(), ty.add(1).cast(), name.len());
    }
    slots.used = slots.used.max(free + 1);
    TYPES[free].store(ty, Release);
    // SAFETY: lives until `forget` takes it, which its module's end alone does.
    Ok(unsafe { &*ty })
}

/// The types of a library whose code goes, none of which has an object left.
pub fn forget(library: &Library) {
    let slots = SLOTS.lock();
    for slot in &TYPES[1..slots.used] {
        let ty = slot.load(Relaxed);
        // SAFETY: what a slot holds is a type until it is taken out, under this mutex.
        if ty.is_null() || !unsafe { (*ty).library }.is_some_and(|l| ptr::eq(l, library)) {
            continue;
        }
        release(slot, ty); // no object refers to it, and its module, which alone could make more, has ended
    }
}

/// The interpreter has been closed: nobody is inside, nobody comes. Types without objects go, the others with their last (C8).
pub fn orphan(interp: &Interp) {
    let slots = SLOTS.lock();
    for slot in &TYPES[1..slots.used] {
        // SAFETY: as in `forget`.
        let Some(ty) = (unsafe { slot.load(Relaxed).as_ref() }) else { continue };
        if !ty.interp().is_some_and(|i| ptr::eq(i, interp)) {
            continue;
        }
        ty.interp.store(ptr::null_mut(), Release);
        // Acquire: pairs with the Release of the deaths.
        if ty.live.fetch_add(ORPHANED, AcqRel) == 0 && ty.library.is_none() {
            release(slot, ty);
        }
    }
}

/// An object of the type has died, and its memory is gone.
pub fn object_died(ty: &'static Type) {
    let library = ty.library;
    // The last touch of the type, unless it was the last of an orphan: Release pairs with the Acquire of who frees the type.
    if ty.live.fetch_sub(1, Release) == ORPHANED + 1 && library.is_none() {
        let _slots = SLOTS.lock();
        release(&TYPES[ty.index as usize], ty);
    }
    if let Some(library) = library {
        library.refs.fetch_sub(1, Release); // likewise, for the code
    }
}

/// Under the mutex; nobody has the type any more.
fn release(slot: &AtomicPtr<Type>, ty: *const Type) {
    slot.store(ptr::null_mut(), Relaxed);
    // SAFETY: made by `register` with this layout; no object refers to it and nobody can make one.
    unsafe { dealloc(ty.cast_mut().cast(), layout((*ty).name_length).expect("as in register")) };
}

/// Objects alive in `interp`.
pub fn live(interp: &Interp) -> i64 {
    let slots = SLOTS.lock();
    let types = TYPES[1..slots.used].iter().map(|slot| slot.load(Relaxed)).filter(|ty| !ty.is_null());
    // SAFETY: as in `forget`.
    types.map(|ty| unsafe { &*ty }).filter(|ty| ty.interp().is_some_and(|i| ptr::eq(i, interp))).map(|ty| ty.live.load(Relaxed)).sum() // none of them is an orphan
}

pub fn freeze() -> Guard<'static, Slots> {
    SLOTS.lock()
}

fn layout(name: usize) -> Option<Layout> {
    Layout::from_size_align(size_of::<Type>().checked_add(name)?, align_of::<Type>()).ok()
}
