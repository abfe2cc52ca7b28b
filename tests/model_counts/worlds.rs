//! Closing and stopping an interpreter without a lock, against threads that attach, leave, come back and are new.

use crate::explore::models;
use crate::world::*;
use gilrt::attach;
use gilrt::attach::slow::Runtime;
use gilrt::config::Mode;
use gilrt::gil::Wait;
use gilrt::interp::{mode, world};
use gilrt::object::header::*;
use gilrt::object::merge::merge;
use std::sync::atomic::Ordering::*;

models! {
    a_close_meets_an_attach(true, Some(4)) {
        let w = free(1);
        let me = w.be(0);
        let a = w.stranger(|w| w.close());
        w.round_or_closed(me);
        w.round_or_closed(me);
        join([a]);
        w.close_for_good();
    }

    a_close_meets_a_region(true, Some(4)) {
        let w = free(1);
        let me = w.be(0);
        let a = w.stranger(|w| w.close());
        if attach::acquire::<Runtime>(me).is_ok() {
            w.data.touch();
            let saved = attach::region_begin::<Runtime>(me);
            w.round_or_closed(me);
            attach::region_end::<Runtime>(me, saved);
            w.data.touch();
            detach(me);
        }
        join([a]);
        w.close_for_good();
    }

    a_close_meets_a_new_thread(true, Some(4)) {
        let w = free(0);
        let a = w.stranger(|w| w.close());
        let me = w.be_new();
        w.round_or_closed(me);
        join([a]);
        w.close_for_good();
    }

    a_stop_meets_threads_that_come_and_go(true, Some(3)) {
        let w = free(2);
        let a = w.run(1, |w, t| {
            attach(t);
            w.data.touch();
            poll(t);
            w.data.touch();
            detach(t);
        });
        let me = w.be(0);
        w.stop_and_touch(me);
        w.end([a], &[]);
    }

    two_threads_stop_the_world(true, Some(3)) {
        let w = free(2);
        let a = w.run(1, World::stop_and_touch);
        let me = w.be(0);
        w.stop_and_touch(me);
        w.end([a], &[]);
    }

    a_stop_meets_a_new_thread(true, Some(3)) {
        let w = free(1);
        let a = w.run(0, World::stop_and_touch);
        let me = w.be_new();
        attach(me);
        w.data.touch();
        detach(me);
        w.end([a], &[]);
    }

    a_stop_meets_a_thread_that_ends(true, Some(3)) {
        let w = free(2);
        let a = w.run(1, |w, t| {
            attach(t);
            w.data.touch();
            w.interp.dismiss(t);
        });
        let me = w.be(0);
        w.stop_and_touch(me);
        w.end([a], &[]);
    }

    a_lock_comes_back_while_one_waits_for_it(true, Some(2)) {
        let w = locked(2);
        let a = w.run(1, |w, t| {
            attach(t);
            w.data.touch();
            poll(t);
            w.data.touch();
            detach(t);
        });
        let me = w.be(0);
        attach(me);
        mode::change(w.interp, me, Mode::Free).unwrap();
        mode::change(w.interp, me, Mode::Locked).unwrap();
        w.data.touch();
        detach(me);
        w.end([a], &[]);
    }

    a_stop_meets_one_that_is_refused_the_lock_of_before(true, Some(2)) {
        let w = locked(2);
        let a = w.run(1, |w, t| {
            if attach::acquire_as::<Runtime>(t, Wait::Try).is_ok() {
                w.data.touch();
                detach(t);
            }
        });
        let me = w.be(0);
        attach(me);
        mode::change(w.interp, me, Mode::Free).unwrap();
        world::stop(me, w.interp);
        w.data.touch();
        world::resume(me, w.interp).unwrap();
        detach(me);
        w.end([a], &[]);
    }

    /// R15: detached threads count on.
    who_has_stopped_the_world_merges_what_others_own(true, Some(2)) {
        let w = free(2);
        let o = w.object(0, 3, PLAIN);
        let owner = w.threads[0].token.load(Relaxed);
        let a = w.stranger(move |_| decref(o));
        let b = w.run(1, move |w, t| {
            attach(t);
            world::stop(t, w.interp);
            merge(o, owner, 0);
            world::resume(t, w.interp).unwrap();
            decref(o);
            detach(t);
        });
        let me = w.be(0);
        attach(me);
        incref(o);
        decref(o);
        poll(me);
        decref(o);
        detach(me);
        w.end([a, b], &[o]);
    }
}
