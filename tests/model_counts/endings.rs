//! The last reference against tries and weak references; destructors that wait for an attached thread.

use crate::explore::models;
use crate::world::*;
use gilrt::attach::slow::call_out;
use gilrt::object::header::*;
use gilrt::object::types::map;

models! {
    /// R13: a destructor runs attached, and waits for that.
    the_last_reference_is_dropped_by_a_stranger(true, Some(4)) {
        let w = free(1);
        let o = w.merged(MERGED + ONE);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| {
            read(o);
            decref(o);
        });
        detach(me);
        attach(me);
        detach(me);
        join([a]);
        attach(me);
        assert!(o.owner.is_freed(), "an attach must see what is pending");
        detach(me);
        w.end([], &[o]);
    }

    two_strangers_drop_the_last_references(true, Some(3)) {
        let w = free(1);
        let (o, p) = (w.merged(MERGED + 2 * ONE), w.merged(MERGED + ONE));
        let a = w.stranger(move |_| {
            read(o);
            decref(o);
        });
        let b = w.stranger(move |_| {
            read(o);
            decref(o);
            decref(p);
        });
        let me = w.be(0);
        attach(me);
        detach(me);
        w.end([a, b], &[o, p]);
    }

    /// Who attaches sees the destructors that wait, also after its own queue was merged for it.
    a_merge_on_behalf_meets_pending_destructors(true, Some(3)) {
        let w = free(1);
        let (o, p) = (w.merged(MERGED + ONE), w.object(0, 2, PLAIN));
        let me = w.be(0);
        let a = w.stranger(move |_| decref(o));
        let b = w.stranger(move |_| decref(p));
        join([a, b]);
        attach(me);
        assert!(o.owner.is_freed(), "an attach must see what is pending");
        decref(p);
        detach(me);
        w.end([], &[o, p]);
    }

    /// A callback's way back runs no destructors, so the next attach must.
    a_destructor_is_pending_while_a_thread_comes_back(true, Some(3)) {
        let w = free(1);
        let o = w.merged(MERGED + ONE);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| decref(o));
        call_out(me, None, || detach(me));
        detach(me);
        join([a]);
        attach(me);
        assert!(o.owner.is_freed(), "an attach must see what is pending");
        detach(me);
        w.end([], &[o]);
    }

    /// Who leaves in the midst of the destructors leaves the rest of them to whoever attaches.
    destructors_are_pending_while_another_is_away(true, Some(3)) {
        let w = free(2);
        let (o, p) = (w.merged(MERGED + ONE), w.merged(MERGED + ONE));
        let other = w.be(1);
        attach(other);
        join([w.stranger(move |_| {
            decref(o);
            decref(p);
        })]);
        let me = w.be(0);
        let v = w.clone();
        *w.interp.in_finalizer.lock().unwrap() = Some(Box::new(move || {
            detach(me);
            v.be(1);
            detach(other);
            attach(other);
            assert!(o.owner.is_freed() || p.owner.is_freed(), "an attach must see what is pending");
            detach(other);
            v.be(0);
        }));
        attach(me);
        detach(me);
        w.end([], &[o, p]);
    }

    a_destructor_is_pending_while_a_thread_joins(true, Some(3)) {
        let w = free(0);
        let o = w.merged(MERGED + ONE);
        let a = w.stranger(move |_| decref(o));
        let me = w.be_new();
        attach(me);
        detach(me);
        join([a]);
        attach(me);
        assert!(o.owner.is_freed(), "a thread that joins must see what is pending");
        detach(me);
        w.end([], &[o]);
    }

    /// R16: one word decides between a try and the last decrement.
    a_try_meets_the_owners_last_decrement(true, Some(3)) { try_while_the_owner_drops(PLAIN); }

    a_try_starts_from_nothing(true, Some(3)) { try_while_the_owner_drops(MAYBE_WEAK); }

    /// R10: what the finalizer's own reference looks like is no invitation.
    a_try_meets_the_finalizer(true, Some(4)) {
        let w = free(1);
        let o = w.merged(MERGED + ONE);
        map(o);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(drop_what_is_found);
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    a_weak_reference_meets_the_last_decrement(true, Some(3)) {
        let w = free(1);
        let o = w.object(0, 1, PLAIN);
        let me = w.be(0);
        attach(me);
        let found = Weak::to(o);
        let a = w.stranger(move |_| {
            found.use_it();
            found.end();
        });
        decref(o);
        detach(me);
        w.end([a], &[o]);
    }

    a_weak_reference_meets_the_last_atomic_decrement(true, Some(3)) {
        let w = free(1);
        let o = w.merged(MERGED + ONE);
        let me = w.be(0);
        attach(me);
        let found = Weak::to(o);
        let a = w.stranger(move |_| found.use_it());
        let b = w.stranger(move |_| decref(o));
        detach(me);
        join([a, b]);
        found.end();
        w.end([], &[o]);
    }

    a_weak_reference_is_made_while_a_stranger_hands_over(true, Some(2)) {
        let w = free(1);
        let o = w.object(0, 3, PLAIN);
        let me = w.be(0);
        attach(me);
        let a = w.stranger(move |_| decref(o));
        let b = w.stranger(move |_| {
            incref(o);
            let weak = Weak::to(o);
            decref(o);
            decref(o);
            weak.use_it();
            weak.end();
        });
        decref(o);
        detach(me);
        w.end([a, b], &[o]);
    }
}

fn try_while_the_owner_drops(born: i32) {
    let w = free(1);
    let o = w.object(0, 1, born);
    map(o);
    let me = w.be(0);
    attach(me);
    let a = w.stranger(drop_what_is_found);
    decref(o);
    detach(me);
    w.end([a], &[o]);
}

fn drop_what_is_found(w: &World) {
    if let Some(o) = look_up(w) {
        read(o);
        decref(o);
    }
}
