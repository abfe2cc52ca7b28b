//! The models notice: one rule of the protocol broken at a time.

use super::explore::all_are_caught;

/// The rules that `mutant!` can break in the sources, and a model that notices.
const RULES: &[(&str, &str)] = &[
    ("no-fence-on-attach", "a_bias_is_revoked"),
    ("no-fence-on-revoke", "a_bias_is_revoked"),
    ("no-fence-after-request", "a_request_meets_an_acquire"),
    ("bias-publish-then-clear-unlocked", "a_bias_is_granted_again"),
    ("breaker-whole-word", "a_request_meets_the_grant_of_a_bias"),
    ("own-bias-unlocked", "a_bias_is_revoked"),
    ("release-trusts-bias", "a_bias_is_revoked"),
    ("release-plain-store", "a_bias_is_revoked"),
    ("flag-without-rmw", "a_bias_is_revoked"),
    ("word-acquire-relaxed", "two_threads_hand_over"),
    ("word-release-relaxed", "two_threads_hand_over"),
    ("detach-relaxed", "a_close_meets_a_bias"),
    ("grant-relaxed", "a_bias_is_revoked"),
    ("grant-before-attach", "a_bias_is_revoked"),
    ("flag-after-grant", "a_poll_gives_way_and_loses_no_request"),
    ("nesting-ignored", "an_inner_release_keeps_the_lock"),
    ("error-stays-attached", "a_try_meets_a_holder"),
    ("timeout-drops-grant", "a_bias_is_revoked"),
    ("timeout-forgets-wake", "barging_meets_a_deadline"),
    ("close-refuses-regions", "a_close_meets_a_region"),
    ("close-reads-away-first", "a_close_meets_a_region"),
    ("close-unfenced", "a_close_meets_a_waiter"),
    ("admits-unfenced", "a_close_meets_a_waiter"),
    ("return-meets-closer", "a_close_meets_a_region"),
    ("close-forgets-bias", "a_close_meets_a_bias"),
    ("close-wakes-no-first", "a_close_comes_between_wake_and_try"),
    ("poll-whole-word", "a_poll_gives_way_and_loses_no_request"),
    ("try-forgets-own", "an_owner_tries_while_its_bias_is_revoked"),
    ("helpers-are-one", "two_helpers_exclude_each_other"),
    ("arm-looks-first", "blocking::an_interrupt_meets_a_blocking_call"),
    ("back-before-unblocked", "blocking::an_interrupt_meets_a_blocking_call"),
    ("unblock-relaxed", "blocking::an_interrupt_meets_a_blocking_call"),
    ("no-fence-after-request", "blocking::an_interrupt_meets_a_blocking_call"),
];

#[test]
#[ignore = "a minute: ci/models.sh runs it"]
fn every_broken_rule_is_caught() {
    all_are_caught(RULES);
}
