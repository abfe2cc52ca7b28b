//! Objects.

use super::{border, read_sized};
use crate::check;
use crate::interp::{Interp, lives};
use crate::object::header::Object;
use crate::object::types::{self, Spec, Type};
use crate::object::{self, attempt, count, hot};
use crate::status::Status;
use crate::sync::Ordering::Relaxed;
use crate::sys::tls;
use crate::thread::DETACHED;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

/// What a traverse calls for each child; an answer other than 0 ends the traversal.
#[allow(non_camel_case_types)]
pub type obj_visit_fn = unsafe extern "C" fn(child: *mut Object, user: *mut c_void) -> c_int;

/// In obj_type_config_t.flags: obj_try_incref on objects of this type fails only if they are dying, also by a thread that does
/// not own them. Their last decref costs an atomic operation more.
pub const OBJ_TYPE_TRY: u32 = 1;

/// What a type is made of. Set `struct_size`, leave zero what you do not need.
///
/// At death finalize runs (once; it may revive the object by taking a reference), then clear (once; drops the children), then
/// the memory goes. A type without clear drops its children in finalize. Both run with the lock of the type's interpreter
/// held, on whichever thread; they may count, acquire, release and detach, and must not throw or longjmp.
///
/// Types with traverse take part in collections (obj_collect). One whose objects can be in cycles has traverse and clear.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct obj_type_config {
    /// sizeof(obj_type_config_t).
    pub struct_size: usize,
    /// For reports. Copied.
    pub name: *const c_char,
    /// Bytes behind the header.
    pub payload_size: usize,
    /// OBJ_TYPE_TRY, or 0.
    pub flags: u32,
    /// The object has died; may be NULL.
    pub finalize: Option<unsafe extern "C" fn(o: *mut Object)>,
    /// Calls `visit` once for each reference to another object that the object owns (NULL is allowed), and returns the first
    /// answer that is not 0; may be NULL. It runs in collections, at any time from the birth of the object, whose payload is
    /// all zero then, until clear begins (without clear: finalize). It does nothing else: no acquire or release, no poll, no
    /// object made, counted or dropped. One child too many may clear an object that is in use; one too few is never collected.
    pub traverse: Option<unsafe extern "C" fn(o: *mut Object, visit: obj_visit_fn, user: *mut c_void) -> c_int>,
    /// Drops the references to the children; may be NULL. For garbage it runs while others still refer to the object.
    pub clear: Option<unsafe extern "C" fn(o: *mut Object)>,
}

const DEFAULT: obj_type_config = obj_type_config {
    struct_size: size_of::<obj_type_config>(),
    name: ptr::null(),
    payload_size: 0,
    flags: 0,
    finalize: None,
    traverse: None,
    clear: None,
};

/// Makes a type of the current interpreter, which it belongs to for ever. A type that an extension makes while gilrt runs
/// its load or a function of it ends with the extension; others with gil_interp_close or with their last object, whichever
/// comes later: the main interpreter's live as long as the process. From any thread.
///
/// GILRT_ERR_INVALID if a pointer or the name is NULL, the size is absurd or a flag is unknown; GILRT_ERR_LIMIT after 65,535 types;
/// GILRT_ERR_NOMEM.
///
/// # Safety
/// `config` points to as many bytes as its `struct_size` says, its name is a C string, `out` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_type_new(config: *const obj_type_config, out: *mut *mut Type) -> c_int {
    border(|| {
        // SAFETY: by the contract.
        let c = unsafe { read_sized(config, DEFAULT) }?;
        if out.is_null() || c.name.is_null() || c.payload_size > isize::MAX as usize / 2 || c.flags & !OBJ_TYPE_TRY != 0 {
            return Err(check::refused(Status::Invalid, format_args!("obj_type_new")));
        }
        crate::runtime::started()?;
        let t = tls::current();
        let library = t.library.load(Relaxed).cast::<crate::module::Library>();
        let spec = Spec {
            // SAFETY: by the contract.
            name: unsafe { CStr::from_ptr(c.name) },
            payload_size: c.payload_size,
            tries: c.flags & OBJ_TYPE_TRY != 0,
            finalize: c.finalize,
            traverse: c.traverse,
            clear: c.clear,
        };
        // SAFETY: null, or the library whose code this thread runs, which is not unmapped meanwhile.
        let ty = lives::while_open(Interp::of(t), || types::register(Interp::of(t), unsafe { library.as_ref() }, spec))?;
        // SAFETY: by the contract.
        unsafe { *out = ptr::from_ref(ty).cast_mut() };
        Ok(())
    })
}

/// Makes an object with one reference, which is the caller's, and `extra_bytes` more payload than the type says. The payload
/// is zeroed and 16-aligned. For a type with traverse, garbage may be collected first: see obj_set_collect_threshold.
///
/// GILRT_ERR_NOT_ATTACHED if the thread is not attached, GILRT_ERR_INVALID if a pointer is NULL or the type is another
/// interpreter's, GILRT_ERR_NOMEM.
///
/// # Safety
/// `type` came from obj_type_new, `out` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_new(r#type: *mut Type, extra_bytes: usize, out: *mut *mut Object) -> c_int {
    if r#type.is_null() || out.is_null() {
        return Status::Invalid as c_int;
    }
    // SAFETY: by the contract; a type lives until its extension ends.
    match object::new(tls::current(), unsafe { &*r#type }, extra_bytes) {
        // SAFETY: by the contract.
        Ok(o) => unsafe {
            *out = ptr::from_ref(o).cast_mut();
            0
        },
        Err(why) => why as c_int,
    }
}

/// Takes a reference. From any thread, attached or not; NULL does nothing. Never blocks, runs no callbacks.
///
/// # Safety
/// `o` is NULL, or the caller has a reference to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_incref(o: *mut Object) {
    // SAFETY: by the contract; an object lives until its last reference is dropped.
    if let Some(o) = unsafe { o.as_ref() } {
        count::incref(o, tls::current().identity.load(Relaxed));
    }
}

/// Drops a reference of the caller's. From any thread, attached or not; NULL does nothing. Never blocks by itself.
///
/// The last reference ends the object: at once on a thread that is attached to the object's interpreter, else at the next
/// safepoint (gil_poll, an outermost acquire, gilrt_finalize) of one that is.
///
/// # Safety
/// `o` is NULL, or the caller has a reference to it, which it must not use afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_decref(o: *mut Object) {
    // SAFETY: as above.
    if let Some(o) = unsafe { o.as_ref() } {
        count::decref(o, tls::current().identity.load(Relaxed));
    }
}

/// For gilrt_inline.h: it has counted as many references as there may be, and the object lives for ever from now on, which
/// the log is told; or a collector wants to know of the reference. Not to be called by anybody else.
///
/// # Safety
/// As obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_incref_slow(o: *mut Object) {
    // SAFETY: by the contract.
    count::was_incremented(unsafe { &*o }, tls::current().identity.load(Relaxed));
}

/// For gilrt_inline.h, whose decrement has made a count 0: what is left of obj_decref. Not to be called by anybody else.
///
/// # Safety
/// The caller has made `local` 0, being the owner, or dropped the last reference of a merged object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_decref_slow(o: *mut Object) {
    // SAFETY: by the contract; it is the caller's to free the object if that was the last reference.
    count::came_to_zero(unsafe { &*o }, tls::current().identity.load(Relaxed));
}

/// obj_incref, and returns its argument.
///
/// # Safety
/// As obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_newref(o: *mut Object) -> *mut Object {
    // SAFETY: by the contract.
    unsafe { obj_incref(o) };
    o
}

/// Takes a reference if the object lives; true if it did. The caller has none: it has found the object some other way, for
/// instance in a map of its own, and sees to it that the memory stays an object's meanwhile. That is so if an object leaves the
/// map in its finalizer, under the map's lock, and the caller holds that lock: never wait there for the dying one to leave, but
/// put a new object in its place when this answers false. From any thread, attached or not; false for NULL. Never runs
/// callbacks.
///
/// False if the object is dying, and for good once its finalizer has begun, even if that revives it. Unless its type has
/// OBJ_TYPE_TRY, also for no such reason, if the thread does not own the object and nobody shares it: the caller does the same as
/// for a dying one, or uses a weak reference. True for an immortal object.
///
/// # Safety
/// `o` is NULL, or an object whose memory is not freed before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_try_incref(o: *mut Object) -> bool {
    // SAFETY: by the contract.
    unsafe { o.as_ref() }.is_some_and(|o| attempt::try_incref(o, tls::current().identity.load(Relaxed)))
}

/// How many references there are: a snapshot, exact when nobody counts meanwhile. SIZE_MAX for an immortal object, 0 for
/// NULL.
///
/// # Safety
/// As obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_refcount(o: *const Object) -> usize {
    // SAFETY: by the contract.
    unsafe { o.as_ref() }.map_or(0, object::references)
}

/// The type of an object; NULL for NULL.
///
/// # Safety
/// As obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_type_of(o: *const Object) -> *mut Type {
    // SAFETY: by the contract.
    unsafe { o.as_ref() }.and_then(object::type_of).map_or(ptr::null_mut(), |ty| ptr::from_ref(ty).cast_mut())
}

/// The name of a type; NULL for NULL. Lives as long as the type.
///
/// # Safety
/// `type` is NULL or came from obj_type_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_type_name(r#type: *const Type) -> *const c_char {
    // SAFETY: by the contract.
    unsafe { r#type.as_ref() }.map_or(ptr::null(), |ty| ty.name().as_ptr())
}

/// Objects alive in the current interpreter, those that wait for their destructor included. From any thread.
#[unsafe(no_mangle)]
pub extern "C" fn obj_live_count() -> i64 {
    types::live(Interp::of(tls::current()))
}

/// Objects of a type that are alive, those that wait for their destructor included; 0 for NULL. From any thread.
///
/// # Safety
/// As obj_type_name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_type_live_count(r#type: *const Type) -> i64 {
    // SAFETY: by the contract.
    unsafe { r#type.as_ref() }.map_or(0, |ty| ty.live.count())
}

/// Makes an object hot: from now on each thread counts it for itself, plainly, so that what all threads count costs each of them
/// the same however many they are. For a few objects that live long, as types, modules and functions do: obj_refcount looks at all
/// threads, and a hot object that nobody refers to any more dies in the next obj_collect or gilrt_finalize. Nothing can make it an
/// ordinary one again, but for a finalizer that revives it.
///
/// Does nothing to an object that is hot or immortal, or that is not counted by an owner or atomically. GILRT_ERR_NOT_ATTACHED if the
/// thread is not attached, GILRT_ERR_INVALID for NULL and for an object that another thread or interpreter owns, GILRT_ERR_LIMIT
/// beyond 65,536 hot objects, GILRT_ERR_NOMEM, GILRT_ERR_DEADLOCK in a signal handler that interrupted the library.
///
/// # Safety
/// As obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_make_hot(o: *mut Object) -> c_int {
    border(|| {
        // SAFETY: by the contract.
        hot::make(unsafe { o.as_ref() }.ok_or(Status::Invalid)?, tls::current())
    })
}

/// Makes an object live for ever: from now on nobody counts it. The caller's reference is used up. GILRT_ERR_INVALID for
/// NULL. From any thread.
///
/// # Safety
/// As obj_decref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_immortalize(o: *mut Object) -> c_int {
    // SAFETY: by the contract.
    match unsafe { o.as_ref() } {
        None => Status::Invalid as c_int,
        Some(o) => {
            count::immortalize(o);
            0
        }
    }
}

/// Whether an object lives for ever.
///
/// # Safety
/// As obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_is_immortal(o: *const Object) -> bool {
    // SAFETY: by the contract.
    unsafe { o.as_ref() }.is_some_and(|o| o.owner.load(Relaxed) == object::header::IMMORTAL)
}

const _: () = assert!(DETACHED != object::header::MERGED_OWNER && DETACHED != object::header::IMMORTAL);
