//! Many write at once, and time goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use chat::log::{Appended, Draft, Log, SendError};
use domain::{Seq, Timestamp};
use futures_util::future::join_all;
use store::dynamodb::messages::LogItem;

use crate::conversation::TestConversation;

/// Sends as a client does, which retries after contention.
async fn send(log: &Log, draft: &Draft) -> Appended {
    loop {
        match log.open(draft).await.unwrap().append().await {
            Err(SendError::Contended) => {}
            result => return result.unwrap(),
        }
    }
}

#[tokio::test]
async fn writers_with_different_heads_get_distinct_seqs() {
    const WRITERS: u64 = 8;
    const MESSAGES: u64 = 10;
    let conversation = TestConversation::private().await;
    let replies = join_all((0..WRITERS).map(|writer| {
        let conversation = &conversation;
        async move {
            let sender = if writer % 2 == 0 { conversation.alice } else { conversation.bob };
            let (mut own, mut replies): (u64, Vec<Appended>) = (1, Vec::new());
            for n in 0..MESSAGES {
                let after_seq = match writer % 4 {
                    // The writer's own last seq, the beginning, or the newest in the log.
                    0 | 1 => Some(own),
                    2 => Some(1),
                    _ => None,
                };
                let appended =
                    send(&conversation.log, &conversation.draft(sender, after_seq, &format!("{writer}: {n}"))).await;
                assert!(!appended.duplicate, "{appended:?}");
                assert!(appended.item.seq > Seq(own), "the messages of a writer are in the order of sending");
                own = appended.item.seq.0;
                replies.push(appended);
            }
            replies
        }
    }))
    .await;

    let items = conversation.items().await;
    let seqs: Vec<u64> = items.iter().map(|item| item.seq.0).collect();
    assert_eq!(seqs, (1..=1 + WRITERS * MESSAGES).collect::<Vec<_>>());
    assert!(items.is_sorted_by(|a, b| a.sent_at < b.sent_at), "sent_at increases");
    let ids: BTreeSet<_> = items.iter().skip(1).map(|item| item.client_message_id).collect();
    assert_eq!(ids.len(), items.len() - 1, "no message is in the log twice");

    let mut answered: Vec<LogItem> = replies.into_iter().flatten().map(|appended| appended.item).collect();
    answered.sort_by_key(|item| item.seq);
    assert_eq!(answered, items[1..], "the replies agree with the log");
}

#[tokio::test]
async fn concurrent_sends_of_one_draft_write_one_item() {
    let conversation = TestConversation::private().await;
    for round in 0..5 {
        let head = conversation.head().await.seq;
        let draft = conversation.draft(conversation.alice, head.0, &format!("{round}"));
        let processes: Vec<Log> = (0..6).map(|_| conversation.process()).collect();
        let opened = join_all(processes.iter().map(|log| log.open(&draft))).await;
        // All have read, and none has seen it.
        let replies = join_all(opened.into_iter().map(|opened| opened.unwrap().append())).await;
        let replies: Vec<Appended> = replies.into_iter().map(Result::unwrap).collect();
        assert_eq!(replies.iter().filter(|reply| !reply.duplicate).count(), 1, "exactly one task wrote the item");
        assert!(replies.iter().all(|reply| reply.item == replies[0].item), "{replies:?}");
        assert_eq!(conversation.head().await.seq, head.next());
    }
}

#[tokio::test]
async fn sent_at_never_decreases() {
    let conversation = TestConversation::private().await;
    let future = Timestamp::now().plus(Duration::from_hours(1));
    let planted = conversation.put_item_after(&conversation.head().await, future).await;
    let draft = conversation.draft(conversation.bob, planted.seq.0, "later");
    let item = conversation.log.open(&draft).await.unwrap().append().await.unwrap().item;
    assert_eq!((item.seq, item.sent_at), (planted.seq.next(), future.next()));
    assert_eq!(conversation.head().await, item);
}
