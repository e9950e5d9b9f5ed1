//! Edits, deletions and reactions while others write, and while responses are lost.

use std::time::Duration;

use chat::log::{AmendError, Amended, PageRequest};
use chat::notify::Notifier;
use domain::amendment::Amendment;
use domain::reaction::{Emoji, Reactions};
use domain::{Content, ErrorCode, Message, MessageKind, Seq, Timestamp, UserId};
use end_to_end::aws::{self, log};
use end_to_end::{Cloud, TestUser};

use crate::conversation::TestConversation;
use crate::proxy::{Loss, conflicting_puts, counting_queries, losing_responses};

const WINDOW: Duration = Duration::from_hours(1);

impl TestConversation {
    async fn amend(&self, actor: UserId, target: u64, amendment: &Amendment) -> Amended {
        self.log.amend(self.id, actor, Seq(target), amendment, WINDOW).await.unwrap()
    }

    /// A message as this user's history shows it.
    async fn shown(&self, user: UserId, target: u64) -> Message {
        let page = self.log.history(self.id, user, PageRequest::Before(Seq(target + 1)), 1).await.unwrap();
        page.messages.into_iter().next().unwrap()
    }
}

fn notifier(conversation: &TestConversation) -> Notifier {
    let cloud = Cloud::shared();
    aws::notifier_as(cloud, "notifier", &conversation.dynamodb, aws::fanout_queue_url(cloud))
}

fn edit(text: &str) -> Amendment {
    Amendment::Edit(Content::new(text.to_owned(), None, Vec::new()).unwrap())
}

fn react(on: bool) -> Amendment {
    Amendment::React { emoji: Emoji::parse("👍").unwrap(), on }
}

/// Returns the content of an edit event, if it has one.
fn edited_content(event: &Message) -> Option<&Content> {
    match &event.kind {
        MessageKind::MessageEdited { content, .. } => content.as_ref(),
        _ => None,
    }
}

#[tokio::test]
async fn resend_of_an_amended_message_returns_its_seq() {
    let conversation = TestConversation::private().await;
    let draft = conversation.draft(conversation.alice, 1, "helo");
    conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    for amendment in [edit("hello"), Amendment::Delete] {
        conversation.amend(conversation.alice, 2, &amendment).await;
        let again = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
        assert_eq!((again.item.seq, again.duplicate), (Seq(2), true), "{amendment:?}");
    }
    assert_eq!(conversation.items().await.len(), 4);
}

#[tokio::test]
async fn concurrent_amendments_are_each_applied_once() {
    let conversation = TestConversation::private().await;
    conversation.send_text(conversation.alice, "helo").await;
    let (hello, hi, thumb) = (edit("hello"), edit("hi"), react(true));
    tokio::join!(
        conversation.amend(conversation.alice, 2, &hello),
        conversation.amend(conversation.alice, 2, &hi),
        conversation.amend(conversation.bob, 2, &thumb),
        conversation.send_text(conversation.bob, "meanwhile"),
    );
    let items = conversation.items().await;
    assert_eq!(items.iter().map(|item| item.seq.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(items[1].edits.len(), 2);
    assert!(items[1].reactions.has(&Emoji::parse("👍").unwrap(), conversation.bob));
}

/// A transaction that takes the place, or fails, while a message is on its way there.
#[tokio::test]
async fn send_that_conflicts_with_a_transaction_is_retried() {
    let conversation = TestConversation::private().await;
    let log = log(&conflicting_puts(2).await);
    let draft = conversation.draft(conversation.alice, 1, "after all");
    let appended = log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((appended.item.seq, appended.duplicate, appended.puts), (Seq(2), false, 3));
}

/// A reader who wants one message does not pay for every event about it with a request.
#[tokio::test]
async fn long_runs_of_events_are_skipped_in_few_requests() {
    let conversation = TestConversation::private().await;
    conversation.send_text(conversation.alice, "liked").await;
    conversation.amend(conversation.bob, 2, &react(true)).await;
    for _ in 0..200 {
        let head = conversation.head().await;
        conversation.put_item_after(&head, head.sent_at.next()).await;
    }
    let (client, queries) = counting_queries().await;
    let page = log(&client).history(conversation.id, conversation.bob, PageRequest::Before(Seq::MAX), 1).await.unwrap();
    assert_eq!((page.messages[0].seq, page.next), (Seq(2), Some(Seq(2))));
    let queries = queries.load(std::sync::atomic::Ordering::Relaxed);
    assert!(queries < 12, "{queries}");
}

/// The recipients of an edit, with and without its content.
#[tokio::test]
async fn edit_is_notified_to_current_members_with_content_only_if_they_saw_the_message() {
    let conversation = TestConversation::group().await;
    let users =
        tokio::join!(TestUser::new("new_member"), TestUser::new("rejoined_member"), TestUser::new("late_member"));
    let mut sockets = Vec::new();
    for user in [&users.0, &users.1, &users.2] {
        sockets.push(user.connect().await);
    }
    let [new_member, rejoined_member, late_member] =
        [&users.0, &users.1, &users.2].map(|user| user.user_id.parse::<UserId>().unwrap());
    conversation.join(rejoined_member).await;
    let target = conversation.send_text(conversation.alice, "helo").await;
    conversation.leave(rejoined_member).await;
    conversation.join(rejoined_member).await;
    conversation.join(new_member).await;
    let edited = conversation.amend(conversation.alice, target, &edit("hello")).await;
    conversation.join(late_member).await;

    let event = edited.event.unwrap();
    notifier(&conversation).event(&event).await.unwrap();
    let mut received = Vec::new();
    for (socket, user) in sockets.iter_mut().zip([new_member, rejoined_member, late_member]) {
        // The posts are over, so what was pushed comes before the pong.
        for frame in socket.pushed().await {
            if frame["type"] == "message_edited" && frame["message"]["conversation_id"] == conversation.id.to_string() {
                received.push((user, !frame["message"]["text"].is_null()));
            }
        }
    }
    // The rejoined member saw the message when it was sent. The late member joined after the edit and does not receive it.
    assert_eq!(received, [(new_member, false), (rejoined_member, true)]);

    // A push says what a sync says.
    let synced = conversation.log.sync(conversation.id, rejoined_member, event.seq.previous(), 9).await.unwrap();
    assert_eq!(edited_content(&synced.messages[0]), edited_content(&event));
    let synced = conversation.log.sync(conversation.id, new_member, event.seq.previous(), 9).await.unwrap();
    assert_eq!(edited_content(&synced.messages[0]), None);
}

#[tokio::test]
async fn edited_reply_stays_a_reply() {
    let conversation = TestConversation::private().await;
    let mut draft = conversation.draft(conversation.alice, 1, "helo");
    draft.content.reply_to_seq = Some(Seq(1));
    conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    let edited = conversation.amend(conversation.alice, 2, &edit("hello")).await;
    let pushed = edited_content(edited.event.as_ref().unwrap()).unwrap().clone();
    assert_eq!((pushed.text.as_str(), pushed.reply_to_seq), ("hello", Some(Seq(1))));
}

/// The message looks to them as it did when they left.
#[tokio::test]
async fn former_member_sees_reactions_as_of_leaving() {
    let conversation = TestConversation::group().await;
    let target = conversation.send_text(conversation.alice, "liked").await;
    conversation.amend(conversation.alice, target, &react(true)).await;
    conversation.leave(conversation.bob).await;
    let before = conversation.shown(conversation.bob, target).await;
    assert_eq!(before.reactions.len(), 1);
    for on in [false, true, false] {
        conversation.amend(conversation.alice, target, &react(on)).await;
        assert_eq!(conversation.shown(conversation.bob, target).await, before);
    }
    assert_eq!(conversation.shown(conversation.alice, target).await.reactions, []);
}

/// The content is deleted for everybody; the deleter and the time are visible to members of that moment.
#[tokio::test]
async fn former_member_sees_a_deletion_without_its_actor_and_time() {
    let conversation = TestConversation::group().await;
    let target = conversation.send_text(conversation.alice, "regretted").await;
    conversation.leave(conversation.bob).await;
    let deletion = conversation.amend(conversation.alice, target, &Amendment::Delete).await.event.unwrap();
    let unknown = MessageKind::Deleted { deleted_by: None, deleted_seq: None, deleted_at: None };
    assert_eq!(conversation.shown(conversation.bob, target).await.kind, unknown);
    let (deleted_by, deleted_seq, deleted_at) = (Some(conversation.alice), Some(deletion.seq), Some(deletion.sent_at));
    assert_eq!(
        conversation.shown(conversation.alice, target).await.kind,
        MessageKind::Deleted { deleted_by, deleted_seq, deleted_at }
    );
}

/// A user who toggles a reaction does not use up a message's room.
#[tokio::test]
async fn withdrawn_reactions_take_no_space() {
    let conversation = TestConversation::private().await;
    conversation.send_text(conversation.alice, "liked").await;
    for _ in 0..5 {
        conversation.amend(conversation.bob, 2, &react(true)).await;
        conversation.amend(conversation.bob, 2, &react(false)).await;
    }
    conversation.amend(conversation.alice, 2, &react(true)).await;
    let mut only = Reactions::default();
    only.add(Emoji::parse("👍").unwrap(), conversation.alice, Seq(13));
    assert_eq!(conversation.items().await[1].reactions, only);
}

#[tokio::test]
async fn edit_with_a_lost_response_is_applied_once_and_returned() {
    for loss in [Loss::Error, Loss::Cut] {
        let conversation = TestConversation::private().await;
        conversation.send_text(conversation.alice, "helo").await;
        let lossy = log(&losing_responses("TransactWriteItems", 1, loss).await);
        let edited = lossy.amend(conversation.id, conversation.alice, Seq(2), &edit("hello"), WINDOW).await.unwrap();
        let items = conversation.items().await;
        assert_eq!((items.len(), items[1].edits.len()), (3, 1), "{loss:?}");
        assert_eq!(edited.event.map(|event| event.message_id), Some(items[2].message_id), "{loss:?}");
    }
}

#[tokio::test]
async fn edits_are_refused_after_the_edit_window() {
    let conversation = TestConversation::private().await;
    let old = conversation.draft(conversation.alice, 1, "helo");
    let sent = conversation.log.open(&old).await.unwrap().append().await.unwrap().item;
    while Timestamp::now() <= sent.sent_at {
        tokio::task::yield_now().await;
    }
    let late =
        conversation.log.amend(conversation.id, conversation.alice, Seq(2), &edit("hello"), Duration::ZERO).await;
    assert!(
        matches!(&late, Err(AmendError::Refused(refusal)) if refusal.code == ErrorCode::EditWindowOver),
        "{late:?}"
    );
    assert_eq!(conversation.head().await, sent);
}
