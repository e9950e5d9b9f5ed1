//! Edits, deletions and reactions while others write, and while responses are lost.

use std::time::Duration;

use domain::amendment::Amendment;
use domain::reaction::Emoji;
use domain::{Content, MessageKind, Seq, UserId};
use end_to_end::aws::{dynamodb_as, log};
use end_to_end::faults::Kind;
use end_to_end::{Cloud, Person};
use store::dynamodb::Connections;
use store::log::{Amended, PageRequest};

use crate::proxy::counting_queries;
use crate::talk::Talk;

impl Talk {
    pub(crate) async fn amend(&self, actor: UserId, target: u64, amendment: &Amendment) -> Amended {
        let window = Duration::from_hours(1);
        self.log.amend(self.conversation, actor, Seq(target), amendment, window).await.unwrap()
    }
}

fn edit(text: &str) -> Amendment {
    Amendment::Edit(Content::new(text.to_owned(), None, Vec::new()).unwrap())
}

fn react(on: bool) -> Amendment {
    Amendment::React { emoji: Emoji::parse("👍").unwrap(), on }
}

/// What an event says of an edited message: none, or none for them.
fn words(event: &domain::Message) -> Option<&Content> {
    match &event.kind {
        MessageKind::MessageEdited { content, .. } => content.as_ref(),
        _ => None,
    }
}

#[tokio::test]
async fn a_resend_of_what_was_amended_since_is_told_its_place() {
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
async fn of_those_who_amend_at_once_each_is_heard_once() {
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
async fn a_send_that_meets_a_transaction_tries_again() {
    let talk = Talk::private().await;
    let cloud = Cloud::shared();
    let conflict = Kind::Conflict.rule().operation("PutItem").function("conflicted").next(2);
    cloud.misbehave(1, &[conflict]).await;
    let log = log(&dynamodb_as(cloud, "conflicted"));
    let draft = talk.draft(talk.alice, 1, "after all");
    let appended = log.open(&draft).await.unwrap().append().await.unwrap();
    assert_eq!((appended.item.seq, appended.duplicate, appended.puts), (Seq(2), false, 3));
}

/// A reader who wants one message does not pay for every event about it with a request.
#[tokio::test]
async fn a_long_stretch_of_events_is_passed_in_a_few_requests() {
    let talk = Talk::private().await;
    talk.say(talk.alice, "liked").await;
    talk.amend(talk.bob, 2, &react(true)).await;
    for _ in 0..200 {
        let head = talk.head().await;
        talk.plant(&head, head.sent_at.next()).await;
    }
    let (client, queries) = counting_queries().await;
    let page = log(&client).history(talk.conversation, talk.bob, PageRequest::Before(Seq::MAX), 1).await.unwrap();
    assert_eq!((page.messages[0].seq, page.more), (Seq(2), true));
    let queries = queries.load(std::sync::atomic::Ordering::Relaxed);
    assert!(queries < 12, "{queries}");
}

/// Who is told of an edit, and with words or without.
#[tokio::test]
async fn an_edit_is_told_to_those_who_were_there() {
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

    let connections = Connections::new(talk.dynamodb.clone(), "local-ConnectionsTable".to_owned());
    let event = edited.event.unwrap();
    let listeners = talk.log.event_listeners(&connections, &event).await.unwrap();
    let users = |of: &[domain::Connection]| of.iter().map(|connection| connection.user_id).collect::<Vec<_>>();
    assert_eq!(users(&listeners.as_ref().unwrap().of_the_message), [returner], "they saw it when it was said");
    assert_eq!(
        users(&listeners.as_ref().unwrap().of_the_place),
        [newcomer],
        "and who came after the edit hears nothing of it"
    );

    // A push says what a sync says.
    let synced = talk.log.sync(talk.conversation, returner, event.seq.previous(), 9).await.unwrap();
    assert_eq!(words(&synced.messages[0]), words(&event));
    let synced = talk.log.sync(talk.conversation, newcomer, event.seq.previous(), 9).await.unwrap();
    assert_eq!(words(&synced.messages[0]), None);
}

#[tokio::test]
async fn an_edited_answer_stays_an_answer() {
    let talk = Talk::private().await;
    let mut draft = talk.draft(talk.alice, 1, "helo");
    draft.content.reply_to_seq = Some(Seq(1));
    talk.log.open(&draft).await.unwrap().append().await.unwrap();
    let edited = talk.amend(talk.alice, 2, &edit("hello")).await;
    let pushed = words(edited.event.as_ref().unwrap()).unwrap().clone();
    assert_eq!((pushed.text.as_str(), pushed.reply_to_seq), ("hello", Some(Seq(1))));
}
