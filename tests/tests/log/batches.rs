//! A batch: several messages in one send, in their order, each once.

use std::time::Duration;

use chat::log::{AppendedBatch, Draft, Log, Refusal, SendError};
use domain::flood::FloodLimit;
use domain::{FileId, Seq, UserId};
use end_to_end::aws::log;
use uuid::Uuid;

use crate::conversation::TestConversation;
use crate::proxy::{Gate, Loss, holding_put, losing_responses};

impl TestConversation {
    fn batch(&self, sender: UserId, after_seq: impl Into<Option<u64>>, texts: &[&str]) -> Vec<Draft> {
        let after_seq = after_seq.into();
        texts.iter().map(|text| self.draft(sender, after_seq, text)).collect()
    }
}

/// Sends a batch; returns the seqs of the messages that have one, with whether they are duplicates, and the refusal.
async fn send(log: &Log, drafts: &[Draft]) -> (Vec<(u64, bool)>, Option<Refusal>) {
    let AppendedBatch { appended, refusal } = log.open_all(drafts).await.unwrap().append_all().await;
    let ids: Vec<_> = appended.iter().map(|message| message.item.client_message_id).collect();
    let expected: Vec<_> = drafts.iter().map(|draft| Some(draft.client_message_id)).take(ids.len()).collect();
    assert_eq!(ids, expected, "the answer is in the order of the drafts");
    (appended.iter().map(|message| (message.item.seq.0, message.duplicate)).collect(), refusal)
}

#[tokio::test]
async fn batch_gets_its_seqs_in_order_and_each_message_once() {
    let conversation = TestConversation::private().await;
    let drafts = conversation.batch(conversation.alice, 1, &["one", "two", "three", "four"]);
    let (sent, refusal) = send(&conversation.log, &drafts[..2]).await;
    assert_eq!((sent, refusal.is_none()), (vec![(2, false), (3, false)], true));
    conversation.send_text(conversation.bob, "in between").await;
    // The batch as it was, after an attempt that ended in the middle.
    let (sent, _) = send(&conversation.log, &drafts).await;
    assert_eq!(sent, [(2, true), (3, true), (5, false), (6, false)]);
    conversation.send_text(conversation.bob, "later").await;
    for rest in [0, 1, 3] {
        let (sent, _) = send(&conversation.log, &drafts[rest..]).await;
        assert_eq!(sent, [(2, true), (3, true), (5, true), (6, true)][rest..]);
    }
    assert_eq!(conversation.items().await.len(), 7);
}

#[tokio::test]
async fn batches_that_overlap_with_their_own_resends_write_each_message_once() {
    let conversation = TestConversation::private().await;
    let drafts = conversation.batch(conversation.alice, 1, &["one", "two", "three", "four", "five"]);
    for round in 0..4 {
        let drafts: Vec<Draft> = drafts
            .iter()
            .map(|draft| Draft { client_message_id: domain::ClientMessageId(Uuid::new_v4()), ..draft.clone() })
            .collect();
        // All have read, and none has seen a message of the batch.
        let processes = [(); 3].map(|()| conversation.process());
        let [whole, rest, other] = [0, 1, 2].map(|process: usize| processes[process].open_all(&drafts));
        let (whole, rest, other) = tokio::try_join!(whole, rest, other).unwrap();
        let (whole, rest, other) = tokio::join!(whole.append_all(), rest.append_all(), other.append_all());
        let seqs = |batch: &AppendedBatch| -> Vec<u64> { batch.appended.iter().map(|one| one.item.seq.0).collect() };
        let first = 2 + 5 * round;
        for batch in [&whole, &rest, &other] {
            assert!(batch.refusal.is_none(), "{batch:?}");
            assert_eq!(seqs(batch), (first..first + 5).collect::<Vec<_>>());
        }
        let written =
            [whole, rest, other].iter().flat_map(|batch| &batch.appended).filter(|one| !one.duplicate).count();
        assert_eq!(written, 5, "each message was written by one of them");
    }
    assert_eq!(conversation.items().await.len(), 21);
}

#[tokio::test]
async fn batch_whose_responses_are_lost_at_any_message_is_written_once() {
    let conversation = TestConversation::private().await;
    for loss in [Loss::Error, Loss::Cut] {
        for times in [1, usize::MAX] {
            let head = conversation.head().await.seq.0;
            let drafts = conversation.batch(conversation.alice, head, &["one", "two", "three"]);
            let lossy = log(&losing_responses("PutItem", times, loss).await);
            let AppendedBatch { appended, refusal } = lossy.open_all(&drafts).await.unwrap().append_all().await;
            // A put that the SDK repeats finds itself; one whose every response is lost ends the attempt.
            assert_eq!(
                (appended.len(), refusal.is_some()),
                if times == 1 { (3, false) } else { (0, true) },
                "{loss:?}"
            );
            let (sent, _) = send(&conversation.log, &drafts).await;
            assert_eq!(sent.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [head + 1, head + 2, head + 3]);
            assert!(sent[0].1, "the first was written before its response was lost");
        }
    }
}

#[tokio::test]
async fn each_message_of_a_batch_has_the_roster_of_its_seq() {
    let conversation = TestConversation::group().await;
    let (alice, bob, carol) = (conversation.alice, conversation.bob, UserId(Uuid::new_v4()));
    let gate = Gate::default();
    // Members change while the second put is under way.
    let slow = log(&holding_put(1, gate.clone()).await);
    let drafts = conversation.batch(alice, 1, &["for bob", "for carol", "for carol as well"]);
    let append = async { slow.open_all(&drafts).await.unwrap().append_all().await };
    let change = async {
        gate.reached.notified().await;
        assert_eq!(conversation.leave(bob).await, 3);
        assert_eq!(conversation.join(carol).await, 4);
        gate.open.notify_one();
    };
    let (AppendedBatch { appended, refusal }, ()) = tokio::join!(append, change);
    assert!(refusal.is_none());
    let seqs: Vec<u64> = appended.iter().map(|message| message.item.seq.0).collect();
    assert_eq!(seqs, [2, 5, 6]);
    let has = |index: usize| [bob, carol].map(|user| appended[index].roster.has(user));
    assert_eq!([has(0), has(1), has(2)], [[true, false], [false, true], [false, true]]);
}

#[tokio::test]
async fn sender_who_is_removed_within_a_batch_writes_no_more() {
    let conversation = TestConversation::group().await;
    let gate = Gate::default();
    let slow = log(&holding_put(1, gate.clone()).await);
    let drafts = conversation.batch(conversation.bob, 1, &["before", "behind the removal", "never"]);
    let append = async { slow.open_all(&drafts).await.unwrap().append_all().await };
    let change = async {
        gate.reached.notified().await;
        conversation.leave(conversation.bob).await;
        gate.open.notify_one();
    };
    let (AppendedBatch { appended, refusal }, ()) = tokio::join!(append, change);
    assert_eq!(appended.len(), 1);
    assert!(matches!(refusal, Some(Refusal { index: 1, error: SendError::NotAMember })), "{refusal:?}");
    assert_eq!(conversation.items().await.len(), 3);
    // What was sent keeps its seq.
    let (sent, refusal) = send(&conversation.log, &drafts).await;
    assert_eq!(sent, [(2, true)]);
    assert!(matches!(refusal, Some(Refusal { error: SendError::NotAMember, .. })), "{refusal:?}");
}

#[tokio::test]
async fn messages_beyond_the_flood_limit_are_refused_one_by_one() {
    let conversation = TestConversation::private().await;
    let limited = Log { flood_limit: FloodLimit::new(3, 3, Duration::from_hours(1)), ..conversation.process() };
    let drafts = conversation.batch(conversation.alice, 1, &["one", "two", "three", "four", "five"]);
    for _ in 0..2 {
        let (sent, refusal) = send(&limited, &drafts).await;
        assert_eq!(sent.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(matches!(refusal, Some(Refusal { index: 3, error: SendError::RateLimited(_) })), "{refusal:?}");
    }
    let refused = limited.open_all(&drafts[3..]).await.unwrap().append_all().await;
    assert!(refused.appended.is_empty());
    let (sent, refusal) = send(&conversation.log, &drafts).await;
    assert_eq!((sent.len(), refusal.is_none()), (5, true), "without a limit the rest follows");
}

#[tokio::test]
async fn message_that_is_refused_keeps_the_batch_from_being_written() {
    let conversation = TestConversation::private().await;
    let mut drafts = conversation.batch(conversation.alice, 1, &["one", "two", "three"]);
    drafts[2].content.reply_to_seq = Some(Seq(99));
    let refused = |refusal: Option<Refusal>| refusal.map(|Refusal { index, error }| (index, error.to_string()));
    let no_target = Some((2, SendError::NoReplyTarget.to_string()));
    let mut opened = conversation.log.open_all(&drafts).await.unwrap();
    opened.refer(Vec::new()).await.unwrap();
    assert_eq!(refused(opened.check().err()), no_target);
    drop(opened);
    assert_eq!(conversation.items().await.len(), 1);

    // Messages that an earlier attempt wrote are answered, and the others are not written.
    assert_eq!(send(&conversation.log, &drafts[..1]).await.0, [(2, false)]);
    let mut opened = conversation.log.open_all(&drafts).await.unwrap();
    opened.refer(Vec::new()).await.unwrap();
    opened.check().unwrap();
    let AppendedBatch { appended, refusal } = opened.append_all().await;
    assert_eq!((appended.len(), refused(refusal)), (1, no_target));

    drafts[2].content.reply_to_seq = None;
    drafts[1].attachment_ids = vec![FileId::generate()];
    let mut opened = conversation.log.open_all(&drafts[1..]).await.unwrap();
    opened.attach(&[]).await.unwrap();
    assert_eq!(refused(opened.check().err()), Some((0, SendError::FileNotReady.to_string())));
    assert_eq!(conversation.items().await.len(), 2);
}

#[tokio::test]
async fn rest_of_a_batch_that_is_far_behind_has_to_sync() {
    let conversation = TestConversation::private().await;
    let drafts = conversation.batch(conversation.alice, 1, &["one", "two", "three"]);
    assert_eq!(send(&conversation.log, &drafts[..2]).await.0, [(2, false), (3, false)]);
    conversation.put_copies_of_head(500).await;
    let other = conversation.process();
    let (sent, refusal) = send(&other, &drafts).await;
    assert_eq!(sent, [(2, true), (3, true)]);
    assert!(matches!(refusal, Some(Refusal { index: 2, error: SendError::Behind })), "{refusal:?}");
    let refused = other.open_all(&drafts[2..]).await.unwrap().check();
    assert!(matches!(refused, Err(Refusal { index: 0, error: SendError::Behind })), "{refused:?}");
    assert_eq!(conversation.items().await.len(), 503);
}
