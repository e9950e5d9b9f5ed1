//! A resend gets the seq of the first attempt.

use chat::log::{Draft, SendError};
use domain::{Content, Seq};
use end_to_end::aws::log;
use store::StoreError;

use crate::conversation::TestConversation;
use crate::proxy::{Loss, lagging_at, losing_responses};

#[tokio::test]
async fn resend_after_other_messages_returns_the_first_seq() {
    let conversation = TestConversation::private().await;
    let draft = conversation.draft(conversation.alice, 1, "once");
    let first = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((first.item.seq, first.duplicate, first.puts), (Seq(2), false, 1));
    for sender in [conversation.bob, conversation.alice, conversation.bob] {
        conversation.send_text(sender, "in between").await;
    }
    let again = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((&again.item, again.duplicate, again.puts), (&first.item, true, 0));
    assert_eq!(conversation.items().await.len(), 5);
}

#[tokio::test]
async fn resend_is_found_where_a_read_leaves_it_out() {
    let conversation = TestConversation::private().await;
    let draft = conversation.draft(conversation.alice, 1, "once");
    let first = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    conversation.send_text(conversation.bob, "later").await;
    let lagging = log(&lagging_at(first.item.seq.0).await);
    let again = lagging.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((again.item.seq, again.duplicate), (first.item.seq, true));
    assert_eq!(conversation.items().await.len(), 3);
}

#[tokio::test]
async fn client_message_ids_are_scoped_to_their_sender() {
    let conversation = TestConversation::private().await;
    let draft = conversation.draft(conversation.alice, 1, "mine");
    conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    let other = Draft { sender_id: conversation.bob, ..draft };
    let appended = conversation.log.open(&other).await.unwrap().append().await.unwrap();
    assert_eq!((appended.item.seq, appended.duplicate), (Seq(3), false));
}

#[tokio::test]
async fn reused_client_message_id_with_other_content_is_refused() {
    let conversation = TestConversation::private().await;
    let draft = conversation.draft(conversation.alice, 1, "one thing");
    // Both have read before either has written, so the second finds out only when it loses the place.
    let other = Draft { content: Content { text: "another".to_owned(), ..draft.content.clone() }, ..draft.clone() };
    let process = conversation.process();
    let late = process.open(&other).await.unwrap();
    conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    assert!(matches!(late.append().await, Err(SendError::IdempotencyMismatch)));
    let again = conversation.log.open(&other).await.unwrap().append().await;
    assert!(matches!(again, Err(SendError::IdempotencyMismatch)), "{again:?}");
    assert_eq!(conversation.items().await.len(), 2);
}

#[tokio::test]
async fn put_retried_by_the_sdk_writes_one_item() {
    for loss in [Loss::Error, Loss::Cut] {
        let conversation = TestConversation::private().await;
        let log = log(&losing_responses("PutItem", 1, loss).await);
        let draft = conversation.draft(conversation.alice, 1, "once");
        let appended = log.open(&draft).await.unwrap().append().await.unwrap();
        assert!(!appended.duplicate, "{loss:?}: this attempt wrote it");
        let items = conversation.items().await;
        assert_eq!(items.len(), 2, "{loss:?}: {items:?}");
        assert_eq!(items[1], appended.item, "{loss:?}");
    }
}

#[tokio::test]
async fn message_keeps_its_seq_when_every_response_is_lost() {
    let conversation = TestConversation::private().await;
    let lossy = log(&losing_responses("PutItem", usize::MAX, Loss::Error).await);
    let draft = conversation.draft(conversation.alice, 1, "once");
    let lost = lossy.open(&draft).await.unwrap().append().await;
    assert!(matches!(lost, Err(SendError::Store(StoreError::Busy { .. }))), "{lost:?}");
    conversation.send_text(conversation.bob, "meanwhile").await;

    let again = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((again.item.seq, again.duplicate), (Seq(2), true));
    assert_eq!(conversation.items().await.len(), 3);
}
