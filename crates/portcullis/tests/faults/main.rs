//! Every case of the conformance suite fails on a store with a fault that it is there to find.

mod alter;
mod broken;
mod flows;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portcullis::port::store::Store;
use portcullis::testing::conformance::{self, CASES, Case};

use crate::broken::{Broken, Fault};

/// Each case with the faults it must find.
const FAULTS: &[(&str, &[Fault])] = &[
    ("read_starts_by_id_and_by_unique_key", &[Fault::MissingNotSaid, Fault::ReadsByIdOnly]),
    ("read_follows_references_two_hops", &[Fault::OneHop, Fault::ThreeHops]),
    (
        "read_gives_the_counters_of_all_it_read",
        &[Fault::ListedSubjectsOnly, Fault::NoListedSubjects, Fault::ShowsZeros],
    ),
    ("read_leaves_out_ended_counters", &[Fault::ShowsEnded]),
    ("read_is_one_snapshot", &[Fault::TornRead]),
    ("list_pages_in_id_order", &[Fault::ListReversed, Fault::ListUnpaged, Fault::ListUnlimited]),
    ("list_knows_unique_keys", &[Fault::ListsLookupOnly, Fault::ListsBothSorts]),
    ("keys_compare_bytewise", &[Fault::FoldsCase, Fault::TrimsKeys, Fault::ForgetsKeyNames]),
    ("keys_are_replaced_on_put", &[Fault::KeepsOldKeys, Fault::KeepsKeysOfFirstPut]),
    ("unique_key_is_held_once", &[Fault::KeysNotUnique, Fault::NamesWrongKey, Fault::LookupIsUnique]),
    ("freed_key_can_be_taken", &[Fault::KeysNeverFree, Fault::DeletesNothing]),
    ("key_moves_in_one_commit", &[Fault::KeysPutByPut]),
    ("put_needs_its_version", &[Fault::LastPutWins, Fault::VersionAsPut]),
    ("put_absent_needs_absence", &[Fault::Upserts, Fault::VersionAsPut]),
    (
        "skipped_put_claims_no_key",
        &[Fault::SkipOverwrites, Fault::SkipConflicts, Fault::SkipClaimsKeys, Fault::SkipDropsTheRest],
    ),
    (
        "put_waits_for_its_counter",
        &[Fault::CounterBefore, Fault::IgnoresCounter, Fault::NeedsMoreThanCounter],
    ),
    ("delete_needs_its_version", &[Fault::DeletesBlindly, Fault::DeletesNothing]),
    (
        "record_comes_back_exactly",
        &[
            Fault::Milliseconds,
            Fault::SortsRefs,
            Fault::RewritesJson,
            Fault::ForgetsTenant,
            Fault::ShortBodies,
        ],
    ),
    ("guard_needs_its_version", &[Fault::GuardsNothing, Fault::GuardsForgiveAbsence]),
    ("guard_locks_until_the_commit_ends", &[Fault::GuardsCompareOnly, Fault::GuardsNothing]),
    ("add_never_passes_its_limit", &[Fault::OnePastLimit, Fault::FillsUp]),
    ("below_only_looks", &[Fault::BelowOrEqual, Fault::BelowOpens]),
    ("give_back_only_in_its_window", &[Fault::GivesBackAnyWindow, Fault::GivesBackNothing]),
    ("steps_are_taken_in_order", &[Fault::StepsReversed, Fault::LastStepOnly]),
    ("counts_name_every_counter_stepped_on", &[Fault::NoCounts, Fault::CountsOfAddsOnly]),
    ("counters_hold_big_values", &[Fault::SixteenBits]),
    ("rolling_window_opens_at_the_first_add", &[Fault::ExtendsWindow, Fault::NoWindows]),
    ("cleared_counter_opens_a_new_window", &[Fault::ClearKeepsWindow]),
    ("given_back_counter_stays_in_its_window", &[Fault::GiveBackCloses]),
    (
        "clock_stepped_back_locks_nobody_longer",
        &[Fault::TrustsFarEnds, Fault::DistrustsAllEnds, Fault::DistrustsColleagues],
    ),
    ("until_ends_at_its_instant", &[Fault::NoWindows, Fault::UntilIsRolling]),
    ("until_in_the_past_keeps_nothing", &[Fault::PastUntilKept, Fault::PastUntilNotCounted]),
    ("no_window_counts_for_ever", &[Fault::EveryWindowEnds]),
    (
        "failed_commit_leaves_no_trace",
        &[Fault::FailureAudited, Fault::FailureCounted, Fault::FailurePuts, Fault::FailureBurnsId],
    ),
    ("same_commit_twice_has_one_effect", &[Fault::AlwaysNew, Fault::ReplayConflicts, Fault::ReplayAudited]),
    ("same_commit_without_a_trail_has_one_effect", &[Fault::BareForgotten, Fault::ReplayConflicts]),
    ("same_commit_again_gives_present_counts", &[Fault::ReplayOldCounts, Fault::AlwaysNew]),
    ("same_commit_in_parallel_has_one_effect", &[Fault::AlwaysNew, Fault::ReplayConflicts]),
    ("parallel_adds_stop_at_the_limit", &[Fault::CountsOutside]),
    ("parallel_puts_have_one_winner", &[Fault::ComparesOutside]),
    ("parallel_inserts_have_one_winner", &[Fault::ComparesOutside]),
    ("parallel_takers_of_a_key_have_one_winner", &[Fault::KeysOutside]),
    (
        "claim_takes_what_is_due_in_its_lane",
        &[
            Fault::ClaimsEarly,
            Fault::ClaimsAnyLane,
            Fault::ClaimsLatestFirst,
            Fault::ClaimUnlimited,
            Fault::ClaimShowsOldVersion,
            Fault::ClaimLosesKeys,
        ],
    ),
    ("claim_fences_older_outcomes", &[Fault::NoFence]),
    ("parallel_claimers_never_share", &[Fault::SharesClaims, Fault::ClaimsOutside]),
    ("claimed_record_is_due_again_at_until", &[Fault::ForgetsUntil, Fault::HalvesUntil]),
    ("dead_lane_is_never_claimed", &[Fault::ClaimsTheDead]),
    ("dropped_claim_is_due_again_at_until", &[Fault::ClaimInTwoSteps]),
    (
        "waiting_counts_what_is_due",
        &[
            Fault::CountsWhatIsNotDue,
            Fault::CountsUnbounded,
            Fault::CountsInteractiveOnly,
            Fault::CountsBeforeTheInstant,
            Fault::OldestIsNow,
        ],
    ),
    ("dropped_commit_is_before_or_after", &[Fault::CommitInTwoSteps]),
    (
        "audit_gives_the_trail_of_its_subject",
        &[Fault::TrailReversed, Fault::TrailUnpaged, Fault::TrailOfAll, Fault::TrailForgetsActor],
    ),
    (
        "audit_goes_back_from_the_newest",
        &[Fault::TrailAlwaysOldestFirst, Fault::TrailTurnsPages, Fault::TrailUnpaged, Fault::TrailOfAll],
    ),
    ("purge_removes_ended_counters", &[Fault::PurgeUnlimited, Fault::PurgeAtInstant, Fault::PurgeTooMuch]),
    ("purge_removes_old_audit_events", &[Fault::PurgeUnlimited, Fault::PurgeAtInstant, Fault::PurgeTooMuch]),
    (
        "purge_removes_dead_records",
        &[Fault::PurgeUnlimited, Fault::PurgeAtInstant, Fault::PurgeMiscounts, Fault::PurgesTheLiving],
    ),
];

#[test]
fn every_case_has_a_fault() {
    let cases: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
    let planted: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(cases, planted, "the table of faults names every case, in the same order");
    for (name, faults) in FAULTS {
        assert!(!faults.is_empty(), "{name} has no fault to find");
    }
    let used: BTreeSet<Fault> = FAULTS.iter().flat_map(|(_, faults)| faults.iter().copied()).collect();
    for fault in Fault::ALL {
        assert!(used.contains(fault), "no case looks for {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_wrapper_without_a_fault_passes() {
    conformance::run_all(1, || async { Arc::new(Broken::new(None)) as Arc<dyn Store> }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_case_fails_on_its_faults() {
    let mut missed = Vec::new();
    for ((name, case), (_, faults)) in CASES.iter().zip(FAULTS) {
        for fault in *faults {
            match failure(*case, *fault).await {
                Some(sentence) => println!("{name} / {fault:?}: {sentence}"),
                None => missed.push(format!("{name} does not find {fault:?}")),
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// The sentence with which a case fails on a fault, if it does.
async fn failure(case: Case, fault: Fault) -> Option<String> {
    let store: Arc<dyn Store> = Arc::new(Broken::new(Some(fault)));
    let run = tokio::time::timeout(Duration::from_secs(60), case(store, 1));
    let panic = tokio::spawn(run).await.err()?.try_into_panic().ok()?;
    let sentence = panic.downcast_ref::<String>().cloned();
    sentence.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}
