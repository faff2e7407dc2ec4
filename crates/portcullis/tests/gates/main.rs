//! Every gate of an SMS, alone and together with others, withdrawn at each moment at which it can be: before the code is
//! asked for, between the read and the commit of that, and between the commit and the look right before it leaves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each part of the scene takes some of the ways to shut a gate"
)]

mod scene;

use portcullis::Error;
use portcullis::spend::Budget;

use scene::{Charged, Cut, Flow, Scene};

/// When a gate is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Asked,
    Commit,
    Recheck,
}

const MOMENTS: [Moment; 3] = [Moment::Asked, Moment::Commit, Moment::Recheck];

/// What was charged, without what only says when the next may be asked for, or that something was told.
fn differ(before: &Charged, after: &Charged) -> Vec<String> {
    let value = |of: &Charged, name: &str| of.get(name).copied().unwrap_or(0);
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| value(before, name) != value(after, name));
    changed.map(|name| format!("{name}: {} to {}", value(before, name), value(after, name))).collect()
}

/// What a refusal names: the gates, or its code where there are none.
fn named<T>(result: Result<T, Error>, what: &str) -> Vec<String> {
    match result {
        Err(Error::Refused(refusal)) if refusal.missing().is_empty() => vec![refusal.code().to_owned()],
        Err(Error::Refused(refusal)) => refusal.missing().iter().map(|gate| gate.name().to_owned()).collect(),
        Err(other) => panic!("{what}: refused, not {other:?}"),
        Ok(_) => panic!("{what}: it is refused"),
    }
}

/// Nothing was submitted, and all that was charged is what is said.
async fn nothing_left(s: &Scene, before: &Charged, submitted: usize, what: &str) {
    for _ in 0..2 {
        s.w.run_worker().await.unwrap();
        assert_eq!(s.w.handset.submitted().len(), submitted, "{what}: nothing is submitted");
        let changed = differ(before, &s.charged().await);
        assert_eq!(changed, Vec::<String>::new(), "{what}: nothing is charged");
        s.w.advance(s.w.security.policy().claim_life);
    }
}

/// Which commit of a flow is kept if nothing is shut: an earlier one only finds out what is counted for a number, and is
/// decided anew whatever happens to the gates.
async fn last_try(flow: Flow) -> u64 {
    let s = Scene::ready_for(flow).await;
    let before = s.tried();
    s.ask(flow).await.unwrap();
    s.tried() - before
}

/// Shuts gates at one moment of one flow, and looks at all that follows.
async fn try_one(flow: Flow, cuts: &[Cut], moment: Moment) {
    let what = format!("{flow:?} {cuts:?} {moment:?}");
    let s = Scene::ready_for(flow).await;
    let before = s.charged().await;
    let submitted = s.w.handset.submitted().len();
    // What the cuts themselves count; of what was full with the SMS in it, its own is given back.
    let filled = |of: &Charged, given_back: u32| {
        let mut of = of.clone();
        for cut in cuts {
            Scene::account_for(*cut, given_back, &mut of);
        }
        of
    };
    match moment {
        Moment::Asked => {
            s.shut(cuts).await;
            let asked = s.ask(flow).await;
            assert_eq!(named(asked, &what), scene::gates(cuts), "{what}");
            nothing_left(&s, &filled(&before, 0), submitted, &what).await;
        }
        Moment::Commit => {
            let seen = s.shut_before_the_commit(cuts, last_try(flow).await);
            let asked = s.ask(flow).await;
            assert!(seen.happened(), "{what}: the gates were shut between");
            assert_eq!(named(asked, &what), scene::gates(cuts), "{what}");
            nothing_left(&s, &filled(&before, 0), submitted, &what).await;
        }
        Moment::Recheck => {
            s.ask(flow).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let charged = differ(&before, &s.charged().await);
            assert!(charged.len() > 5, "{what}: it is charged: {charged:?}");
            s.shut(cuts).await;
            match scene::withdrawn(cuts) {
                // It is charged already: what others use up afterwards takes nothing from it.
                None => {
                    let pass = s.w.run_worker().await.unwrap();
                    assert_eq!((pass.sent, pass.suppressed), (1, 0), "{what}");
                    assert_eq!(s.w.handset.submitted().len(), submitted + 1, "{what}");
                }
                Some(gate) => {
                    let pass = s.w.run_worker().await.unwrap();
                    assert_eq!((pass.sent, pass.suppressed), (0, 1), "{what}");
                    let told = format!("message_suppressed: {gate}");
                    assert!(s.trail().await.contains(&told), "{what}: the trail says {told}");
                    nothing_left(&s, &filled(&before, 1), submitted, &what).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_single_gate_that_is_shut_at_any_moment_sends_nothing_and_charges_nothing() {
    let mut cuts = vec![
        Cut::Service,
        Cut::QuotaZero,
        Cut::QuotaLowered,
        Cut::QuotaTaken,
        Cut::Flag,
        Cut::Above,
        Cut::Phone,
        Cut::CoolDown,
    ];
    cuts.extend(Budget::ALL.map(Cut::Budget));
    let mut tried = std::collections::BTreeSet::new();
    for flow in Flow::ALL {
        for cut in &cuts {
            for moment in MOMENTS {
                if scene::concerns(flow, *cut) {
                    try_one(flow, &[*cut], moment).await;
                    tried.insert(format!("{cut:?}"));
                }
            }
        }
    }
    assert_eq!(tried.len(), cuts.len(), "each in some flow: {tried:?}");
}

#[tokio::test]
async fn gates_that_are_shut_together_are_all_named() {
    let services = [None, Some(Cut::Service), Some(Cut::QuotaZero), Some(Cut::QuotaLowered)];
    let or_none = |cut: Cut| [None, Some(cut)];
    for flow in [Flow::Enrol, Flow::SignIn, Flow::SignInResend] {
        for service in services {
            for flag in or_none(Cut::Flag) {
                for above in or_none(Cut::Above) {
                    for budget in or_none(Cut::Budget(Budget::User)) {
                        let cuts: Vec<_> = [service, flag, above, budget].into_iter().flatten().collect();
                        if cuts.len() < 2 {
                            continue;
                        }
                        for moment in MOMENTS {
                            try_one(flow, &cuts, moment).await;
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn what_the_policy_shuts_sends_nothing_from_the_next_process_on() {
    let policies: [fn(&mut portcullis::policy::Policy); 2] = [
        |policy| policy.sms_prefixes = vec![portcullis::spend::PrefixRule::serve("44")],
        |policy| policy.sms_factor = false,
    ];
    for change in policies {
        for flow in Flow::ALL {
            let s = Scene::ready_for(flow).await;
            let (before, submitted) = (s.charged().await, s.w.handset.submitted().len());
            let next = s.next_process(change);
            assert_eq!(named(s.ask_at(&next, flow).await, "asked"), ["policy"], "{flow:?}");
            assert_eq!(differ(&before, &s.charged().await), Vec::<String>::new(), "{flow:?}");
            s.ask(flow).await.unwrap();
            let pass = next.run_worker().await.unwrap();
            assert_eq!((pass.sent, pass.suppressed, next.handset.submitted().len()), (0, 1, 0), "{flow:?}");
            assert!(s.trail().await.contains(&"message_suppressed: policy".to_owned()), "{flow:?}");
            nothing_left(&s, &before, submitted, &format!("{flow:?}")).await;
        }
    }
}
