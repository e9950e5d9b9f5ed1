//! Removes and adds members while others write: changes wait in an outbox, and relays bring them to the log.

use std::rc::Rc;
use std::time::Duration;

use chat::membership::Projection;
use end_to_end::crash::unless_crashed;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::StoreError;

use crate::chaos::check::Change;
use crate::conversation::Conversation;
use crate::executor::{self, Machine, Name};
use crate::history::What;

/// A relay that crashes has been polled less often than this.
const POLLS: u32 = 40;

/// Longest time of a request to SQL, in milliseconds.
const SQL_MILLIS: u64 = 10;

/// Decides the changes, each by its seed, and has them relayed.
pub(crate) async fn change_members(conversation: Rc<Conversation>, changes: Vec<(usize, u64)>, pause: u64) {
    let (mut relays, mut number) = (Vec::new(), 0);
    for (user, seed) in changes {
        let mut rng = StdRng::seed_from_u64(seed);
        executor::sleep(Duration::from_millis(rng.random_range(0..=2 * pause))).await;
        conversation.change_member(user, conversation.is_public() && rng.random_bool(0.8));
        // The request relays what it has changed; a worker may do so at the same time, or later, or both crash.
        for _ in 0..rng.random_range(0..=2) {
            number += 1;
            let crash = rng.random_bool(0.4).then(|| rng.random_range(1..POLLS));
            let wait = rng.random_range(0..=pause);
            let machine = Machine::new(Name::Relay(number), rng.random(), conversation.skew);
            let relay = unless_crashed(relay(Rc::clone(&conversation), wait), crash);
            relays.push(executor::spawn(machine, relay));
        }
        if rng.random_bool(0.5) {
            for relay in relays.drain(..) {
                relay.join().await;
            }
        }
    }
    for relay in relays {
        relay.join().await;
    }
}

/// Relays what is left, as the queue does that repeats what failed. Fails with what went wrong.
pub(crate) async fn settle(conversation: &Rc<Conversation>) -> Result<(), String> {
    for attempt in 0.. {
        match relay(Rc::clone(conversation), 0).await {
            Ok(()) => break,
            Err(StoreError::Busy { .. }) if attempt < 100 => {}
            Err(error) => return Err(format!("a change cannot be relayed: {error:?}")),
        }
    }
    Ok(())
}

/// Has a member of a public conversation leave it soon, or join it again, while their message is under way.
pub(crate) async fn leave_or_join(conversation: Rc<Conversation>, user: usize, wait: u64) {
    executor::sleep(Duration::from_millis(wait)).await;
    conversation.change_member(user, true);
    // What fails is relayed with what comes later.
    drop(relay(conversation, 0).await);
}

/// Applies the changes in the outbox, in order.
async fn relay(conversation: Rc<Conversation>, wait: u64) -> Result<(), StoreError> {
    executor::sleep(Duration::from_millis(wait)).await;
    loop {
        sql().await;
        let Some(pending) = conversation.outbox.borrow().first().cloned() else { return Ok(()) };
        let log = &conversation.log;
        let projection = Projection { messages: &log.messages, members: &log.members };
        let applied = Box::pin(projection.write(&pending)).await?;
        executor::note(What::Applied { seq: applied.seq.0 });
        sql().await;
        let first = conversation.outbox.borrow().first().is_some_and(|first| first.version == pending.version);
        if first {
            conversation.outbox.borrow_mut().remove(0);
            let effect = pending.change.effect();
            let joined = effect.joined.first().map(|member| member.user_id);
            let user = joined.or(effect.left.map(|left| left.user_id)).expect("a change of members");
            let silent = pending.change.logged().is_none().then_some(applied.at);
            let change = Change { seq: applied.seq.0, user, joined: joined.is_some(), silent };
            conversation.changes.borrow_mut().push(change);
        }
    }
}

async fn sql() {
    executor::sleep(Duration::from_millis(executor::chance(|rng| rng.random_range(1..=SQL_MILLIS)))).await;
}
