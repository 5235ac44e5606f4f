//! Rate limits.

use std::time::Duration;

use hubbub_bus::limit::gcra;
use hubbub_bus::{Quota, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::backend::{Backend, eventually};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn a_burst_is_allowed_and_the_next_refused(backend: &Backend) {
    let node = backend.node("a").await;
    let quota = Quota { burst: 3, every: HOUR };
    for remaining in [2, 1, 0] {
        let verdict = node.bus.take("send:x", quota).await.unwrap();
        assert_eq!(verdict, Verdict::Allowed { remaining });
    }
    let Verdict::Refused { retry_after } = node.bus.take("send:x", quota).await.unwrap() else {
        panic!("a fourth of three")
    };
    assert!(retry_after <= HOUR && retry_after > HOUR - Duration::from_secs(60));
}

pub(crate) async fn keys_do_not_share_a_quota(backend: &Backend) {
    let node = backend.node("a").await;
    let quota = Quota { burst: 1, every: HOUR };
    for key in ["send:x", "send:y", "login:x"] {
        let verdict = node.bus.take(key, quota).await.unwrap();
        assert_eq!(verdict, Verdict::Allowed { remaining: 0 });
    }
}

pub(crate) async fn a_refused_caller_is_allowed_after_the_wait(backend: &Backend) {
    let node = backend.node("a").await;
    let quota = Quota { burst: 1, every: Duration::from_millis(300) };
    node.bus.take("k:1", quota).await.unwrap();
    assert!(matches!(node.bus.take("k:1", quota).await.unwrap(), Verdict::Refused { .. }));
    eventually("allowed again", async || {
        matches!(node.bus.take("k:1", quota).await.unwrap(), Verdict::Allowed { .. })
    })
    .await;
}

/// Whatever the quotas and their order, verdicts are those of the algorithm. The rates are so low
/// that the time a test takes adds nothing.
pub(crate) async fn takes_agree_with_the_reference(backend: &Backend) {
    let node = backend.node("a").await;
    let mut runner = TestRunner::deterministic();
    let quotas = prop::collection::vec((1_u32..6, 1_u64..20), 1..30);
    for case in 0..30 {
        let steps = quotas.new_tree(&mut runner).unwrap().current();
        let now = 1_000_000_000_000;
        let mut due = 0;
        for (step, (burst, hours)) in steps.into_iter().enumerate() {
            let quota = Quota { burst, every: HOUR * u32::try_from(hours).unwrap() };
            let (expected, next) = gcra(due, now, quota);
            due = next;
            let verdict = node.bus.take(&format!("case:{case}"), quota).await.unwrap();
            match (expected, verdict) {
                (Verdict::Allowed { remaining: a }, Verdict::Allowed { remaining: b })
                    if a == b || a + 1 == b => {}
                (Verdict::Refused { retry_after: a }, Verdict::Refused { retry_after: b })
                    if a.abs_diff(b) < Duration::from_secs(60) => {}
                _ => panic!("case {case} step {step}: {verdict:?} instead of {expected:?}"),
            }
        }
    }
}

pub(crate) async fn one_name_passes_in_a_while_and_the_same_again(backend: &Backend) {
    let node = backend.node("a").await;
    let pace = async |name: &str| node.bus.pace("slow:x", name, HOUR).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(pace("first").await, Verdict::Allowed { .. }));
        let Verdict::Refused { retry_after } = pace("second").await else {
            panic!("two in one while")
        };
        assert!(retry_after <= HOUR && retry_after > HOUR - Duration::from_secs(60));
    }
}

pub(crate) async fn who_waited_passes_and_is_the_last_to_have_passed(backend: &Backend) {
    let node = backend.node("a").await;
    let pace = async |name: &str, every| node.bus.pace("slow:y", name, every).await.unwrap();
    let first = pace("first", Duration::from_millis(300)).await;
    assert!(matches!(first, Verdict::Allowed { .. }), "{first:?}");
    eventually("another passes", async || {
        matches!(pace("second", HOUR).await, Verdict::Allowed { .. })
    })
    .await;
    let first = pace("first", HOUR).await;
    assert!(matches!(first, Verdict::Refused { .. }), "{first:?}");
}

pub(crate) async fn a_shorter_pause_holds_for_those_who_wait_already(backend: &Backend) {
    let node = backend.node("a").await;
    let pace = async |name: &str, every| node.bus.pace("slow:z", name, every).await.unwrap();
    let minute = Duration::from_secs(60);
    assert!(matches!(pace("first", HOUR).await, Verdict::Allowed { .. }));
    let Verdict::Refused { retry_after } = pace("second", minute).await else {
        panic!("two in one minute")
    };
    assert!(retry_after <= minute && retry_after > Duration::from_secs(30), "{retry_after:?}");
    eventually("another passes", async || {
        matches!(pace("second", Duration::from_millis(300)).await, Verdict::Allowed { .. })
    })
    .await;
}

pub(crate) async fn a_longer_pause_holds_from_the_next_on(backend: &Backend) {
    let node = backend.node("a").await;
    let pace = async |name: &str, every| node.bus.pace("slow:w", name, every).await.unwrap();
    let minute = Duration::from_secs(60);
    assert!(matches!(pace("first", minute).await, Verdict::Allowed { .. }));
    let Verdict::Refused { retry_after } = pace("second", HOUR).await else {
        panic!("two in one minute")
    };
    assert!(retry_after <= minute, "{retry_after:?}");
}

pub(crate) async fn paces_do_not_share_a_key(backend: &Backend) {
    let node = backend.node("a").await;
    for (key, name) in [("slow:a", "one"), ("slow:b", "two"), ("fast:a", "three")] {
        let verdict = node.bus.pace(key, name, HOUR).await.unwrap();
        assert!(matches!(verdict, Verdict::Allowed { .. }), "{key}: {verdict:?}");
    }
}
