//! Old messages, which go to the archive without having been in the table.

use std::time::{Duration, Instant};

use domain::import::{IdSpace, ImportState};
use domain::period::SeqRange;
use domain::{ConversationId, FileId, SegmentSize, Seq};
use end_to_end::crash::unless_crashed;
use end_to_end::{Cloud, StoredState, TestBackend, TestUser, aws};
use serde_json::{Value, json};
use store::dynamodb::FileItems;
use store::sqs::ImportBody;
use uuid::Uuid;

use crate::setup::{conversation, group_file, here, history, id, import, lines, source, text, zip};
use crate::worker::{HANDOVER_RESERVE, Worker};

/// Messages of a log with three segments that may move, an item that begins it, and the newest ones that stay.
const MESSAGES: u64 = 4_050;
const ARCHIVED: u64 = 3_000;

/// Time in which every import of these tests is done.
const LONG: Duration = Duration::from_mins(5);

/// Time that a worker may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// What the table, the index of the archive and its bucket have of a conversation: seqs of rows, first seqs of segments, keys of objects.
async fn stored(conversation: &str) -> (Vec<u64>, Vec<u64>, Vec<String>) {
    let (cloud, id): (_, ConversationId) = (Cloud::shared(), conversation.parse().unwrap());
    let chunks = aws::chunks(cloud);
    let all = SeqRange { first: Seq(1), last: Seq(1_000_000) };
    let rows = chunks.rows(id, all, usize::MAX).await.unwrap().rows;
    let mut segments: Vec<_> =
        chunks.within(id, all).await.unwrap().iter().map(|item| item.segment().first.0).collect();
    segments.sort_unstable();
    let objects = aws::chunk_objects(cloud).list(&format!("{conversation}/")).await.unwrap();
    (rows.iter().map(|row| row.seq.0).collect(), segments, objects.into_iter().map(|object| object.key).collect())
}

/// Checks that a conversation is whole, and that each segment of the archive has one object and no row.
async fn check(user: &TestUser, conversation: &str) {
    let messages = history(user, conversation).await;
    assert_eq!(messages.len() as u64, MESSAGES + 1);
    assert!(messages.iter().zip(1..).all(|(message, seq)| message["seq"] == seq));
    let is_same = |(message, number): (&Value, u64)| message["text"] == format!("message {number}");
    assert!(messages[1..].iter().zip(1..).all(is_same));
    let (rows, segments, objects) = stored(conversation).await;
    assert_eq!(rows, (ARCHIVED + 1..=MESSAGES + 1).collect::<Vec<_>>(), "the newest items stay");
    assert_eq!((segments, objects.len()), (vec![1, 1_001, 2_001], 3), "{objects:?}");
    StoredState::of(Cloud::shared(), conversation).await.check();
}

#[tokio::test]
async fn old_segments_are_chunks_at_once() {
    let (backend, alice) = tokio::join!(TestBackend::new(), TestUser::new("alice"));
    let (group, source, file) = (id(), source(), FileId(Uuid::new_v4()));
    let word = format!("w{}", Uuid::new_v4().simple());
    let mut messages: Vec<Value> =
        (1..=MESSAGES).map(|seq| text(&group, seq, &alice.user_id, &format!("message {seq}"))).collect();
    messages[6]["text"] = json!(word);
    messages[6]["reactions"] = json!([{"emoji": "👍", "count": 1, "mine": false, "user_ids": [alice.user_id]}]);
    messages[7]["attachments"] =
        json!([{"file_id": file, "name": "plan.txt", "content_type": "text/plain", "size": 8}]);
    let bytes = zip(&[
        ("conversations.jsonl", lines(&[json!({"conversation_id": group, "type": "group", "title": "Old"})])),
        ("members.jsonl", lines(&[json!({"conversation_id": group, "user_id": alice.user_id, "role": "owner"})])),
        (&format!("messages/{group}.jsonl"), lines(&messages[..2_500])),
        (&format!("messages/{group}.2.jsonl"), lines(&messages[2_500..])),
        (&format!("files/{file}/plan.txt"), b"the plan".to_vec()),
    ]);
    let done = import(&backend, &source, "kept", bytes).await;
    assert_eq!((&done["state"], &done["counts"]["messages"]), (&json!("done"), &json!(MESSAGES)), "{done}");
    let here = here(&source, &group);
    let (rows, segments, objects) = stored(&here).await;
    assert_eq!(rows, (ARCHIVED + 1..=MESSAGES + 1).collect::<Vec<_>>());
    assert_eq!((segments, objects.len()), (vec![1, 1_001, 2_001], 3), "{objects:?}");
    let found = history(&alice, &here).await;
    assert_eq!(found.len() as u64, MESSAGES + 1);
    assert_eq!((&found[7]["text"], &found[7]["reactions"][0]["count"]), (&json!(word), &json!(1)));
    assert_eq!(found[8]["attachments"][0]["name"], "plan.txt");
    let copied = IdSpace::of(&source).file(group.parse().unwrap(), file);
    let files = FileItems::new(aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb), "local-FilesTable".to_owned());
    let item = files.find(copied).await.unwrap().unwrap();
    assert_eq!(item.referenced_by, [Seq(9)], "the stream of the table does not know of the message");
    let deadline = Instant::now() + WAIT_TIMEOUT;
    let search = format!("/v1/search?q={word}&conversation_id={here}");
    while alice.get(&search).await.1["hits"].as_array().is_none_or(Vec::is_empty) {
        assert!(Instant::now() < deadline, "the search does not find it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // It is an archive as any other.
    let path = format!("/v1/conversations/{here}/messages/8");
    assert_eq!(alice.delete(&path).await.0, 204);
    assert_eq!(history(&alice, &here).await[7]["kind"], "deleted");
    assert_eq!(conversation(&alice, &here).await["unread"], 0);
}

#[tokio::test]
async fn young_segments_stay_in_the_table() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let mut messages: Vec<Value> =
        (1..=MESSAGES).map(|seq| text(&group, seq, &alice.user_id, &format!("message {seq}"))).collect();
    // The last item of the second segment of the log, which has one more at its beginning, and all after it.
    for message in &mut messages[1_998..] {
        message["sent_at"] = json!(domain::Timestamp::now());
    }
    let bytes = zip(&[
        ("conversations.jsonl", lines(&[json!({"conversation_id": group, "type": "group", "title": "Young"})])),
        ("members.jsonl", lines(&[json!({"conversation_id": group, "user_id": alice.user_id, "role": "owner"})])),
        (&format!("messages/{group}.jsonl"), lines(&messages)),
    ]);
    let import = worker.start(&source, bytes).await;
    worker.work(import, LONG).await;
    assert_eq!(worker.state(import).await.state, ImportState::Done);
    let here = here(&source, &group);
    let (rows, segments, _) = stored(&here).await;
    assert_eq!((rows.first(), rows.len() as u64, segments), (Some(&1_001), MESSAGES + 1 - 1_000, vec![1]));
    assert_eq!(history(&alice, &here).await.len() as u64, MESSAGES + 1);
    assert_eq!(worker.queued_segments().await, [1_001, 2_001], "the archiver moves them once they are old enough");
}

#[tokio::test]
async fn chunks_are_whole_whatever_call_a_worker_crashes_at() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let here = here(&source, &group);
    let import = worker.start(&source, group_file(&group, &[&alice.user_id], MESSAGES)).await;
    let mut after = 20;
    loop {
        let deadline = domain::Timestamp::now().plus(HANDOVER_RESERVE + LONG);
        let work = worker.job.work(ImportBody { import_id: import, round: 0 }, deadline);
        if unless_crashed(work, Some(after)).await.is_some() {
            break;
        }
        worker.end_claim(import).await;
        let (status, page) = alice.get(&format!("/v1/conversations/{here}/messages?after_seq=0&limit=1")).await;
        assert!(status == 404 || status == 200, "{page}");
        after += after / 4;
    }
    assert_eq!(worker.state(import).await.state, ImportState::Done);
    check(&alice, &here).await;
}

#[tokio::test]
async fn chunks_are_written_once_by_workers_that_repeat_a_step() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let here = here(&source, &group);
    let import = worker.start(&source, group_file(&group, &[&alice.user_id], MESSAGES)).await;
    worker.until_written(import, &here).await;
    let before = stored(&here).await;
    // The checkpoint of before the messages, as after a crash between the last message and the next checkpoint.
    worker.step_back(import).await;
    worker.work(import, Duration::ZERO).await;
    assert_eq!(stored(&here).await, before, "another chunk took the place of the first, or an object is left");
    worker.work(import, LONG).await;
    check(&alice, &here).await;
}

#[tokio::test]
async fn chunks_of_an_import_that_was_given_up_are_deleted() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let here = here(&source, &group);
    let first = worker.start(&source, group_file(&group, &[&alice.user_id], MESSAGES)).await;
    worker.until_written(first, &here).await;
    assert_eq!(stored(&here).await.1.len(), 3);
    assert_eq!(alice.get(&format!("/v1/conversations/{here}")).await.0, 404, "it is not whole yet");
    worker.cancel(first).await;
    // Another import of a shorter file meets what is left.
    let second = worker.start(&source, group_file(&group, &[&alice.user_id], 3)).await;
    worker.work(second, LONG).await;
    assert_eq!(worker.state(second).await.state, ImportState::Done);
    assert_eq!(stored(&here).await, (vec![1, 2, 3, 4], vec![], vec![]));
    assert_eq!(history(&alice, &here).await.len(), 4);
    let third = crate::setup::source();
    let here = crate::setup::here(&third, &group);
    let third = worker.start(&third, group_file(&group, &[&alice.user_id], MESSAGES)).await;
    worker.until_written(third, &here).await;
    worker.cancel(third).await;
    worker.work(third, LONG).await;
    assert_eq!(stored(&here).await, (vec![], vec![], vec![]), "nothing is left of a cancelled import");
    assert!(SegmentSize::STORED.has_movable(Seq(MESSAGES)));
}
