//! Who counts plainly and who atomically, and from two counts to one.

use crate::explore::models;
use crate::world::*;
use gilrt::attach::slow::call_out;
use gilrt::object::count::immortalize;
use gilrt::object::header::*;
use gilrt::object::merge::merge;
use std::sync::atomic::Ordering::*;

models! {
    /// R5, C1: the queue owns the reference that could not be subtracted, and there is one such.
    owner_and_two_others_share_three_references(true, Some(2)) {
        let w = free(2);
        let o = w.object(0, 3, PLAIN);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| decref(o));
        let b = w.run(1, move |_, t| {
            attach(t);
            incref(o);
            decref(o);
            decref(o);
            detach(t);
        });
        decref(o);
        detach(me);
        w.end([a, b], &[o]);
    }

    /// R3: what the others did comes before the free.
    the_owner_frees_after_the_others_have_read(true, Some(4)) {
        let w = free(2);
        let o = w.object(0, 1, PLAIN + ONE);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| {
            read(o);
            decref(o);
        });
        read(o);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    /// R4: between the mark and the queue the owner may merge, or leave.
    references_move_and_the_count_goes_negative(true, Some(3)) {
        let w = free(1);
        let o = w.object(0, 4, PLAIN);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| {
            read(o);
            decref(o);
            decref(o);
        });
        incref(o);
        decref(o);
        decref(o);
        poll(me);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    /// R6, C3: who is away is merged for, and looks before it counts plainly again.
    a_detached_owner_is_merged_for_while_it_attaches(true, Some(4)) {
        let w = free(1);
        let o = w.object(0, 2, PLAIN);
        let me = w.be(0);
        let a = w.stranger(move |_| decref(o));
        attach(me);
        incref(o);
        decref(o);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    /// The same, where a callback has left the thread detached.
    a_detached_owner_is_merged_for_while_it_comes_back(true, Some(4)) {
        let w = free(1);
        let o = w.object(0, 2, PLAIN);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| decref(o));
        call_out(me, None, || detach(me));
        incref(o);
        decref(o);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    two_strangers_merge_for_one_owner(true, Some(3)) {
        let w = free(1);
        let (o, p) = (w.object(0, 2, PLAIN), w.object(0, 2, PLAIN));
        let me = w.be(0);
        let a = w.stranger(move |_| decref(o));
        let b = w.stranger(move |_| decref(p));
        attach(me);
        decref(o);
        decref(p);
        detach(me);
        w.end([a, b], &[o, p]);
    }

    a_detached_owner_queues_its_own_object(true, Some(3)) {
        let w = free(1);
        let o = w.object(0, 2, PLAIN);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| decref(o));
        detach(me);
        decref(o);
        attach(me);
        detach(me);
        w.end([a], &[o]);
    }

    /// R7: nothing is handed to a thread that has ended, and nothing stays with it.
    the_owner_of_a_queued_object_exits(true, Some(3)) {
        let w = free(1);
        let (o, p) = (w.object(0, 2, PLAIN), w.object(0, 2, PLAIN));
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| {
            decref(o);
            decref(p);
        });
        decref(o);
        w.interp.dismiss(me);
        decref(p);
        w.end([a], &[o, p]);
    }

    /// R1, R2, C2: whoever wins the owner's word merges, once, and touches nothing after it has published the sum.
    a_collector_and_a_stranger_merge_the_same_object(true, Some(3)) {
        let w = free(2);
        let o = w.object(0, 2, PLAIN);
        let owner = w.threads[0].token.load(Relaxed);
        let me = w.be(1);
        attach(me);
        let a = w.stranger(move |_| decref(o));
        // As with the world stopped, which detached threads do not notice.
        assert!(!merge(o, owner, 0));
        read(o);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    /// R12: no plain store of an owner loses it.
    an_object_becomes_immortal_while_others_count_it(true, Some(2)) {
        let w = free(1);
        let o = w.object(0, 3, PLAIN);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| immortalize(o));
        let b = w.stranger(move |_| decref(o));
        incref(o);
        decref(o);
        decref(o);
        detach(me);
        join([a, b]);
        assert_eq!(o.owner.load(Relaxed), IMMORTAL);
        attach(me);
        (0..9).for_each(|_| decref(o));
        assert!(!o.owner.is_freed());
        detach(me);
    }

    /// R21, C4, with the three that follow.
    a_local_count_wraps(true, Some(3)) { saturate(u32::MAX, PLAIN, incref, decref); }

    a_shared_count_overflows(true, Some(3)) { saturate(9, FULL | PLAIN, decref, incref); }

    a_shared_count_underflows(true, Some(3)) { saturate(9, -FULL | QUEUED, incref, decref); }

    a_sum_does_not_fit(true, Some(3)) { saturate(1 << 30, PLAIN, decref, decref); }

    a_stranger_hands_over_to_a_lock(true, Some(3)) {
        let w = locked(1);
        let o = w.object(0, 2, PLAIN);
        let a = w.stranger(move |_| {
            read(o);
            decref(o);
        });
        let me = w.be(0);
        attach(me);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    two_strangers_hand_over_to_a_lock(true, Some(1)) {
        let w = locked(1);
        let (o, p) = (w.object(0, 2, PLAIN), w.object(0, 2, PLAIN));
        let a = w.stranger(move |_| decref(o));
        let b = w.stranger(move |_| decref(p));
        let me = w.be(0);
        attach(me);
        decref(o);
        decref(p);
        detach(me);
        w.end([a, b], &[o, p]);
    }

    holders_of_a_lock_count_plainly_and_a_stranger_atomically(true, Some(1)) {
        let w = locked(2);
        let o = w.object(0, 3, PLAIN);
        let a = w.stranger(move |_| {
            read(o);
            decref(o);
        });
        let b = w.run(1, move |_, t| {
            attach(t);
            incref(o);
            decref(o);
            decref(o);
            detach(t);
        });
        let me = w.be(0);
        attach(me);
        decref(o);
        detach(me);
        w.end([a, b], &[o]);
    }
}

const FULL: i32 = (LIMIT as i32) << 2;

/// The owner and a stranger have one reference of very many each.
fn saturate(local: u32, shared: i32, mine: fn(&'static Object), theirs: fn(&'static Object)) {
    let w = free(1);
    let o = w.object(0, local, shared);
    let me = w.be(0);
    attach(me);
    let a = w.stranger(move |_| theirs(o));
    mine(o);
    detach(me);
    join([a]);
    read(o);
    assert_eq!(o.owner.load(Relaxed), IMMORTAL);
}
