//! Faults on purpose: what AWS does to its clients on a bad day, as often and as repeatably as a test wants it.

mod answer;
mod rule;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use answer::answer;
pub use rule::{Kind, Milliseconds, Moment, Plan, PlanError, Rule};

use local_aws::Call;

/// The plan in force. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Armed>>>);

/// A rule at work.
#[derive(Debug)]
struct Armed {
    rule: Rule,
    /// Of its own, so that what other rules match does not change what this one does.
    chance: StdRng,
    matched: u64,
    fired: u64,
}

/// The decision about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The kind of the fault.
    pub kind: Kind,
    /// Of a `delay`, how long.
    pub delay: Duration,
}

impl Faults {
    /// Replaces the plan. It has been validated.
    pub fn install(&self, plan: Plan) {
        let seed = plan.seed;
        let arm = |(number, rule): (u64, Rule)| {
            // Neighbouring seeds must not shift the rules' sequences into each other.
            let chance = StdRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number));
            Armed { rule, chance, matched: 0, fired: 0 }
        };
        *self.lock() = (0..).zip(plan.rules).map(arm).collect();
    }

    /// Decides what happens to a request. Every call counts as a request.
    pub fn draw(&self, call: &Call) -> Option<Fault> {
        self.lock().iter_mut().find_map(|armed| armed.draw(call))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        // Nothing panics while it holds the lock: bounds and probabilities have been validated.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn draw(&mut self, call: &Call) -> Option<Fault> {
        if !self.rule.matches(call) {
            return None;
        }
        self.matched += 1;
        if self.matched <= self.rule.skip || self.rule.next.is_some_and(|next| self.fired >= next) {
            return None;
        }
        if self.rule.probability.is_some_and(|probability| !self.chance.random_bool(probability)) {
            return None;
        }
        self.fired += 1;
        let delay = match self.rule.kind {
            Kind::Delay(Milliseconds::Exactly(delay)) => delay,
            Kind::Delay(Milliseconds::Between(low, high)) => self.chance.random_range(low..=high),
            _ => 0,
        };
        Some(Fault { kind: self.rule.kind, delay: Duration::from_millis(delay) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use local_aws::Service;

    fn put(table: &str) -> Call {
        Call {
            service: Service::Dynamodb,
            method: http::Method::POST,
            path: "/".to_owned(),
            operation: "PutItem".to_owned(),
            resources: vec![table.to_owned()],
            owner: None,
            schedule: None,
            caller: "Send".to_owned(),
            instance: None,
            eventually_consistent: false,
            input: json!({}),
        }
    }

    fn faults(plan: &serde_json::Value) -> Faults {
        let plan: Plan = serde_json::from_value(plan.clone()).unwrap();
        plan.validate().unwrap();
        let faults = Faults::default();
        faults.install(plan);
        faults
    }

    fn sequence(seed: u64, noise: bool) -> Vec<Option<Fault>> {
        let rule = json!({"resource": "log", "probability": 0.5, "kind": {"delay": [1, 100]}});
        let faults = faults(&json!({"seed": seed, "rules": [rule]}));
        (0..40)
            .map(|_| {
                if noise {
                    assert_eq!(faults.draw(&put("other")), None);
                }
                faults.draw(&put("log"))
            })
            .collect()
    }

    #[test]
    fn a_seed_is_a_sequence_whatever_else_goes_on() {
        assert_eq!(sequence(7, false), sequence(7, true));
        assert_ne!(sequence(7, false), sequence(8, false));
        let fired = sequence(7, false).iter().flatten().count();
        assert!((5..35).contains(&fired), "{fired}");
    }

    #[test]
    fn skip_and_next_count_matching_requests() {
        let rule = json!({"operation": "PutItem", "function": "Send", "kind": "throttle", "skip": 1, "next": 2});
        let faults = faults(&json!({"rules": [rule]}));
        let fired: Vec<_> = (0..5).map(|_| faults.draw(&put("log")).is_some()).collect();
        assert_eq!(fired, [false, true, true, false, false]);
    }

    #[test]
    fn a_fault_applies_only_to_requests_that_can_have_it() {
        for kind in [json!("gone"), json!({"stale_read": {"writes": 1}}), json!({"kill": "after"})] {
            assert_eq!(faults(&json!({"rules": [{"kind": kind}]})).draw(&put("log")), None, "{kind}");
        }
    }

    #[test]
    fn invalid_plans_are_refused() {
        let refused =
            |rules| serde_json::from_value::<Plan>(json!({ "rules": rules })).unwrap().validate().unwrap_err();
        assert_eq!(refused(json!([{"kind": "gone", "probability": 1.5}])), PlanError::Probability(0));
        assert_eq!(refused(json!([{"kind": {"delay": [2, 1]}}])), PlanError::Delay(0));
        assert_eq!(refused(json!([{"kind": "gone", "service": "sqs"}])), PlanError::Impossible(0, Service::Sqs));
        let stale = json!([{"kind": {"stale_read": {"ms": 1}}}, {"kind": {"stale_read": {"writes": 1}}}]);
        assert_eq!(refused(stale), PlanError::Lag(1));
        assert!(serde_json::from_value::<Plan>(json!({"rules": [{"kind": "gone", "tabel": "x"}]})).is_err());
    }
}
