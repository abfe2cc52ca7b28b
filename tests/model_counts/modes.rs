//! Changing the mode of an interpreter, against threads that attach, count, come back, are new, stop the world and close.

use crate::explore::models;
use crate::world::*;
use gilrt::attach;
use gilrt::attach::slow::Runtime;
use gilrt::config::Mode;
use gilrt::interp::mode::change;
use gilrt::object::header::*;
use gilrt::status::Status;
use gilrt::thread::Thread;

/// Attached: alone, where there is a lock.
fn be_inside(w: &World) {
    if !w.interp.is_free() {
        w.data.touch();
    }
}

fn round(w: &World, t: &'static Thread) {
    attach(t);
    be_inside(w);
    detach(t);
}

fn change_to(w: &World, t: &'static Thread, to: Mode) {
    attach(t);
    be_inside(w);
    assert_eq!(change(w.interp, t, to), Ok(()));
    be_inside(w);
    detach(t);
}

models! {
    a_lock_goes_while_a_thread_attaches(true, Some(2)) {
        let w = locked(2);
        let a = w.run(1, |w, t| { round(w, t); round(w, t); });
        let me = w.be(0);
        change_to(&w, me, Mode::Free);
        w.stop_and_touch(me);
        w.end([a], &[]);
    }

    a_lock_comes_while_a_thread_attaches(true, Some(2)) {
        let w = free(2);
        let a = w.run(1, |w, t| { round(w, t); round(w, t); });
        let me = w.be(0);
        change_to(&w, me, Mode::Locked);
        round(&w, me);
        w.end([a], &[]);
    }

    a_lock_goes_and_comes_again(true, Some(2)) {
        let w = locked(2);
        let a = w.run(1, |w, t| { round(w, t); round(w, t); });
        let me = w.be(0);
        change_to(&w, me, Mode::Free);
        change_to(&w, me, Mode::Locked);
        round(&w, me);
        w.end([a], &[]);
    }

    two_threads_change_the_mode(true, Some(2)) {
        let w = locked(2);
        let a = w.run(1, |w, t| change_to(w, t, Mode::Free));
        let me = w.be(0);
        change_to(&w, me, Mode::Locked);
        round(&w, me);
        w.end([a], &[]);
    }

    /// What a thread has counted plainly under the lock's token, before the lock went, is not lost, and nobody does so after.
    an_object_of_a_lock_is_counted_while_it_goes(true, Some(2)) {
        let w = locked(2);
        let o = w.object(0, 2, PLAIN);
        let a = w.run(1, move |_, t| {
            attach(t);
            incref(o);
            decref(o);
            poll(t);
            decref(o);
            detach(t);
        });
        let me = w.be(0);
        attach(me);
        assert_eq!(change(w.interp, me, Mode::Free), Ok(()));
        incref(o);
        decref(o);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    an_object_of_a_thread_is_counted_while_a_lock_comes(true, Some(2)) {
        let w = free(2);
        let o = w.object(1, 2, PLAIN);
        let a = w.run(1, move |_, t| {
            attach(t);
            incref(o);
            decref(o);
            poll(t);
            decref(o);
            detach(t);
        });
        let me = w.be(0);
        attach(me);
        assert_eq!(change(w.interp, me, Mode::Locked), Ok(()));
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    /// A reference that waits for the lock is not forgotten with it.
    a_stranger_hands_over_while_the_lock_goes(true, Some(3)) {
        let w = locked(1);
        let o = w.object(0, 2, PLAIN);
        let a = w.stranger(move |_| decref(o));
        let me = w.be(0);
        attach(me);
        assert_eq!(change(w.interp, me, Mode::Free), Ok(()));
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    a_stranger_hands_over_while_a_lock_comes(true, Some(2)) {
        let w = free(1);
        let o = w.object(0, 2, PLAIN);
        let a = w.stranger(move |_| decref(o));
        let me = w.be(0);
        attach(me);
        assert_eq!(change(w.interp, me, Mode::Locked), Ok(()));
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    /// Destructors that were left for whoever attaches are found in the new mode.
    the_dead_are_buried_whatever_the_mode(true, Some(2)) {
        let w = locked(1);
        let o = w.merged(MERGED + ONE);
        let a = w.stranger(move |_| decref(o));
        let me = w.be(0);
        change_to(&w, me, Mode::Free);
        w.end([a], &[o]);
    }

    a_new_thread_meets_a_change(true, Some(2)) {
        let w = locked(1);
        let a = w.run(0, |w, t| change_to(w, t, Mode::Free));
        let me = w.be_new();
        round(&w, me);
        w.end([a], &[]);
    }

    a_stop_meets_a_change(true, Some(2)) {
        let w = free(2);
        let a = w.run(1, World::stop_and_touch);
        let me = w.be(0);
        change_to(&w, me, Mode::Locked);
        w.end([a], &[]);
    }

    a_thread_comes_back_while_the_mode_changes(true, Some(2)) {
        let w = locked(2);
        let a = w.run(1, |w, t| {
            attach(t);
            let saved = attach::region_begin::<Runtime>(t);
            attach::region_end::<Runtime>(t, saved);
            be_inside(w);
            detach(t);
        });
        let me = w.be(0);
        change_to(&w, me, Mode::Free);
        w.stop_and_touch(me);
        w.end([a], &[]);
    }

    who_has_stopped_the_world_does_not_change_it(false, None) {
        let w = free(1);
        let me = w.be(0);
        attach(me);
        gilrt::interp::world::stop(me, w.interp);
        assert_eq!(change(w.interp, me, Mode::Locked), Err(Status::Busy));
        gilrt::interp::world::resume(me, w.interp).unwrap();
        detach(me);
    }
}
