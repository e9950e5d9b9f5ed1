//! A sender beyond the flood limit has to wait, and no accepted message is lost.

use std::time::Duration;

use chat::log::{Draft, Log, SendError};
use domain::amendment::Amendment;
use domain::flood::{FloodLimit, RecentSenders};
use domain::reaction::Emoji;
use domain::{Seq, UserId};
use store::dynamodb::messages::LogItem;

use crate::conversation::TestConversation;

/// A window that is longer than any test.
const WINDOW: Duration = Duration::from_hours(1);

/// Returns a log with a limit of two messages per sender.
fn limited(conversation: &TestConversation) -> Log {
    Log { flood_limit: FloodLimit::new(2, WINDOW), ..conversation.log.clone() }
}

async fn send(log: &Log, draft: &Draft) -> Result<u64, SendError> {
    log.open(draft).await?.append().await.map(|appended| appended.item.seq.0)
}

async fn send_text(log: &Log, conversation: &TestConversation, sender: UserId) -> Result<u64, SendError> {
    send(log, &conversation.draft(sender, None, "again")).await
}

fn is_refused(result: &Result<u64, SendError>) -> bool {
    matches!(result, Err(SendError::RateLimited(wait)) if *wait <= WINDOW && !wait.is_zero())
}

#[tokio::test]
async fn only_the_sender_beyond_the_flood_limit_is_refused() {
    let conversation = TestConversation::private().await;
    let log = limited(&conversation);
    for seq in [2, 3] {
        assert_eq!(send_text(&log, &conversation, conversation.alice).await.unwrap(), seq);
    }
    let refused = send_text(&log, &conversation, conversation.alice).await;
    assert!(is_refused(&refused), "{refused:?}");
    assert_eq!(send_text(&log, &conversation, conversation.bob).await.unwrap(), 4, "nothing was written");
    assert!(is_refused(&send_text(&log, &conversation, conversation.alice).await));
}

#[tokio::test]
async fn resends_of_accepted_messages_are_never_refused() {
    let conversation = TestConversation::private().await;
    let log = limited(&conversation);
    let first = conversation.draft(conversation.alice, 1, "one");
    assert_eq!(send(&log, &first).await.unwrap(), 2);
    // However often it comes again, it counts once.
    for _ in 0..3 {
        assert_eq!(send(&log, &first).await.unwrap(), 2);
    }
    assert_eq!(send_text(&log, &conversation, conversation.alice).await.unwrap(), 3);
    assert!(is_refused(&send_text(&log, &conversation, conversation.alice).await));
    assert_eq!(send(&log, &first).await.unwrap(), 2);
}

#[tokio::test]
async fn stale_read_does_not_refuse_an_accepted_message() {
    let conversation = TestConversation::private().await;
    let log = limited(&conversation);
    for _ in 0..2 {
        send_text(&log, &conversation, conversation.alice).await.unwrap();
    }
    let draft = conversation.draft(conversation.alice, 3, "one more");
    let stale = log.open(&draft).await.unwrap();
    // Another attempt gets through where nothing is limited.
    assert_eq!(send(&conversation.log, &draft).await.unwrap(), 4);
    let appended = stale.append().await.unwrap();
    assert_eq!((appended.item.seq.0, appended.duplicate, appended.puts), (4, true, 0));
}

#[tokio::test]
async fn events_and_system_messages_do_not_reset_the_counts() {
    let conversation = TestConversation::private().await;
    let log = limited(&conversation);
    for _ in 0..2 {
        send_text(&log, &conversation, conversation.alice).await.unwrap();
    }
    let thumb = Amendment::React { emoji: Emoji::parse("👍").unwrap(), on: true };
    log.amend(conversation.id, conversation.alice, Seq(2), &thumb, WINDOW).await.unwrap();
    assert!(is_refused(&send_text(&log, &conversation, conversation.alice).await));

    let head = conversation.head().await;
    let without = LogItem { recent_senders: RecentSenders::default(), ..head };
    conversation.put_item_after(&without, without.sent_at.next()).await;
    let refused = send(&log, &conversation.draft(conversation.alice, 3, "again")).await;
    assert!(is_refused(&refused), "{refused:?}");
}
