//! A sender beyond the flood limit has to wait, and no accepted message is lost.

use std::time::Duration;

use chat::log::{Draft, Log, SendError};
use domain::amendment::Amendment;
use domain::flood::{FloodLimit, RecentSenders};
use domain::reaction::Emoji;
use domain::{ApiError, Content, ErrorCode, Seq, UserId};
use store::dynamodb::messages::LogItem;
use uuid::Uuid;

use crate::conversation::TestConversation;

/// A window that is longer than any test.
const WINDOW: Duration = Duration::from_hours(1);

/// Returns a log with a limit of two messages per sender.
fn limited(conversation: &TestConversation) -> Log {
    Log { flood_limit: FloodLimit::new(2, 2, WINDOW), ..conversation.process() }
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

fn react(emoji: &str, on: bool) -> Amendment {
    Amendment::React { emoji: Emoji::parse(emoji).unwrap(), on }
}

/// Amends a message; returns the code of the refusal.
async fn amend(log: &Log, conversation: &TestConversation, user: UserId, amendment: &Amendment) -> Option<ErrorCode> {
    let amended = log.amend(conversation.id, user, Seq(2), amendment, WINDOW).await;
    amended.err().map(|error| ApiError::from(error).code)
}

#[tokio::test]
async fn events_have_a_limit_of_their_own_and_taking_back_is_always_allowed() {
    let conversation = TestConversation::private().await;
    let log = limited(&conversation);
    assert_eq!(send_text(&log, &conversation, conversation.alice).await.unwrap(), 2);
    for emoji in ["👍", "👎"] {
        assert_eq!(amend(&log, &conversation, conversation.alice, &react(emoji, true)).await, None);
    }
    let refused = amend(&log, &conversation, conversation.alice, &react("🎉", true)).await;
    assert_eq!(refused, Some(ErrorCode::RateLimited));
    let edit = Amendment::Edit(Content::new("edited".to_owned(), None, Vec::new()).unwrap());
    assert_eq!(amend(&log, &conversation, conversation.alice, &edit).await, Some(ErrorCode::RateLimited));
    assert_eq!(amend(&log, &conversation, conversation.alice, &react("👍", true)).await, None, "nothing changes");

    assert_eq!(send_text(&log, &conversation, conversation.alice).await.unwrap(), 5, "texts count for themselves");
    assert!(is_refused(&send_text(&log, &conversation, conversation.alice).await));
    assert_eq!(amend(&log, &conversation, conversation.bob, &react("👍", true)).await, None, "others are not limited");
    assert_eq!(amend(&log, &conversation, conversation.alice, &react("👍", false)).await, None);
    assert_eq!(amend(&log, &conversation, conversation.alice, &Amendment::Delete).await, None);
    assert!(is_refused(&send_text(&log, &conversation, conversation.alice).await), "all of them carried the counts on");
}

#[tokio::test]
async fn helpers_do_not_hide_the_count_of_a_sender() {
    let conversation = TestConversation::group().await;
    let log = limited(&conversation);
    for _ in 0..2 {
        send_text(&log, &conversation, conversation.alice).await.unwrap();
    }
    for _ in 0..10 {
        let helper = UserId(Uuid::new_v4());
        conversation.join(helper).await;
        send_text(&log, &conversation, helper).await.unwrap();
    }
    assert!(is_refused(&send_text(&log, &conversation, conversation.alice).await));
}

/// A user who gives and takes back one reaction again and again takes no room of others.
#[tokio::test]
async fn reactions_of_one_user_leave_room_for_others() {
    let conversation = TestConversation::group().await;
    conversation.send_text(conversation.alice, "like this").await;
    let (mut given, mut refused) = (0, false);
    for n in 0..60 {
        // With a change of members after each, every withdrawn reaction is kept: a former member may have seen it.
        let carol = UserId(Uuid::new_v4());
        conversation.join(carol).await;
        match amend(&conversation.log, &conversation, conversation.bob, &react("👍", true)).await {
            None => given += 1,
            Some(ErrorCode::TooManyReactions) => {
                refused = true;
                break;
            }
            Some(code) => panic!("{code}"),
        }
        conversation.leave(carol).await;
        let withdrawn = amend(&conversation.log, &conversation, conversation.bob, &react("👍", false)).await;
        assert_eq!(withdrawn, None, "{n}");
    }
    assert!(refused && given <= 20, "{given}");
    assert_eq!(amend(&conversation.log, &conversation, conversation.alice, &react("👍", true)).await, None);
}
