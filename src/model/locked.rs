//! No object of a model is LOCKED.

use super::header::Object;

pub fn incref(_o: &'static Object) {
    unreachable!("born with another owner");
}

pub fn decref(_o: &'static Object) {
    unreachable!("born with another owner");
}

pub fn try_incref(_o: &'static Object) -> bool {
    unreachable!("born with another owner");
}
