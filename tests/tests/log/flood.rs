//! A sender beyond the flood limit has to wait, and no accepted message is lost.

use std::time::Duration;

use chat::log::{Draft, Log, SendError};
use domain::amendment::Amendment;
use domain::flood::{FloodLimit, RecentSenders};
use domain::reaction::Emoji;
use domain::{Seq, UserId};
use store::dynamodb::messages::LogItem;

use crate::talk::Talk;

/// A window that is longer than any test.
const WINDOW: Duration = Duration::from_hours(1);

/// Returns a log with a limit of two messages per sender.
fn limited(talk: &Talk) -> Log {
    Log { flood_limit: FloodLimit::new(2, WINDOW), ..talk.log.clone() }
}

async fn send(log: &Log, draft: &Draft) -> Result<u64, SendError> {
    log.open(draft).await?.append().await.map(|appended| appended.item.seq.0)
}

async fn say(log: &Log, talk: &Talk, sender: UserId) -> Result<u64, SendError> {
    send(log, &talk.draft(sender, None, "again")).await
}

fn is_refused(result: &Result<u64, SendError>) -> bool {
    matches!(result, Err(SendError::RateLimited(wait)) if *wait <= WINDOW && !wait.is_zero())
}

#[tokio::test]
async fn only_the_sender_beyond_the_flood_limit_is_refused() {
    let talk = Talk::private().await;
    let log = limited(&talk);
    for seq in [2, 3] {
        assert_eq!(say(&log, &talk, talk.alice).await.unwrap(), seq);
    }
    let refused = say(&log, &talk, talk.alice).await;
    assert!(is_refused(&refused), "{refused:?}");
    assert_eq!(say(&log, &talk, talk.bob).await.unwrap(), 4, "nothing was written");
    assert!(is_refused(&say(&log, &talk, talk.alice).await));
}

#[tokio::test]
async fn resends_of_accepted_messages_are_never_refused() {
    let talk = Talk::private().await;
    let log = limited(&talk);
    let first = talk.draft(talk.alice, 1, "one");
    assert_eq!(send(&log, &first).await.unwrap(), 2);
    // However often it comes again, it counts once.
    for _ in 0..3 {
        assert_eq!(send(&log, &first).await.unwrap(), 2);
    }
    assert_eq!(say(&log, &talk, talk.alice).await.unwrap(), 3);
    assert!(is_refused(&say(&log, &talk, talk.alice).await));
    assert_eq!(send(&log, &first).await.unwrap(), 2);
}

#[tokio::test]
async fn stale_read_does_not_refuse_an_accepted_message() {
    let talk = Talk::private().await;
    let log = limited(&talk);
    for _ in 0..2 {
        say(&log, &talk, talk.alice).await.unwrap();
    }
    let draft = talk.draft(talk.alice, 3, "one more");
    let stale = log.open(&draft).await.unwrap();
    // Another attempt gets through where nothing is limited.
    assert_eq!(send(&talk.log, &draft).await.unwrap(), 4);
    let appended = stale.append().await.unwrap();
    assert_eq!((appended.item.seq.0, appended.duplicate, appended.puts), (4, true, 0));
}

#[tokio::test]
async fn events_and_system_messages_do_not_reset_the_counts() {
    let talk = Talk::private().await;
    let log = limited(&talk);
    for _ in 0..2 {
        say(&log, &talk, talk.alice).await.unwrap();
    }
    let thumb = Amendment::React { emoji: Emoji::parse("👍").unwrap(), on: true };
    log.amend(talk.conversation, talk.alice, Seq(2), &thumb, WINDOW).await.unwrap();
    assert!(is_refused(&say(&log, &talk, talk.alice).await));

    let head = talk.head().await;
    let without = LogItem { recent_senders: RecentSenders::default(), ..head };
    talk.plant(&without, without.sent_at.next()).await;
    let refused = send(&log, &talk.draft(talk.alice, 3, "again")).await;
    assert!(is_refused(&refused), "{refused:?}");
}
