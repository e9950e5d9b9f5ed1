//! Edits, deletions and reactions while others write, and while responses are lost.

use std::time::Duration;

use chat::log::{AmendError, Amended, PageRequest};
use chat::notify::Notifier;
use domain::amendment::Amendment;
use domain::reaction::{Emoji, Reactions};
use domain::{Content, ErrorCode, Message, MessageKind, Seq, Timestamp, UserId};
use end_to_end::aws::{self, log};
use end_to_end::{Cloud, Person};

use crate::proxy::{Loss, conflicting_puts, counting_queries, losing};
use crate::talk::Talk;

const WINDOW: Duration = Duration::from_hours(1);

impl Talk {
    async fn amend(&self, actor: UserId, target: u64, amendment: &Amendment) -> Amended {
        self.log.amend(self.conversation, actor, Seq(target), amendment, WINDOW).await.unwrap()
    }

    /// A message as this user's history shows it.
    async fn shown(&self, user: UserId, target: u64) -> Message {
        let page = self.log.history(self.conversation, user, PageRequest::Before(Seq(target + 1)), 1).await.unwrap();
        page.messages.into_iter().next().unwrap()
    }
}

fn notifier(talk: &Talk) -> Notifier {
    let cloud = Cloud::shared();
    aws::notifier_as(cloud, "notifier", &talk.dynamodb, aws::fanout_queue_url(cloud))
}

fn edit(text: &str) -> Amendment {
    Amendment::Edit(Content::new(text.to_owned(), None, Vec::new()).unwrap())
}

fn react(on: bool) -> Amendment {
    Amendment::React { emoji: Emoji::parse("👍").unwrap(), on }
}

/// Returns the content of an edit event, if it has one.
fn words(event: &Message) -> Option<&Content> {
    match &event.kind {
        MessageKind::MessageEdited { content, .. } => content.as_ref(),
        _ => None,
    }
}

#[tokio::test]
async fn resend_of_an_amended_message_returns_its_seq() {
    let talk = Talk::private().await;
    let draft = talk.draft(talk.alice, 1, "helo");
    talk.log.open(&draft).await.unwrap().append().await.unwrap();
    for amendment in [edit("hello"), Amendment::Delete] {
        talk.amend(talk.alice, 2, &amendment).await;
        let again = talk.log.open(&draft).await.unwrap().append().await.unwrap();
        assert_eq!((again.item.seq, again.duplicate), (Seq(2), true), "{amendment:?}");
    }
    assert_eq!(talk.items().await.len(), 4);
}

#[tokio::test]
async fn concurrent_amendments_are_each_applied_once() {
    let talk = Talk::private().await;
    talk.say(talk.alice, "helo").await;
    let (hello, hi, thumb) = (edit("hello"), edit("hi"), react(true));
    tokio::join!(
        talk.amend(talk.alice, 2, &hello),
        talk.amend(talk.alice, 2, &hi),
        talk.amend(talk.bob, 2, &thumb),
        talk.say(talk.bob, "meanwhile"),
    );
    let items = talk.items().await;
    assert_eq!(items.iter().map(|item| item.seq.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(items[1].edits.len(), 2);
    assert!(items[1].reactions.has(&Emoji::parse("👍").unwrap(), talk.bob));
}

/// A transaction that takes the place, or fails, while a message is on its way there.
#[tokio::test]
async fn send_that_conflicts_with_a_transaction_is_retried() {
    let talk = Talk::private().await;
    let log = log(&conflicting_puts(2).await);
    let draft = talk.draft(talk.alice, 1, "after all");
    let appended = log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((appended.item.seq, appended.duplicate, appended.puts), (Seq(2), false, 3));
}

/// A reader who wants one message does not pay for every event about it with a request.
#[tokio::test]
async fn long_runs_of_events_are_skipped_in_few_requests() {
    let talk = Talk::private().await;
    talk.say(talk.alice, "liked").await;
    talk.amend(talk.bob, 2, &react(true)).await;
    for _ in 0..200 {
        let head = talk.head().await;
        talk.plant(&head, head.sent_at.next()).await;
    }
    let (client, queries) = counting_queries().await;
    let page = log(&client).history(talk.conversation, talk.bob, PageRequest::Before(Seq::MAX), 1).await.unwrap();
    assert_eq!((page.messages[0].seq, page.next), (Seq(2), Some(Seq(2))));
    let queries = queries.load(std::sync::atomic::Ordering::Relaxed);
    assert!(queries < 12, "{queries}");
}

/// The recipients of an edit, with and without its content.
#[tokio::test]
async fn edit_is_notified_to_current_members_with_content_only_if_they_saw_the_message() {
    let talk = Talk::group().await;
    let people = tokio::join!(Person::new("newcomer"), Person::new("returner"), Person::new("latecomer"));
    let mut sockets = Vec::new();
    for person in [&people.0, &people.1, &people.2] {
        sockets.push(person.connect().await);
    }
    let [newcomer, returner, latecomer] =
        [&people.0, &people.1, &people.2].map(|person| person.user_id.parse::<UserId>().unwrap());
    talk.join(returner).await;
    let target = talk.say(talk.alice, "helo").await;
    talk.leave(returner).await;
    talk.join(returner).await;
    talk.join(newcomer).await;
    let edited = talk.amend(talk.alice, target, &edit("hello")).await;
    talk.join(latecomer).await;

    let event = edited.event.unwrap();
    notifier(&talk).event(&event).await.unwrap();
    let mut received = Vec::new();
    for (socket, user) in sockets.iter_mut().zip([newcomer, returner, latecomer]) {
        // The posts are over, so what was pushed comes before the pong.
        for frame in socket.pushed().await {
            if frame["type"] == "message_edited" && frame["message"]["conversation_id"] == talk.conversation.to_string()
            {
                received.push((user, !frame["message"]["content"].is_null()));
            }
        }
    }
    // The returner saw the message when it was sent, and the latecomer, who joined after the edit, receives nothing of it.
    assert_eq!(received, [(newcomer, false), (returner, true)]);

    // A push says what a sync says.
    let synced = talk.log.sync(talk.conversation, returner, event.seq.previous(), 9).await.unwrap();
    assert_eq!(words(&synced.messages[0]), words(&event));
    let synced = talk.log.sync(talk.conversation, newcomer, event.seq.previous(), 9).await.unwrap();
    assert_eq!(words(&synced.messages[0]), None);
}

#[tokio::test]
async fn edited_reply_stays_a_reply() {
    let talk = Talk::private().await;
    let mut draft = talk.draft(talk.alice, 1, "helo");
    draft.content.reply_to_seq = Some(Seq(1));
    talk.log.open(&draft).await.unwrap().append().await.unwrap();
    let edited = talk.amend(talk.alice, 2, &edit("hello")).await;
    let pushed = words(edited.event.as_ref().unwrap()).unwrap().clone();
    assert_eq!((pushed.text.as_str(), pushed.reply_to_seq), ("hello", Some(Seq(1))));
}

/// The message looks to them as it did when they left.
#[tokio::test]
async fn former_member_sees_reactions_as_of_leaving() {
    let talk = Talk::group().await;
    let target = talk.say(talk.alice, "liked").await;
    talk.amend(talk.alice, target, &react(true)).await;
    talk.leave(talk.bob).await;
    let before = talk.shown(talk.bob, target).await;
    assert_eq!(before.reactions.len(), 1);
    for on in [false, true, false] {
        talk.amend(talk.alice, target, &react(on)).await;
        assert_eq!(talk.shown(talk.bob, target).await, before);
    }
    assert_eq!(talk.shown(talk.alice, target).await.reactions, []);
}

/// The content is deleted for everybody; the deleter and the time are visible to members of that moment.
#[tokio::test]
async fn former_member_sees_a_deletion_without_its_actor_and_time() {
    let talk = Talk::group().await;
    let target = talk.say(talk.alice, "regretted").await;
    talk.leave(talk.bob).await;
    let deletion = talk.amend(talk.alice, target, &Amendment::Delete).await.event.unwrap();
    let unknown = MessageKind::Deleted { deleted_by: None, deleted_seq: None, deleted_at: None };
    assert_eq!(talk.shown(talk.bob, target).await.kind, unknown);
    let (deleted_by, deleted_seq, deleted_at) = (Some(talk.alice), Some(deletion.seq), Some(deletion.sent_at));
    assert_eq!(talk.shown(talk.alice, target).await.kind, MessageKind::Deleted { deleted_by, deleted_seq, deleted_at });
}

/// A user who toggles a reaction does not use up a message's room.
#[tokio::test]
async fn withdrawn_reactions_take_no_space() {
    let talk = Talk::private().await;
    talk.say(talk.alice, "liked").await;
    for _ in 0..5 {
        talk.amend(talk.bob, 2, &react(true)).await;
        talk.amend(talk.bob, 2, &react(false)).await;
    }
    talk.amend(talk.alice, 2, &react(true)).await;
    let mut only = Reactions::default();
    only.add(Emoji::parse("👍").unwrap(), talk.alice, Seq(13));
    assert_eq!(talk.items().await[1].reactions, only);
}

#[tokio::test]
async fn edit_with_a_lost_response_is_applied_once_and_returned() {
    for loss in [Loss::Error, Loss::Cut] {
        let talk = Talk::private().await;
        talk.say(talk.alice, "helo").await;
        let lossy = log(&losing("TransactWriteItems", 1, loss).await);
        let edited = lossy.amend(talk.conversation, talk.alice, Seq(2), &edit("hello"), WINDOW).await.unwrap();
        let items = talk.items().await;
        assert_eq!((items.len(), items[1].edits.len()), (3, 1), "{loss:?}");
        assert_eq!(edited.event.map(|event| event.message_id), Some(items[2].message_id), "{loss:?}");
    }
}

#[tokio::test]
async fn edits_are_refused_after_the_edit_window() {
    let talk = Talk::private().await;
    let old = talk.draft(talk.alice, 1, "helo");
    let sent = talk.log.open(&old).await.unwrap().append().await.unwrap().item;
    while Timestamp::now() <= sent.sent_at {
        tokio::task::yield_now().await;
    }
    let late = talk.log.amend(talk.conversation, talk.alice, Seq(2), &edit("hello"), Duration::ZERO).await;
    assert!(
        matches!(&late, Err(AmendError::Refused(refusal)) if refusal.code == ErrorCode::EditWindowOver),
        "{late:?}"
    );
    assert_eq!(talk.head().await, sent);
}
