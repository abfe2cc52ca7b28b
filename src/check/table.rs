//! All objects by address: whoever has a pointer that is not here has a pointer to no object.
//!
//! The memory of what was freed is kept, header and all, until much else was freed after it. Its record stays as long, so that
//! the pointers that were forgotten meet it, and not whatever came there next.

use super::record::{By, Event, Record, State};
use super::report;
use crate::object::header::{CHECKED, Object};
use crate::sync::{Guard, Mutex, Ordering::*};
use crate::sys::boxed::try_box;
use crate::sys::address::AddressHasher;
use crate::sys::errno::KeepErrno;
use crate::watch::log::Buffer;
use std::collections::HashMap;
use std::fmt::{Display, Formatter};
use std::hash::BuildHasherDefault;

/// How many dead objects are kept, and how many bytes of them.
const KEPT: usize = 64 * 1024;
const KEPT_BYTES: usize = 64 << 20;

/// Behind each payload: what differs at death was overwritten.
const CANARY: [u8; 16] = *b"\xA5gilrt payload\xA5\xA5";
/// How many bytes more a payload takes in checking mode.
pub const MARGIN: usize = CANARY.len();

static TABLE: Mutex<Table> = Mutex::new(Table {
    records: HashMap::with_hasher(BuildHasherDefault::new()),
    oldest: 0,
    youngest: 0,
    kept: 0,
    kept_bytes: 0,
});

#[derive(Debug)]
pub struct Table {
    records: HashMap<usize, Box<Record>, BuildHasherDefault<AddressHasher>>,
    /// The dead whose memory is kept: a list by `Record::next`, in the order of their deaths.
    oldest: usize,
    youngest: usize,
    kept: usize,
    kept_bytes: usize,
}

/// What is wrong with a use.
pub type Wrong = &'static str;
pub const FREED: Wrong = "use after free";

pub fn freeze() -> Guard<'static, Table> {
    TABLE.lock()
}

/// A new object of a type of this name, whose payload is followed by room for the canary. False: there is no memory for its record.
pub fn born(o: &'static Object, name: &dyn Display, payload: usize) -> bool {
    let mut record = Record::new(name, payload);
    record.remember(Event::Made, 1, By::me().0);
    let Some(record) = try_box(record) else { return false };
    let mut table = TABLE.lock();
    if table.records.try_reserve(1).is_err() {
        return false;
    }
    table.records.insert(address(o), record);
    // SAFETY: `object::new` asked for so much room behind the payload.
    unsafe { canary(o, payload).write(CANARY) };
    true
}

/// Finds the record of what should be an object and does `f` under the mutex, which may find something wrong. None if
/// something was, and it has been reported.
pub fn with<R>(call: &str, o: &'static Object, f: impl FnOnce(&mut Record, u64) -> Result<R, Wrong>) -> Option<R> {
    let _errno = KeepErrno::new();
    let mut table = TABLE.lock();
    let record = table.records.get_mut(&address(o));
    let wrong = match record {
        None => "this is not an object",
        Some(record) => match f(record, By::me().0) {
            Ok(result) => return Some(result),
            Err(wrong) => wrong,
        },
    };
    complain(table, call, o, wrong);
    None
}

/// Whether it is an object that may be used; if not, that is reported.
pub fn alive(call: &str, o: &'static Object) -> bool {
    with(call, o, |record, _| if record.state == State::Freed { Err(FREED) } else { Ok(()) }).is_some()
}

/// Whether it is an object of which the caller can have a reference to send; if not, that is reported.
pub fn offered(o: &'static Object) -> bool {
    let offered = with("obj_send", o, |record, me| match record.state {
        State::Freed => Err(FREED),
        State::Dead | State::Clearing => Err("no reference is left to send"),
        State::Alive => {
            record.remember(Event::Offered, o.local.load(Relaxed), me);
            Ok(())
        }
    });
    offered.is_some()
}

/// Whether an object is still one when it comes out of a channel; if not, that is reported.
pub fn received(o: &'static Object) -> bool {
    step("obj_receive", o, Event::Received)
}

/// Notes a step in the life of an object; false if it is none, or none any more, and that was reported.
pub fn step(call: &str, o: &'static Object, event: Event) -> bool {
    let noted = with(call, o, |record, me| {
        if record.state == State::Freed {
            return Err(FREED);
        }
        record.state = match event {
            Event::Finalize => State::Alive, // the finalizer has a reference
            Event::Clear => State::Clearing,
            _ => record.state,
        };
        record.remember(event, o.local.load(Relaxed), me);
        Ok(())
    });
    noted.is_some()
}

/// The end of an object, whose memory is `block`. It is kept; what is given back instead is to be had from [`evict`].
pub fn bury(o: &'static Object, block: (usize, usize)) {
    let mut table = TABLE.lock();
    let Some(record) = table.records.get_mut(&address(o)) else { return };
    record.state = State::Freed;
    record.block = block;
    record.remember(Event::Freed, 0, By::me().0);
    // Inline code of who still uses it comes to the functions.
    o.owner.store(CHECKED, Relaxed);
    // SAFETY: as in `born`; dead, so that nobody else may use it.
    let intact = unsafe { canary(o, record.payload).read() } == CANARY;
    table.keep(address(o), block.1);
    if !intact {
        complain(table, "the end of an object", o, "something wrote beyond its payload");
    }
}

/// The block of the object that has been dead for longest, if too many are kept: the caller gives it back.
pub fn evict() -> Option<(usize, usize)> {
    let mut table = TABLE.lock();
    if table.kept <= KEPT && table.kept_bytes <= KEPT_BYTES {
        return None;
    }
    let oldest = table.oldest;
    let record = table.records.remove(&oldest)?;
    table.oldest = record.next;
    table.kept -= 1;
    table.kept_bytes -= record.block.1;
    Some(record.block)
}

/// Reports. The text is made before the mutex goes, so that it says what was found; the host's log function is called after.
fn complain(table: Guard<Table>, call: &str, o: &'static Object, wrong: Wrong) {
    let entry = Entry(o, table.records.get(&address(o)).map(Box::as_ref));
    let text = Buffer::<3072>::of(format_args!("{call}: {wrong}\n  by {}\n  {entry}", By::me()));
    drop(table);
    report(format_args!("{text}"));
}

impl Table {
    fn keep(&mut self, o: usize, bytes: usize) {
        match self.records.get_mut(&self.youngest) {
            Some(before) if self.kept > 0 => before.next = o,
            _ => self.oldest = o,
        }
        self.youngest = o;
        self.kept += 1;
        self.kept_bytes += bytes;
    }
}

/// An object for a report: address, type, state and history, or that there is none. Locks the table.
pub struct About(pub *const Object);

impl Display for About {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Entry(self.0, TABLE.lock().records.get(&self.0.addr()).map(Box::as_ref)).fmt(f)
    }
}

struct Entry<'a>(*const Object, Option<&'a Record>);

impl Display for Entry<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.1 {
            Some(record) => write!(f, "object {:p} {record}", self.0),
            None => write!(f, "{:p} never was an object, or has been freed for long", self.0),
        }
    }
}

fn address(o: &'static Object) -> usize {
    std::ptr::from_ref(o).addr()
}

fn canary(o: &'static Object, payload: usize) -> *mut [u8; MARGIN] {
    std::ptr::from_ref(o).cast_mut().wrapping_add(1).wrapping_byte_add(payload).cast()
}
