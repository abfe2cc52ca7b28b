//! `obj_lock`: a lock of the object's own for whoever wants it, which nobody gives up by himself. Two threads that take two of
//! them in opposite order wait for ever; in checking mode they are told ([`super::waits`]).

use super::header::Object;
use super::lock::{self, Kind};
use super::waits::{self, Got};
use crate::attach::slow::detached;
use crate::check;
use crate::status::Status;
use crate::sys::tls;

pub fn lock(o: &'static Object) -> Result<(), Status> {
    if tls::is_inside() {
        return Err(Status::Deadlock); // a signal handler: this very thread may be the one that is to unlock (L17)
    }
    if check::enabled() {
        if !check::table::alive("obj_lock", o) {
            return Err(Status::Invalid);
        }
        return match waits::lock(o, Kind::Bare)? {
            Got::Now => Ok(()),
            Got::Already => Err(Status::Deadlock),
        };
    }
    if !lock::try_lock(o, Kind::Bare) {
        detached(|| lock::wait(o, Kind::Bare));
    }
    Ok(())
}

pub fn unlock(o: &'static Object) -> Result<(), Status> {
    if tls::is_inside() {
        return Err(Status::Deadlock);
    }
    if check::enabled() {
        if !check::table::alive("obj_unlock", o) {
            return Err(Status::Invalid);
        }
        return waits::unlock(o, Kind::Bare);
    }
    if !lock::is_locked(o, Kind::Bare) {
        return Err(Status::Invalid);
    }
    lock::unlock(o, Kind::Bare);
    Ok(())
}
