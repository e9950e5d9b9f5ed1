//! A resend gets the seq of the first attempt.

use chat::log::{Draft, SendError};
use domain::{Content, Seq};
use end_to_end::aws::log;
use store::StoreError;

use crate::proxy::{Loss, losing};
use crate::talk::Talk;

#[tokio::test]
async fn resend_after_other_messages_returns_the_first_seq() {
    let talk = Talk::private().await;
    let draft = talk.draft(talk.alice, 1, "once");
    let first = talk.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((first.item.seq, first.duplicate, first.puts), (Seq(2), false, 1));
    for sender in [talk.bob, talk.alice, talk.bob] {
        talk.say(sender, "in between").await;
    }
    let again = talk.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((&again.item, again.duplicate, again.puts), (&first.item, true, 0));
    assert_eq!(talk.items().await.len(), 5);
}

#[tokio::test]
async fn client_message_ids_are_scoped_to_their_sender() {
    let talk = Talk::private().await;
    let draft = talk.draft(talk.alice, 1, "mine");
    talk.log.open(&draft).await.unwrap().append().await.unwrap();
    let other = Draft { sender_id: talk.bob, ..draft };
    let appended = talk.log.open(&other).await.unwrap().append().await.unwrap();
    assert_eq!((appended.item.seq, appended.duplicate), (Seq(3), false));
}

#[tokio::test]
async fn reused_client_message_id_with_other_content_is_refused() {
    let talk = Talk::private().await;
    let draft = talk.draft(talk.alice, 1, "one thing");
    // Both have read before either has written, so the second finds out only when it loses the place.
    let other = Draft { content: Content { text: "another".to_owned(), ..draft.content.clone() }, ..draft.clone() };
    let late = talk.log.open(&other).await.unwrap();
    talk.log.open(&draft).await.unwrap().append().await.unwrap();
    assert!(matches!(late.append().await, Err(SendError::IdempotencyMismatch)));
    let again = talk.log.open(&other).await.unwrap().append().await;
    assert!(matches!(again, Err(SendError::IdempotencyMismatch)), "{again:?}");
    assert_eq!(talk.items().await.len(), 2);
}

#[tokio::test]
async fn put_retried_by_the_sdk_writes_one_item() {
    for loss in [Loss::Error, Loss::Cut] {
        let talk = Talk::private().await;
        let log = log(&losing("PutItem", 1, loss).await);
        let draft = talk.draft(talk.alice, 1, "once");
        let appended = log.open(&draft).await.unwrap().append().await.unwrap();
        assert!(!appended.duplicate, "{loss:?}: it is this very attempt that wrote it");
        let items = talk.items().await;
        assert_eq!(items.len(), 2, "{loss:?}: {items:?}");
        assert_eq!(items[1], appended.item, "{loss:?}");
    }
}

#[tokio::test]
async fn message_keeps_its_seq_when_every_response_is_lost() {
    let talk = Talk::private().await;
    let lossy = log(&losing("PutItem", usize::MAX, Loss::Error).await);
    let draft = talk.draft(talk.alice, 1, "once");
    let lost = lossy.open(&draft).await.unwrap().append().await;
    assert!(matches!(lost, Err(SendError::Store(StoreError::Busy { .. }))), "{lost:?}");
    talk.say(talk.bob, "meanwhile").await;

    let again = talk.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((again.item.seq, again.duplicate), (Seq(2), true));
    assert_eq!(talk.items().await.len(), 3);
}
