//! Messages that are not appended.

use chat::log::{Draft, SendError};
use domain::{ConversationId, UserId};
use uuid::Uuid;

use crate::conversation::TestConversation;

#[tokio::test]
async fn sender_more_than_500_items_behind_must_sync_first() {
    let conversation = TestConversation::private().await;
    let mut head = conversation.head().await;
    while head.seq.0 < 499 {
        head = conversation.put_item_after(&head, head.sent_at.next()).await;
    }
    let draft = conversation.draft(conversation.alice, 0, "nothing seen");
    let at_499 = conversation.log.open(&draft).await.unwrap();
    conversation.put_item_after(&head, head.sent_at.next()).await;
    // The place that it had read up to is taken: it reads on from there, whatever the distance.
    let appended = at_499.append().await.unwrap();
    assert_eq!((appended.item.seq.0, appended.puts), (501, 2));

    // 501 items have come: too many for another message, while a resend finds its place.
    let other = conversation.log.open(&conversation.draft(conversation.alice, 0, "still nothing seen")).await.map(drop);
    assert!(matches!(other, Err(SendError::Behind)), "{other:?}");
    let again = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((again.item.seq.0, again.duplicate), (501, true));

    // The distance to the head is not revealed to users who are not members.
    let non_member = conversation.log.open(&conversation.draft(UserId(Uuid::new_v4()), 0, "how far?")).await.map(drop);
    assert!(matches!(non_member, Err(SendError::NotAMember)), "{non_member:?}");
}

#[tokio::test]
async fn sender_exactly_500_items_behind_is_accepted() {
    let conversation = TestConversation::private().await;
    let mut head = conversation.head().await;
    while head.seq.0 < 500 {
        head = conversation.put_item_after(&head, head.sent_at.next()).await;
    }
    let draft = conversation.draft(conversation.alice, 0, "nothing seen");
    let appended = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((appended.item.seq.0, appended.puts), (501, 1));
}

#[tokio::test]
async fn after_seq_beyond_the_head_is_refused() {
    let conversation = TestConversation::private().await;
    let draft = conversation.draft(conversation.alice, 2, "from the future");
    assert!(matches!(conversation.log.open(&draft).await, Err(SendError::Ahead)));
    conversation.send_text(conversation.bob, "now it is").await;
    assert!(conversation.log.open(&draft).await.is_ok());
}

/// A user who is not a member gets the same answer for every `after_seq`, and also if there is no conversation.
#[tokio::test]
async fn non_member_gets_the_same_refusal_for_every_after_seq() {
    let conversation = TestConversation::private().await;
    let nowhere = ConversationId::generate();
    for after_seq in [None, Some(0), Some(1), Some(2), Some(9_000)] {
        let non_member = conversation.draft(UserId(Uuid::new_v4()), after_seq, "hello?");
        let lost = Draft { conversation_id: nowhere, ..conversation.draft(conversation.alice, after_seq, "hello?") };
        for draft in [non_member, lost] {
            let refused = conversation.log.open(&draft).await;
            assert!(matches!(refused, Err(SendError::NotAMember)), "{after_seq:?}: {refused:?}");
        }
    }
    assert_eq!(conversation.items().await.len(), 1);
}
