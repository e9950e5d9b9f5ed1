//! Sync says exactly what there is, whatever happens between its reads.

use chat::inbox::Inbox;
use domain::Seq;
use end_to_end::aws::log;
use store::dynamodb::Watermarks;

use crate::conversation::TestConversation;
use crate::proxy::{Gate, holding_query_of};

/// The items are read, then a message is sent, then the newest item is read.
#[tokio::test]
async fn messages_sent_between_two_reads_are_in_the_next_sync() {
    let conversation = TestConversation::private().await;
    conversation.send_text(conversation.alice, "one").await;
    let gate = Gate::default();
    // Answered by then: who may see what, and the items after the cursor.
    let slow = log(&holding_query_of(r#""ScanIndexForward":false"#, 0, 2, gate.clone()).await);
    let (synced, ()) = tokio::join!(slow.sync(conversation.id, conversation.bob, Seq(1), 9), async {
        gate.reached.notified().await;
        conversation.send_text(conversation.alice, "two").await;
        gate.open.notify_one();
    });
    let synced = synced.unwrap();
    let seqs: Vec<u64> = synced.messages.iter().map(|message| message.seq.0).collect();
    assert_eq!((seqs, synced.head_seq, synced.more), (vec![2], Seq(3), true));
    assert_eq!(synced.hidden, [] as [[Seq; 2]; 0]);
}

#[tokio::test]
async fn cursor_at_or_beyond_the_head_returns_nothing() {
    let conversation = TestConversation::private().await;
    for cursor in [Seq(1), Seq(2), Seq::MAX] {
        let synced = conversation.log.sync(conversation.id, conversation.bob, cursor, 9).await.unwrap();
        assert_eq!((synced.messages.len(), synced.hidden.len()), (0, 0), "{cursor}");
        assert_eq!((synced.head_seq, synced.more), (Seq(1), false), "{cursor}");
    }
}

/// The head is read, then a message is sent, then the unread messages are counted.
#[tokio::test]
async fn unread_count_ends_at_the_head() {
    let conversation = TestConversation::private().await;
    conversation.send_text(conversation.alice, "one").await;
    let gate = Gate::default();
    // Answered by then: who may see what, the head, and what has been read.
    let slow = holding_query_of(r#""ScanIndexForward":true"#, 0, 3, gate.clone()).await;
    let watermarks =
        Watermarks::new(slow.clone(), "local-DeliveryStatusTable".to_owned(), "local-ReadStatusTable".to_owned());
    let inbox = Inbox { log: log(&slow), watermarks };
    let (seen, ()) = tokio::join!(inbox.conversation(conversation.id, conversation.bob), async {
        gate.reached.notified().await;
        conversation.send_text(conversation.alice, "two").await;
        gate.open.notify_one();
    });
    let seen = seen.unwrap();
    assert_eq!((seen.head_seq, seen.unread, seen.last_message.unwrap().seq), (Seq(2), 1, Seq(2)));
}
