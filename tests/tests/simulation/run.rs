//! One run: a conversation from its beginning to the check of what is left.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use chat::membership::Projection;
use domain::period::SeqRange;
use domain::{ReceiptKind, Seq};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::dynamodb::messages::Order;

use crate::chaos::check::{Rule, RunRecord, Violation};
use crate::chaos::sent::Sent;
use crate::chaos::writer::MakeWriter;
use crate::check::{Finished, check};
use crate::conversation::Conversation;
use crate::device::{Device, Done, unamended};
use crate::executor::{self, Machine, Name};
use crate::history::Event;
use crate::members::{change_members, settle};
use crate::network::FaultPlan;
use crate::plan::Plan;

/// Longest time that a request can be under way.
const LAST_ARRIVAL: Duration = Duration::from_secs(10);

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) violations: Vec<Violation>,
    pub(crate) history: Vec<Event>,
}

/// Carries out a plan with the production code, or with a mutant of it.
pub(crate) fn run(plan: &Plan, make: MakeWriter) -> Outcome {
    let (finished, history) = executor::run(plan.seed, carry_out(plan.clone(), make));
    let violations = match finished {
        Ok(finished) => check(&finished),
        Err(stalled) => vec![Violation::new(Rule::Answer, format!("{stalled:?}"))],
    };
    Outcome { violations, history }
}

async fn carry_out(plan: Plan, make: MakeWriter) -> Finished {
    let conversation = Rc::new(Conversation::new(&plan, make));
    begin(&conversation, &plan).await;
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let devices = (0..plan.devices).map(|number| {
        let device = Device {
            number,
            user: number % plan.users,
            conversation: Rc::clone(&conversation),
            pause: plan.pause,
            seen: 1,
            done: Done::default(),
        };
        let machine = Machine::new(Name::Device(number), rng.random(), Duration::ZERO);
        executor::spawn(machine, device.run(plan.of_device(number))).join()
    });
    let devices: Vec<_> = devices.collect();
    let machine = Machine::new(Name::Members, rng.random(), Duration::ZERO);
    let changes = change_members(Rc::clone(&conversation), plan.changes(), plan.pause);
    let (devices, ()) = tokio::join!(join_all(devices), executor::spawn(machine, changes).join());
    let unfinished = settle(&conversation).await.err().into_iter().collect();
    conversation.network.set(FaultPlan::default());
    // What was sent before a crash may still arrive.
    executor::sleep(LAST_ARRIVAL).await;
    finish(&conversation, devices, unfinished).await
}

/// Reads what is left, without faults.
async fn finish(
    conversation: &Conversation,
    devices: Vec<(Vec<Sent>, Done, bool)>,
    mut unfinished: Vec<String>,
) -> Finished {
    let everything = SeqRange { first: Seq::ZERO, last: Seq::MAX };
    let log = &conversation.log;
    let items = log.messages.read(conversation.id, everything, Order::Ascending, usize::MAX, true).await;
    let items = items.expect("a read without faults");
    let (mut sent, mut amended, mut receipts, mut synced) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (messages, done, recorded) in devices {
        sent.push(messages);
        amended.extend(done.amended);
        receipts.extend(done.receipts);
        synced.extend(done.synced);
        if !recorded {
            unfinished.push("a receipt was never recorded".to_owned());
        }
    }
    let mut reached = BTreeMap::new();
    for receipt in &receipts {
        for kind in [ReceiptKind::Delivered, ReceiptKind::Read] {
            let watermarks = &conversation.receipts.watermarks;
            let times = watermarks.reached(kind, conversation.id, &[receipt.user_id], receipt.seq).await;
            let times = times.expect("a read without faults");
            reached.extend(times.into_iter().map(|(user, at)| ((kind, receipt.seq, user), at)));
        }
    }
    let mut periods = BTreeMap::new();
    for user in &conversation.users {
        let view = log.members.view(conversation.id, *user).await.expect("a read without faults");
        periods.extend(view.map(|view| (*user, view.periods)));
    }
    let record = RunRecord {
        items: items.iter().map(unamended).collect(),
        devices: sent,
        initial_members: conversation.initial_members(),
        changes: conversation.changes.take(),
    };
    let is_public = conversation.is_public();
    Finished { record, items, amended, receipts, is_public, reached, synced, periods, unfinished }
}

/// Creates the conversation, without faults.
async fn begin(conversation: &Conversation, plan: &Plan) {
    let log = &conversation.log;
    let projection = Projection { messages: &log.messages, members: &log.members };
    Box::pin(projection.write(&conversation.created())).await.expect("a new conversation");
    conversation.network.set(plan.faults.clone());
}
