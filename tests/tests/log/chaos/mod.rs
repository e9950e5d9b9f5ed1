//! The guarantees of the log, checked under all faults at once.
//!
//! Many devices write to one conversation through a cloud that answers stale, twice, late, wrongly or not at all. Invocations
//! crash between their calls; the same message is sent again, several times at once and much later; members are removed and
//! added again by a relay with a fast clock. Afterwards the log has to be as if nothing had failed.
//!
//! A run has a seed, which decides the fault plan and the operations of each device. `CHAOS_SEED` repeats one; `CHAOS_SEEDS`
//! sets the number of random ones. A seed does not cover the machine's scheduling of tasks, so a violation may take some
//! repetitions to recur.

mod check;
mod device;
mod members;
mod sent;
mod writer;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::UserId;
use end_to_end::Cloud;
use end_to_end::aws::{MEMBERS, MESSAGES, dynamodb_as};
use end_to_end::faults::{Kind, Lag, Rule};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::conversation::TestConversation;
use check::{RunRecord, Violation};
use device::Device;
use writer::MakeWriter;

/// The caller whose requests get faults: the devices' invocations. The relay, the reader of the final log and the other tests
/// of this binary get none.
const CALLER: &str = "chaos";

/// Number of seeds in a run of the tests, unless `CHAOS_SEEDS` sets it.
const SEEDS: u64 = 3;

/// Number of messages of each device.
const MESSAGES_PER_DEVICE: usize = 6;

/// A cloud has one plan of faults at a time.
static EXCLUSIVE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn log_keeps_every_rule_under_faults() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("the setting is a number"));
    let seeds: Vec<u64> = match number("CHAOS_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("CHAOS_SEEDS").unwrap_or(SEEDS)).map(|_| rand::rng().random()).collect(),
    };
    for seed in seeds {
        let violations = run(writer::writer!(crate::chaos::production), seed).await;
        assert!(violations.is_empty(), "CHAOS_SEED={seed}: {violations:#?}");
    }
}

/// One conversation, from its beginning to the check of its log.
async fn run(make: MakeWriter, seed: u64) -> Vec<Violation> {
    let _exclusive = EXCLUSIVE.lock().await;
    let cloud = Cloud::shared();
    let mut rng = StdRng::seed_from_u64(seed);
    let conversation = Arc::new(TestConversation::group().await);
    cloud.inject_faults(seed, &fault_rules()).await;
    let processes: [_; 2] = [(); 2].map(|()| make(&dynamodb_as(cloud, CALLER), None));

    let [carol, dave, erin] = [(); 3].map(|()| UserId(Uuid::new_v4()));
    let initial_members = BTreeSet::from([conversation.alice, conversation.bob]);
    let (newest_change, changes) = watch::channel(1);
    let users = [
        conversation.alice,
        conversation.alice,
        conversation.alice,
        conversation.bob,
        conversation.bob,
        carol,
        carol,
        dave,
        dave,
        erin,
    ];
    let devices = users.into_iter().enumerate().map(|(number, user)| {
        let (processes, conversation, changes) = (processes.clone(), Arc::clone(&conversation), changes.clone());
        let rng = StdRng::seed_from_u64(rng.random());
        let device = Device { user, processes, conversation, changes, rng, seen: 1 };
        async move { tokio::spawn(device.run(number, MESSAGES_PER_DEVICE)).await.expect("no device panics") }
    });
    let devices = join_all(devices);
    // alice stays, so that there is always a writer.
    let others = [conversation.bob, carol, dave, erin];
    let change_members = members::change_members(&conversation, &others, initial_members.clone(), rng, newest_change);
    let (devices, changes) = tokio::join!(devices, change_members);
    cloud.clear_faults().await;
    check::check(&RunRecord { items: conversation.items().await, devices, initial_members, changes })
}

/// Returns the faults and their probabilities.
fn fault_rules() -> Vec<Rule> {
    let faults = [
        (MESSAGES, "Query", Kind::StaleRead(Lag::Writes(8)), 0.5),
        (MESSAGES, "Query", Kind::Delay(1, 60), 0.4),
        (MESSAGES, "Query", Kind::ResponseError, 0.02),
        (MESSAGES, "Query", Kind::RequestLost, 0.02),
        (MEMBERS, "Query", Kind::StaleRead(Lag::Writes(8)), 0.4),
        (MEMBERS, "Query", Kind::Delay(1, 40), 0.4),
        (MEMBERS, "Query", Kind::ResponseError, 0.02),
        (MEMBERS, "TransactGetItems", Kind::Conflict, 0.1),
        (MEMBERS, "TransactGetItems", Kind::ResponseLost, 0.05),
        (MESSAGES, "PutItem", Kind::ResponseLost, 0.08),
        (MESSAGES, "PutItem", Kind::ResponseError, 0.08),
        (MESSAGES, "PutItem", Kind::RequestLost, 0.04),
        (MESSAGES, "PutItem", Kind::Throttle, 0.04),
        (MESSAGES, "PutItem", Kind::Conflict, 0.04),
        (MESSAGES, "PutItem", Kind::Delay(1, 60), 0.3),
    ];
    let rule = |(table, operation, kind, probability): (&str, &str, Kind, f64)| {
        kind.rule().resource(table).operation(operation).function(CALLER).chance(probability)
    };
    faults.map(rule).into()
}

/// The production code, laid out as the mutants are.
mod production {
    pub(super) use chat::log;
    pub(super) use store::dynamodb;
}
