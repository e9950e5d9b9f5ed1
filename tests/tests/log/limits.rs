//! Messages that are not appended.

use chat::log::{Draft, SendError};
use domain::{ConversationId, UserId};
use uuid::Uuid;

use crate::talk::Talk;

#[tokio::test]
async fn sender_more_than_500_items_behind_must_sync_first() {
    let talk = Talk::private().await;
    let mut head = talk.head().await;
    while head.seq.0 < 499 {
        head = talk.plant(&head, head.sent_at.next()).await;
    }
    let draft = talk.draft(talk.alice, 0, "nothing seen");
    let at_499 = talk.log.open(&draft).await.unwrap();
    talk.plant(&head, head.sent_at.next()).await;
    // The place that it had read up to is taken: it reads on from there, whatever the distance.
    let appended = at_499.append().await.unwrap();
    assert_eq!((appended.item.seq.0, appended.puts), (501, 2));

    // 501 items have come: too many for another message, while a resend finds its place.
    let other = talk.log.open(&talk.draft(talk.alice, 0, "still nothing seen")).await.map(drop);
    assert!(matches!(other, Err(SendError::Behind)), "{other:?}");
    let again = talk.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((again.item.seq.0, again.duplicate), (501, true));

    // The distance to the head is not revealed to users who are not members.
    let stranger = talk.log.open(&talk.draft(UserId(Uuid::new_v4()), 0, "how far?")).await.map(drop);
    assert!(matches!(stranger, Err(SendError::NotAMember)), "{stranger:?}");
}

#[tokio::test]
async fn sender_exactly_500_items_behind_is_accepted() {
    let talk = Talk::private().await;
    let mut head = talk.head().await;
    while head.seq.0 < 500 {
        head = talk.plant(&head, head.sent_at.next()).await;
    }
    let draft = talk.draft(talk.alice, 0, "nothing seen");
    let appended = talk.log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((appended.item.seq.0, appended.puts), (501, 1));
}

#[tokio::test]
async fn after_seq_beyond_the_head_is_refused() {
    let talk = Talk::private().await;
    let draft = talk.draft(talk.alice, 2, "from the future");
    assert!(matches!(talk.log.open(&draft).await, Err(SendError::Ahead)));
    talk.say(talk.bob, "now it is").await;
    assert!(talk.log.open(&draft).await.is_ok());
}

/// A user who is not a member gets the same answer for every `after_seq`, and also if there is no conversation.
#[tokio::test]
async fn non_member_gets_the_same_refusal_for_every_after_seq() {
    let talk = Talk::private().await;
    let nowhere = ConversationId::generate();
    for after_seq in [None, Some(0), Some(1), Some(2), Some(9_000)] {
        let stranger = talk.draft(UserId(Uuid::new_v4()), after_seq, "hello?");
        let lost = Draft { conversation_id: nowhere, ..talk.draft(talk.alice, after_seq, "hello?") };
        for draft in [stranger, lost] {
            let refused = talk.log.open(&draft).await;
            assert!(matches!(refused, Err(SendError::NotAMember)), "{after_seq:?}: {refused:?}");
        }
    }
    assert_eq!(talk.items().await.len(), 1);
}
