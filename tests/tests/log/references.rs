//! References of messages: the message that one answers, and the users whom it mentions.

use std::time::Duration;

use chat::log::{Draft, Log, SendError};
use domain::amendment::Amendment;
use domain::reaction::Emoji;
use domain::{Content, MessageKind, Seq, UserId};
use store::dynamodb::messages::LogItem;
use uuid::Uuid;

use crate::conversation::TestConversation;

/// Sends as the functions do.
async fn send(log: &Log, draft: &Draft) -> Result<LogItem, SendError> {
    let drafts = std::slice::from_ref(draft);
    let (opened, answered) = tokio::try_join!(log.open(draft), log.reply_targets(drafts))?;
    let mut opened = opened;
    opened.refer(answered).await?;
    Ok(opened.append().await?.item)
}

impl TestConversation {
    fn reply(&self, sender: UserId, after_seq: impl Into<Option<u64>>, to: u64) -> Draft {
        let mut draft = self.draft(sender, after_seq, "indeed");
        draft.content.reply_to_seq = Some(Seq(to));
        draft
    }

    fn mention(&self, sender: UserId, users: &[UserId]) -> Draft {
        let mut draft = self.draft(sender, None, "look");
        draft.content.mentions = users.to_vec();
        draft
    }
}

fn mentions(item: &LogItem) -> &[UserId] {
    match &item.kind {
        MessageKind::Text(content) => &content.mentions,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn replies_answer_visible_messages_only() {
    let conversation = TestConversation::group().await;
    let (log, alice, bob) = (&conversation.log, conversation.alice, conversation.bob);
    conversation.send_text(alice, "two").await;
    let thumb = Amendment::React { emoji: Emoji::parse("👍").unwrap(), on: true };
    log.amend(conversation.id, bob, Seq(2), &thumb, Duration::ZERO).await.unwrap();
    assert_eq!(conversation.leave(bob).await, 4);
    conversation.send_text(alice, "hidden").await;
    assert_eq!(conversation.join(bob).await, 6);
    conversation.send_text(alice, "seven").await;

    let mut head = 7;
    for (target, allowed) in [(1, true), (2, true), (3, false), (4, true), (5, false), (7, true), (99, false)] {
        // The target is below, at or above the seq that the client has seen, which decides by which read it is found.
        for after_seq in [None, Some(6), Some(7), Some(head)] {
            let sent = send(log, &conversation.reply(bob, after_seq, target)).await;
            match sent {
                Ok(item) => head = item.seq.0,
                Err(SendError::NoReplyTarget) => assert!(!allowed, "{target} {after_seq:?}"),
                Err(error) => panic!("{target} {after_seq:?}: {error}"),
            }
        }
    }
    assert_eq!(head, 7 + 4 * 4, "as many were accepted");
    let future = send(log, &conversation.reply(bob, head, head + 1)).await;
    assert!(matches!(future, Err(SendError::NoReplyTarget)), "{future:?}");
}

#[tokio::test]
async fn deleted_messages_can_be_answered_and_resends_find_their_message() {
    let conversation = TestConversation::private().await;
    let (log, alice, bob) = (&conversation.log, conversation.alice, conversation.bob);
    conversation.send_text(alice, "two").await;
    let draft = conversation.reply(bob, 2, 2);
    assert_eq!(send(log, &draft).await.unwrap().seq, Seq(3));
    log.amend(conversation.id, alice, Seq(2), &Amendment::Delete, Duration::ZERO).await.unwrap();
    assert_eq!(send(log, &draft).await.unwrap().seq, Seq(3));
    assert_eq!(send(log, &conversation.reply(bob, 4, 2)).await.unwrap().seq, Seq(5));
}

#[tokio::test]
async fn only_members_are_mentioned_and_each_once() {
    let conversation = TestConversation::group().await;
    let (log, alice, bob) = (&conversation.log, conversation.alice, conversation.bob);
    let stranger = UserId(Uuid::new_v4());
    let draft = conversation.mention(alice, &[bob, stranger, bob, alice, bob]);
    let first = send(log, &draft).await.unwrap();
    assert_eq!(mentions(&first), [bob, alice]);
    conversation.leave(bob).await;
    let again = Draft { after_seq: Some(Seq(1)), ..draft };
    assert_eq!(send(log, &again).await.unwrap().seq, first.seq, "a resend finds what was sent");
    let later = send(log, &conversation.mention(alice, &[bob, alice])).await.unwrap();
    assert_eq!(mentions(&later), [alice]);
}

#[tokio::test]
async fn edits_mention_members_only_and_repeats_change_nothing() {
    let conversation = TestConversation::group().await;
    let (log, alice, bob) = (&conversation.log, conversation.alice, conversation.bob);
    conversation.send_text(alice, "two").await;
    let users = vec![bob, UserId(Uuid::new_v4()), bob];
    let edit = Amendment::Edit(Content::new("look".to_owned(), None, users).unwrap());
    let window = Duration::from_hours(1);
    let amended = log.amend(conversation.id, alice, Seq(2), &edit, window).await.unwrap();
    let MessageKind::Text(content) = &amended.message.kind else { panic!("{amended:?}") };
    assert_eq!(content.mentions, [bob]);
    conversation.leave(bob).await;
    let repeated = log.amend(conversation.id, alice, Seq(2), &edit, window).await.unwrap();
    assert!(repeated.event.is_none(), "{repeated:?}");
}
