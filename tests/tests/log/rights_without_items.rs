//! Rights that end without an item in the log, by leaving a public conversation or by a block: a refusal is final only once no earlier
//! attempt of the message can be under way.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chat::log::SendError;
use domain::Timestamp;
use end_to_end::TestUser;
use end_to_end::aws::{MEMBERS, log};
use end_to_end::test_user::until_not_busy;
use serde_json::json;

use crate::conversation::TestConversation;
use crate::proxy::lagging_at;

/// Alice owns a public conversation of which Bob is a member.
struct Public {
    conversation: TestConversation,
    alice: TestUser,
    bob: TestUser,
}

impl Public {
    async fn new() -> Self {
        let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
        let body = json!({"type": "public", "title": "Log", "member_ids": [bob.user_id]});
        let conversation = TestConversation::of(&alice, &bob, &alice.create_conversation(&body).await);
        Self { conversation, alice, bob }
    }

    /// Ends Bob's membership, by himself or by Alice.
    async fn remove_bob(&self, by: &TestUser) {
        let path = format!("/v1/conversations/{}/members/{}", self.conversation.id, self.bob.user_id);
        let (status, answer) = until_not_busy(|| by.delete(&path)).await;
        assert!(status < 300, "{status} {answer}");
    }

    /// Dates the end of Bob's membership back.
    async fn bob_left_before(&self, age: Duration) {
        let before = AttributeValue::S(Timestamp::now().minus(age).to_string());
        self.conversation
            .set(&format!("p#{}", self.bob.user_id), "periods[0].#left.#at", &["left", "at"], before)
            .await;
    }
}

impl TestConversation {
    /// Sets a part of an item of the members.
    async fn set(&self, entry: &str, path: &str, names: &[&str], value: AttributeValue) {
        let mut update = self
            .dynamodb
            .update_item()
            .table_name(MEMBERS)
            .key("conversation_id", AttributeValue::S(self.id.to_string()))
            .key("entry", AttributeValue::S(entry.to_owned()))
            .update_expression(format!("SET {path} = :value"))
            .expression_attribute_values(":value", value);
        for name in names {
            update = update.expression_attribute_names(format!("#{name}"), *name);
        }
        update.send().await.unwrap();
    }
}

fn millis(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.epoch_millis().to_string())
}

#[tokio::test]
async fn message_under_way_as_its_sender_leaves_is_not_refused_for_good() {
    let public = Public::new().await;
    let conversation = &public.conversation;
    let draft = conversation.draft(conversation.bob, 1, "and goodbye");
    let (first, again) = (conversation.process(), conversation.process());
    let opened = first.open(&draft).await.unwrap();
    public.remove_bob(&public.bob).await;
    let refused = again.open(&draft).await;
    assert!(matches!(refused, Err(SendError::UnderWay(_))), "{refused:?}");
    let sent = opened.append().await.unwrap();
    // It lies behind the sender's membership. A read that lags does not have it.
    for process in [again, log(&lagging_at(sent.item.seq.0).await)] {
        let found = process.open(&draft).await.unwrap().append().await.unwrap();
        assert_eq!((found.item, found.duplicate), (sent.item.clone(), true));
    }
}

#[tokio::test]
async fn sender_who_has_left_a_public_conversation_is_refused_after_a_while() {
    let public = Public::new().await;
    let conversation = &public.conversation;
    let draft = conversation.draft(conversation.bob, 1, "one more thing");
    public.remove_bob(&public.bob).await;
    let refusal = async |after: Option<u64>| {
        let draft = chat::log::Draft { after_seq: after.map(domain::Seq), ..draft.clone() };
        conversation.process().open(&draft).await.map(drop).unwrap_err()
    };
    let once = refusal(None).await;
    assert!(matches!(once, SendError::NotAMember), "nobody asks for earlier attempts: {once:?}");
    let early = refusal(Some(1)).await;
    assert!(matches!(early, SendError::UnderWay(wait) if wait <= Duration::from_secs(15)), "{early:?}");
    public.bob_left_before(Duration::from_secs(16)).await;
    let late = refusal(Some(1)).await;
    assert!(matches!(late, SendError::NotAMember), "{late:?}");
}

/// The removal is an item, which an attempt that is under way finds in its place.
#[tokio::test]
async fn sender_who_was_removed_from_a_public_conversation_is_refused_at_once() {
    let public = Public::new().await;
    let conversation = &public.conversation;
    let draft = conversation.draft(conversation.bob, 1, "one more thing");
    let first = conversation.process();
    let opened = first.open(&draft).await.unwrap();
    public.remove_bob(&public.alice).await;
    let refused = conversation.process().open(&draft).await.map(drop);
    assert!(matches!(refused, Err(SendError::NotAMember)), "{refused:?}");
    let late = opened.append().await;
    assert!(matches!(late, Err(SendError::NotAMember)), "{late:?}");
}

#[tokio::test]
async fn message_under_way_as_its_sender_is_blocked_is_not_refused_for_good() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let conversation = TestConversation::of(&alice, &bob, &id);
    let draft = conversation.draft(conversation.bob, 1, "words");
    let first = conversation.process();
    let opened = first.open(&draft).await.unwrap();
    let (status, blocked) = alice.patch(&format!("/v1/conversations/{id}"), &json!({"blocked": true})).await;
    assert_eq!(status, 200, "{blocked}");
    let early = conversation.process().open(&draft).await.map(drop);
    assert!(matches!(early, Err(SendError::UnderWay(_))), "{early:?}");
    drop(opened);
    let before = Timestamp::now().minus(Duration::from_secs(16));
    conversation.set("#conversation", "changed_at", &[], millis(before)).await;
    let late = conversation.process().open(&draft).await.map(drop);
    assert!(matches!(late, Err(SendError::Blocked)), "{late:?}");
}

/// A user who joins after an attempt began has not sent it as a member.
#[tokio::test]
async fn attempt_from_before_its_sender_joined_is_behind() {
    let public = Public::new().await;
    let conversation = &public.conversation;
    conversation.set(&format!("a#{}", public.bob.user_id), "joined_seq", &[], AttributeValue::N("2".to_owned())).await;
    let soon = millis(Timestamp::now().plus(Duration::from_mins(1)));
    conversation.set(&format!("a#{}", public.bob.user_id), "joined_at", &[], soon).await;
    let draft = conversation.draft(conversation.bob, 1, "words");
    let refused = conversation.process().open(&draft).await.map(drop);
    assert!(matches!(refused, Err(SendError::Behind)), "{refused:?}");
}
