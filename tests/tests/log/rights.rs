//! Senders who lose the right to send and get it back: a message that was refused is never appended by an earlier attempt.

use std::time::Duration;

use chat::log::{Appended, SendError};
use domain::{MessageKind, Timestamp, UserId};
use end_to_end::aws::{MEMBERS, log};

use crate::conversation::TestConversation;
use crate::proxy::{Gate, holding_query_of};

/// Requires that nothing of the user is in the log.
async fn check(conversation: &TestConversation, user: UserId, appended: Result<Appended, SendError>) {
    assert!(matches!(appended, Err(SendError::Behind | SendError::Muted(_))), "{appended:?}");
    let of_user = |item: &store::dynamodb::LogItem| item.sender_id == user && item.client_message_id.is_some();
    assert!(!conversation.items().await.iter().any(of_user), "refused but in the log");
}

async fn until(time: Timestamp) {
    while Timestamp::now() <= time {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The first attempt has read the log when the mute begins, and goes on when it is over.
#[tokio::test]
async fn a_mute_that_ends_lets_no_refused_message_through() {
    let conversation = TestConversation::group().await;
    let draft = conversation.draft(conversation.bob, 1, "words");
    let (first, again) = (conversation.process(), conversation.process());
    let opened = first.open(&draft).await.unwrap();
    let end = Timestamp::now().plus(Duration::from_millis(500));
    conversation.mute(conversation.bob, Some(end)).await;
    let refused = again.open(&draft).await;
    assert!(matches!(refused, Err(SendError::Muted(_))), "{refused:?}");
    until(end).await;
    check(&conversation, conversation.bob, opened.append().await).await;
    // With the cursor behind the mute, the message is sent.
    let later = conversation.draft(conversation.bob, 2, "words");
    assert!(again.open(&later).await.unwrap().append().await.is_ok());
}

/// The client knows of the mute, and the first attempt reads the members when it is over.
#[tokio::test]
async fn a_mute_counts_from_the_beginning_of_an_attempt() {
    let conversation = TestConversation::group().await;
    let end = Timestamp::now().plus(Duration::from_secs(1));
    let seq = conversation.mute(conversation.bob, Some(end)).await;
    let draft = conversation.draft(conversation.bob, seq, "words");
    let gate = Gate::default();
    let slow = log(&holding_query_of(MEMBERS, 0, 1, gate.clone()).await);
    let (appended, refused) = tokio::join!(async { slow.open(&draft).await?.append().await }, async {
        gate.reached.notified().await;
        let refused = conversation.process().open(&draft).await.map(drop);
        until(end).await;
        gate.open.notify_one();
        refused
    });
    assert!(matches!(refused, Err(SendError::Muted(_))), "{refused:?}");
    check(&conversation, conversation.bob, appended).await;
}

#[tokio::test]
async fn an_unmuted_or_added_sender_gets_no_refused_message_through() {
    for is_removed in [false, true] {
        let conversation = TestConversation::group().await;
        let bob = conversation.bob;
        let draft = conversation.draft(bob, 1, "words");
        let (first, again) = (conversation.process(), conversation.process());
        let opened = first.open(&draft).await.unwrap();
        if is_removed {
            conversation.leave(bob).await;
        } else {
            conversation.mute(bob, Some(Timestamp::MAX)).await;
        }
        let refused = again.open(&draft).await;
        assert!(matches!(refused, Err(SendError::Muted(_) | SendError::NotAMember)), "{refused:?}");
        if is_removed {
            conversation.join(bob).await;
        } else {
            conversation.mute(bob, None).await;
        }
        check(&conversation, bob, opened.append().await).await;
        // A process that remembers the log gives the same answer as one that has to read it.
        for process in [&first, &again, &conversation.process()] {
            let refused = process.open(&draft).await;
            assert!(matches!(refused, Err(SendError::Behind)), "{refused:?}");
        }
    }
}

/// Mutes of others are nobody's business.
#[tokio::test]
async fn mutes_of_others_do_not_matter() {
    let conversation = TestConversation::group().await;
    conversation.mute(conversation.bob, Some(Timestamp::MAX)).await;
    let draft = conversation.draft(conversation.alice, 1, "words");
    let sent = conversation.process().open(&draft).await.unwrap().append().await.unwrap();
    assert!(matches!(sent.item.kind, MessageKind::Text(_)));
}
