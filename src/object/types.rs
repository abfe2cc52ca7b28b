//! The process-wide table of types: index → type → interpreter (C6).

use super::header::{CLEARED, FINALIZED, Object};
use super::live::Live;
use super::heap;
use crate::check;
use crate::config::Counting;
use crate::interp::Interp;
use crate::module::Library;
use crate::runtime;
use crate::status::Status;
use crate::sync::{Guard, Mutex, Ordering::*};
use crate::watch::log::{self, Line, Text};
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt::{Display, Formatter};
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicPtr};

/// Index 0 is nobody's, so that a zeroed header has no type.
pub const MAX_TYPES: usize = u16::MAX as usize;
/// So many types a report of leaks names; the total counts them all.
const LEAK_LINES: u32 = 20;

pub type FinalizeFn = unsafe extern "C" fn(o: *mut Object);
pub type VisitFn = unsafe extern "C" fn(child: *mut Object, user: *mut c_void) -> c_int;
pub type TraverseFn = unsafe extern "C" fn(o: *mut Object, visit: VisitFn, user: *mut c_void) -> c_int;

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
    /// Neither a collector, a host's allocator, checking mode nor a strategy of counting has a say in a birth ...
    pub simple: bool,
    /// ... nor the host in a death.
    pub silent: bool,
    interp: AtomicPtr<Interp>,
    pub library: Option<&'static Library>,
    pub live: Live,
    /// Of those alive, the ones that live for ever.
    immortal: AtomicI64,
    pub index: u16,
    name_length: usize,
}

/// The slots; written under the mutex of [`SLOTS`], read by anybody who has an object.
static TYPES: [AtomicPtr<Type>; MAX_TYPES + 1] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_TYPES + 1];
static SLOTS: Mutex<Slots> = Mutex::new(Slots { last: 0, free: 0, next_free: [0; MAX_TYPES + 1] });

/// Which slots are nobody's. All zero at the start, so that the room for the chain costs nothing until types end.
#[derive(Debug)]
pub struct Slots {
    /// The last slot that was ever used.
    last: usize,
    /// The first of those below it that are free again; 0 is none.
    free: u16,
    /// By slot that is free: the next such.
    next_free: [u16; MAX_TYPES + 1],
}

impl Slots {
    /// The types, from a slot on.
    fn types(&self, from: usize) -> impl Iterator<Item = &'static Type> + use<> {
        // SAFETY: what a slot holds is a type until it is taken out, under this mutex.
        TYPES[from..=self.last].iter().filter_map(|slot| unsafe { slot.load(Relaxed).as_ref() })
    }

    /// A slot for a new type, if there is one left; it is taken by [`Slots::take`].
    fn vacant(&self) -> Option<usize> {
        match usize::from(self.free) {
            0 => Some(self.last + 1).filter(|&i| i <= MAX_TYPES),
            i => Some(i),
        }
    }

    fn take(&mut self, i: usize) {
        if i == usize::from(self.free) {
            self.free = self.next_free[i];
        } else {
            self.last = i;
        }
    }

    /// Nobody has the type any more.
    fn release(&mut self, ty: &'static Type) {
        TYPES[usize::from(ty.index)].store(ptr::null_mut(), Relaxed);
        self.next_free[usize::from(ty.index)] = self.free;
        self.free = ty.index;
        let layout = layout(ty.name_length).expect("as in register");
        // SAFETY: made by `register` with this layout; no object refers to it and nobody can make one.
        unsafe { dealloc(ptr::from_ref(ty).cast_mut().cast(), layout) };
    }
}

impl Type {
    /// Dying runs no code of the host, and leaves no list that the lock guards: any thread may free it.
    pub fn is_plain(&self) -> bool {
        self.finalize.is_none() && self.clear.is_none() && self.traverse.is_none()
    }

    /// What is set in the `gc` byte before an object is finalized: without clear it drops its children in finalize.
    pub fn ending(&self) -> u8 {
        if self.finalize.is_some() && self.clear.is_some() { FINALIZED } else { FINALIZED | CLEARED }
    }

    /// For a report, without allocating.
    pub fn shown_name(&self) -> Text {
        Text(self.name().as_ptr())
    }

    /// None once its interpreter has been closed.
    pub fn interp(&self) -> Option<&'static Interp> {
        // Acquire: pairs with the Release in `orphan`, so that what the interpreter's threads did is over.
        // SAFETY: null, or an interpreter: those are never given back to the allocator.
        unsafe { self.interp.load(Acquire).as_ref() }
    }

    /// Whether it is a type of `interp`, which is open.
    pub fn is_of(&self, interp: &Interp) -> bool {
        self.interp().is_some_and(|i| ptr::eq(i, interp))
    }

    pub fn name(&self) -> &CStr {
        // SAFETY: `register` copied the name behind the type, terminator included.
        unsafe { CStr::from_ptr(ptr::from_ref(self).add(1).cast::<c_char>()) }
    }

    /// An object will live for ever.
    pub fn gain_immortal(&self) {
        self.immortal.fetch_add(1, Relaxed);
    }

}

/// The type of an object.
#[inline(always)]
pub fn of(o: &Object) -> &'static Type {
    // SAFETY: an object's type lives as long as the object; the slot was filled before the object was made, and whoever
    // passed the object on made that visible.
    unsafe { &*TYPES[o.ty as usize].load(Relaxed) }
}

/// A new type of `interp`. The name is copied.
pub fn register(interp: &'static Interp, library: Option<&'static Library>, spec: Spec) -> Result<&'static Type, Status> {
    let ordinary = !check::enabled() && runtime::started()?.hooks.is_none();
    let biased = interp.counting() == Counting::Biased && !spec.tries;
    let simple = ordinary && biased && spec.traverse.is_none() && spec.payload_size <= heap::SMALL_PAYLOAD;
    let name = spec.name.to_bytes_with_nul();
    let layout = layout(name.len()).ok_or(Status::Nomem)?;
    let mut slots = SLOTS.lock();
    let free = slots.vacant().ok_or(Status::Limit)?;
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
            simple,
            silent: simple && spec.finalize.is_none() && spec.clear.is_none(),
            interp: AtomicPtr::new(ptr::from_ref(interp).cast_mut()),
            library,
            live: Live::new(),
            immortal: AtomicI64::new(0),
            index: free as u16,
            name_length: name.len(),
        });
        ptr::copy_nonoverlapping(name.as_ptr(), ty.add(1).cast(), name.len());
    }
    slots.take(free);
    TYPES[free].store(ty, Release);
    // SAFETY: lives until `forget` takes it, which its module's end alone does.
    Ok(unsafe { &*ty })
}

/// The types of a library whose code goes, none of which has an object left.
pub fn forget(library: &Library) {
    let mut slots = SLOTS.lock();
    for ty in slots.types(1).filter(|ty| ty.library.is_some_and(|l| ptr::eq(l, library))) {
        slots.release(ty); // no object refers to it, and its module, which alone could make more, has ended
    }
}

/// The interpreter has been closed: nobody is inside, nobody comes. Types without objects go, the others with their last (C8).
pub fn orphan(interp: &Interp) {
    let mut slots = SLOTS.lock();
    for ty in slots.types(1).filter(|ty| ty.is_of(interp)) {
        ty.interp.store(ptr::null_mut(), Release);
        if ty.live.orphan() && ty.library.is_none() {
            slots.release(ty);
        }
    }
}

/// An object of the type has died, and its memory is gone: the last touch of the type, unless it was the last of an orphan.
#[inline(always)]
pub fn object_died(ty: &'static Type, me: u32) {
    let inside = ty.interp().is_some_and(|i| i.excludes_others(me));
    let library = ty.library;
    if ty.live.died(inside) && library.is_none() {
        release_orphan(ty);
    }
}

#[cold]
fn release_orphan(ty: &'static Type) {
    SLOTS.lock().release(ty);
}

/// Objects alive in `interp`.
pub fn live(interp: &Interp) -> i64 {
    live_where(|ty| ty.is_of(interp))
}

/// Objects alive of the types of `library`: its code stays mapped as long.
pub fn live_of(library: &Library) -> i64 {
    live_where(|ty| ty.library.is_some_and(|l| ptr::eq(l, library)))
}

fn live_where(wanted: impl Fn(&Type) -> bool) -> i64 {
    SLOTS.lock().types(1).filter(|ty| wanted(ty)).map(|ty| ty.live.count()).sum()
}

/// Warns of what still lives in `interp`, which ends: a line for each type, unless all that it has left is immortal.
pub fn report_leaks(interp: &Interp) {
    let place = match ptr::eq(interp, Interp::main()) {
        true => Line::new(), // as if there were no others
        false => Line::of(format_args!("interpreter {}: ", interp.name)),
    };
    let (mut objects, mut types, mut from) = (0, 0, 1);
    while let Some(leak) = next_leak(interp, from) {
        (objects, types, from) = (objects + leak.mortal, types + 1, leak.slot + 1);
        if types <= LEAK_LINES {
            log::warn(format_args!("{place}{leak}"));
        }
    }
    if types > 1 {
        log::warn(format_args!("{place}{objects} objects of {types} types are still alive"));
    }
}

/// What a report of leaks has of one type.
struct Leak {
    slot: usize,
    mortal: i64,
    immortal: i64,
    /// A copy: its module may end while it is logged.
    name: Line,
}

impl Display for Leak {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let (objects, are) = if self.mortal == 1 { ("object", "is") } else { ("objects", "are") };
        write!(f, "{} {objects} of type {} {are} still alive", self.mortal, self.name)?;
        if self.immortal > 0 { write!(f, ", not counting {} immortal", self.immortal) } else { Ok(()) }
    }
}

/// The first in or behind the slot `from`. What the host's log function does happens between two of these, without the mutex.
fn next_leak(interp: &Interp, from: usize) -> Option<Leak> {
    let slots = SLOTS.lock();
    let mortal = |ty: &Type| ty.live.count() - ty.immortal.load(Relaxed);
    let leaks = |ty: &&Type| ty.is_of(interp) && mortal(ty) > 0;
    slots.types(from).find(leaks).map(|ty| Leak {
        slot: usize::from(ty.index),
        mortal: mortal(ty),
        immortal: ty.immortal.load(Relaxed),
        name: Line::of(format_args!("{}", Text(ty.name().as_ptr()))),
    })
}

pub fn freeze() -> Guard<'static, Slots> {
    SLOTS.lock()
}

fn layout(name: usize) -> Option<Layout> {
    Layout::from_size_align(size_of::<Type>().checked_add(name)?, align_of::<Type>()).ok()
}
