//! One run: a conversation from its beginning to the check of its log.

use std::rc::Rc;
use std::time::Duration;

use chat::membership::Projection;
use domain::Seq;
use domain::period::SeqRange;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::dynamodb::messages::Order;

use crate::chaos::check::{Rule, RunRecord, Violation, check};
use crate::chaos::writer::MakeWriter;
use crate::conversation::Conversation;
use crate::device::Device;
use crate::executor::{self, Machine, Name};
use crate::history::Event;
use crate::members::change_members;
use crate::network::FaultPlan;
use crate::plan::Plan;

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) violations: Vec<Violation>,
    pub(crate) history: Vec<Event>,
}

/// Carries out a plan with the production code, or with a mutant of it.
pub(crate) fn run(plan: &Plan, make: MakeWriter) -> Outcome {
    let (record, history) = executor::run(plan.seed, record(plan.clone(), make));
    let violations = match record {
        Ok((record, problems)) => {
            let problems = problems.into_iter().map(|problem| Violation::new(Rule::Answer, problem));
            check(&record).into_iter().chain(problems).collect()
        }
        Err(stalled) => vec![Violation::new(Rule::Answer, format!("{stalled:?}"))],
    };
    Outcome { violations, history }
}

async fn record(plan: Plan, make: MakeWriter) -> (RunRecord, Vec<String>) {
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
        };
        let machine = Machine::new(Name::Device(number), rng.random(), Duration::ZERO);
        executor::spawn(machine, device.run(plan.of_device(number))).join()
    });
    let devices: Vec<_> = devices.collect();
    let machine = Machine::new(Name::Members, rng.random(), Duration::ZERO);
    let changes = change_members(Rc::clone(&conversation), plan.changes(), plan.pause);
    let (devices, problems) = tokio::join!(join_all(devices), executor::spawn(machine, changes).join());
    conversation.network.set(FaultPlan::default());
    // What was sent before a crash may still arrive.
    executor::sleep(Duration::from_secs(10)).await;
    let everything = SeqRange { first: Seq::ZERO, last: Seq::MAX };
    let messages = &conversation.log.messages;
    let items = messages.read(conversation.id, everything, Order::Ascending, usize::MAX, true).await;
    let record = RunRecord {
        items: items.expect("a read without faults"),
        devices,
        initial_members: conversation.initial_members(),
        changes: conversation.changes.take(),
    };
    (record, problems)
}

/// Creates the conversation, without faults.
async fn begin(conversation: &Conversation, plan: &Plan) {
    let log = &conversation.log;
    let projection = Projection { messages: &log.messages, members: &log.members };
    Box::pin(projection.write(&conversation.created())).await.expect("a new conversation");
    conversation.network.set(plan.faults.clone());
}
