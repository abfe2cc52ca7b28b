//! The models notice: one rule of the protocol broken at a time.

use super::explore::all_are_caught;

/// The rules that `mutant!` can break in the sources, and a model that notices.
const RULES: &[(&str, &str)] = &[
    ("zero-relaxed", "owners::the_owner_frees_after_the_others_have_read"),
    ("queue-owns-nothing", "owners::a_detached_owner_queues_its_own_object"),
    ("immortal-local", "owners::an_object_becomes_immortal_while_others_count_it"),
    ("sum-wraps", "owners::a_sum_does_not_fit"),
    ("local-first", "owners::a_collector_and_a_stranger_merge_the_same_object"),
    ("merge-trusts", "owners::an_object_becomes_immortal_while_others_count_it"),
    ("tidy-last", "owners::a_collector_and_a_stranger_merge_the_same_object"),
    ("freeze-without-barrier", "owners::a_detached_owner_is_merged_for_while_it_attaches"),
    ("looks-before-it-freezes", "owners::a_detached_owner_is_merged_for_while_it_attaches"),
    ("self-relaxed", "owners::a_detached_owner_is_merged_for_while_it_attaches"),
    ("detach-relaxed", "owners::a_detached_owner_is_merged_for_while_it_attaches"),
    ("breaker-relaxed", "owners::a_detached_owner_is_merged_for_while_it_attaches"),
    ("thaw-relaxed", "owners::a_detached_owner_is_merged_for_while_it_attaches"),
    ("return-does-not-merge", "owners::a_detached_owner_is_merged_for_while_it_comes_back"),
    ("stays-frozen", "owners::two_strangers_merge_for_one_owner"),
    ("detach-does-not-look", "owners::references_move_and_the_count_goes_negative"),
    ("retires-attached", "owners::the_owner_of_a_queued_object_exits"),
    ("release-does-not-help", "owners::a_stranger_hands_over_to_a_lock"),
    ("pending-untold", "endings::the_last_reference_is_dropped_by_a_stranger"),
    ("thaws-while-pending", "endings::a_merge_on_behalf_meets_pending_destructors"),
    ("take-forgets-pending", "endings::a_destructor_is_pending_while_a_thread_comes_back"),
    ("takes-all-pending", "endings::destructors_are_pending_while_another_is_away"),
    ("joins-unaware-of-pending", "endings::a_destructor_is_pending_while_a_thread_joins"),
    ("joins-unaware-of-close", "worlds::a_close_meets_a_new_thread"),
    ("joins-unaware-of-stop", "worlds::a_stop_meets_a_new_thread"),
    ("try-plain-zero", "endings::a_try_meets_the_owners_last_decrement"),
    ("states-as-bits", "endings::a_weak_reference_is_made_while_a_stranger_hands_over"),
    ("close-without-barrier", "worlds::a_close_meets_an_attach"),
    ("close-looks-away-first", "worlds::a_close_meets_a_region"),
    ("return-meets-close", "worlds::a_close_meets_a_region"),
    ("stop-without-barrier", "worlds::two_threads_stop_the_world"),
    ("stopped-relaxed", "worlds::a_stop_meets_threads_that_come_and_go"),
    ("wins-without-refresh", "modes::an_object_of_a_lock_is_counted_while_it_goes"),
    ("refresh-untold", "modes::a_lock_comes_while_a_thread_attaches"),
    ("musters-late", "worlds::a_stop_meets_threads_that_come_and_go"),
    ("musters-without-fence", "worlds::two_threads_stop_the_world"),
    ("refused-untold", "worlds::a_stop_meets_one_that_is_refused_the_lock_of_before"),
    ("resume-relaxed", "worlds::a_stop_meets_threads_that_come_and_go"),
];

#[test]
#[ignore = "half a minute: ci/models.sh runs it"]
fn every_broken_rule_is_caught() {
    all_are_caught(RULES);
}
