//! Many relays, one outbox: each change reaches the log once.

use std::time::Duration;

use chat::membership::{Applied, Relay};
use domain::flood::FloodLimit;
use domain::membership::Action;
use domain::{ApiError, ConversationId, ErrorCode, Role, UserId};
use end_to_end::faults::Kind;
use end_to_end::{Cloud, TestUser, aws};
use futures_util::future::join_all;
use serde_json::json;
use store::dynamodb::{Members, Messages};
use store::sql::{Conversations, Outbox};
use store::sqs::Queue;

use crate::group::Group;

/// The name of the relays in fault plans.
const RELAYS: &str = "relays";

fn relay(cloud: &Cloud) -> Relay {
    let dynamodb = aws::dynamodb_as(cloud, RELAYS);
    Relay {
        messages: Messages::new(dynamodb.clone(), aws::MESSAGES.to_owned()),
        members: Members::new(dynamodb, aws::MEMBERS.to_owned()),
        outbox: Outbox::new(aws::database(cloud)),
    }
}

/// Runs a relay until it succeeds.
async fn run_until_done(relay: Relay, conversation: ConversationId) -> Vec<Applied> {
    let mut all = Vec::new();
    loop {
        match relay.run(conversation).await {
            Ok(applied) => {
                all.extend(applied);
                return all;
            }
            Err(error) => assert!(matches!(error, store::StoreError::Busy { .. }), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn concurrent_relays_apply_each_change_once_under_faults() {
    let cloud = Cloud::shared();
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let public = json!({"type": "public", "title": "Square", "member_ids": [bob.user_id]});
    let bobs = [&bob];
    let (group, public) = tokio::join!(Group::of(&alice, &bobs), Group::new(&alice, &public));
    let queue = Queue::new(aws::sqs(cloud), aws::relay_queue_url(cloud));
    let conversations = Conversations::new(aws::database(cloud), queue);
    let [a, b, c]: [UserId; 3] = [&alice, &bob, &carol].map(|user| user.user_id.parse().unwrap());
    let steps = [
        (a, Action::Add(vec![c])),
        (a, Action::SetRole(b, Role::Owner)),
        (b, Action::Remove(c)),
        (b, Action::SetTitle("Bob's".to_owned())),
        (a, Action::Leave),
        (b, Action::Add(vec![a, c])),
        (c, Action::Leave),
        (b, Action::Mute(a, Some(domain::Timestamp::from_epoch_millis(4_000_000_000_000)))),
        (b, Action::Leave),
    ];
    // Committed, and not relayed.
    for group in [&group, &public] {
        for (actor, action) in &steps {
            let committed = conversations.change(group.id.parse().unwrap(), *actor, std::slice::from_ref(action)).await;
            assert_eq!(committed.unwrap().changes.len(), 1, "{action:?}");
        }
    }
    let faults = [
        Kind::ResponseLost.rule().operation("TransactWriteItems").chance(0.3),
        Kind::Conflict.rule().operation("TransactWriteItems").chance(0.2),
        Kind::RequestLost.rule().chance(0.1),
        Kind::Throttle.rule().chance(0.1),
        Kind::Delay(0, 20).rule().chance(0.3),
    ];
    cloud.inject_faults(11, &faults.map(|rule| rule.function(RELAYS))).await;
    let send_texts = async {
        let mut socket = bob.connect().await;
        for n in 0..20 {
            group.send_text(&mut socket, &format!("{n}")).await;
        }
    };
    let both = [&group, &public];
    let runs = both.into_iter().flat_map(|group| {
        let conversation = group.id.parse().unwrap();
        (0..5).map(move |_| tokio::spawn(run_until_done(relay(cloud), conversation)))
    });
    let (applied, ()) = tokio::join!(join_all(runs), send_texts);
    cloud.clear_faults().await;
    let mut logged: Vec<_> =
        applied.into_iter().flat_map(Result::unwrap).filter_map(|applied| applied.message).collect();
    let total = logged.len();
    logged.sort_by_key(|message| message.message_id);
    logged.dedup_by_key(|message| message.message_id);
    assert_eq!(logged.len(), total, "a change was applied twice");
    for group in [&group, &public] {
        let state = group.stored_state().await;
        assert_eq!(state.conversation_row.as_ref().unwrap().version, 10);
        assert_eq!(state.role(&alice.user_id), Some(Role::Owner));
        assert_eq!(state.active.len(), 1);
    }
}

#[tokio::test]
async fn changes_of_one_user_are_limited_and_those_of_others_are_not() {
    let cloud = Cloud::shared();
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = Group::of(&alice, &[&bob]).await;
    let [a, b]: [UserId; 2] = [&alice, &bob].map(|user| user.user_id.parse().unwrap());
    let queue = Queue::new(aws::sqs(cloud), aws::relay_queue_url(cloud));
    let limit = FloodLimit::new(0, 2, Duration::from_hours(1));
    let conversations = Conversations::new(aws::database(cloud), queue).limited(limit);
    let change = async |actor: UserId, action: Action| {
        let changed = conversations.change(group.id.parse().unwrap(), actor, &[action]).await;
        changed.map(|committed| committed.changes.len()).map_err(|error| ApiError::from(error).code)
    };
    assert_eq!(change(a, Action::SetRole(b, Role::Owner)).await, Ok(1));
    assert_eq!(change(a, Action::SetTitle("One".to_owned())).await, Ok(1));
    assert_eq!(change(a, Action::SetTitle("Two".to_owned())).await, Err(ErrorCode::RateLimited));
    assert_eq!(change(a, Action::SetTitle("One".to_owned())).await, Ok(0), "the title that it has is no change");
    assert_eq!(change(b, Action::SetTitle("Two".to_owned())).await, Ok(1), "everybody has a limit of their own");
    assert_eq!(change(a, Action::Leave).await, Ok(1), "a departure is never refused");
}
