//! Long conversations and large files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::archive::{Archiver, Settled};
use client::{Api, Endpoints, FixedToken};
use domain::export::{ExportedMessages, Subject};
use domain::file::FileStatus;
use domain::{Content, ConversationId, FileId, Periods, SegmentSize, Seq, Timestamp, UserId};
use end_to_end::long_log::append;
use end_to_end::{Cloud, TestUser, aws};
use serde_json::json;
use store::dynamodb::FileItems;
use uuid::Uuid;

use crate::setup::{Archive, export, group};
use crate::worker::Worker;

/// More than two parts of an export, and more than one piece of a file.
const LARGE: usize = 20 * 1024 * 1024 + 7;

/// Uploads a file and returns its id once it is ready.
async fn upload(api: &Api, conversation: &str, name: &str, bytes: &[u8]) -> FileId {
    let conversation = conversation.parse().unwrap();
    let file = api.upload(conversation, name, "application/octet-stream", bytes, |_| {}).await.unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let found = api.file(file.file_id).await.unwrap();
        if found.status != FileStatus::Pending {
            assert_eq!(found.status, FileStatus::Ready, "{found:?}");
            return file.file_id;
        }
        assert!(Instant::now() < deadline, "the file is not inspected");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the stream of messages has told that a message references a file.
async fn is_referenced(file: FileId) {
    let dynamodb = aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb);
    let items = FileItems::new(dynamodb, "local-FilesTable".to_owned());
    let deadline = Instant::now() + Duration::from_mins(1);
    while items.find(file).await.unwrap().is_none_or(|item| item.referenced_by.is_empty()) {
        assert!(Instant::now() < deadline, "no message references the file");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn bytes(size: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(size).collect()
}

async fn api(user: &TestUser) -> Api {
    let cloud = tokio::task::spawn_blocking(Cloud::shared).await.unwrap();
    let endpoints = Endpoints::read(cloud.endpoints_file()).unwrap();
    Api::with_tokens(endpoints, Arc::new(FixedToken::new(user.token.clone()))).unwrap()
}

#[tokio::test]
async fn files_are_those_of_the_user_or_those_that_messages_reference() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let team = group(&alice, &[&bob]).await;
    let (of_alice, of_bob) = (api(&alice).await, api(&bob).await);
    let large = bytes(LARGE);
    let attached = upload(&of_alice, &team, "film.bin", &large).await;
    let unsent = upload(&of_alice, &team, "unsent.bin", b"draft").await;
    let others = upload(&of_bob, &team, "small.bin", b"of bob").await;
    for (user, file) in [(&alice, attached), (&bob, others)] {
        let body = json!({"client_message_id": Uuid::new_v4(), "after_seq": 1, "text": "", "attachment_ids": [file]});
        let (status, sent) = user.post(&format!("/v1/conversations/{team}/messages"), &body).await;
        assert_eq!(status, 201, "{sent}");
        is_referenced(file).await;
    }
    let names = |archive: &Archive| -> Vec<String> {
        archive.entries.keys().filter(|name| name.starts_with("files/")).cloned().collect()
    };
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let [attached, unsent, others] = [
        format!("files/{attached}/film.bin"),
        format!("files/{unsent}/unsent.bin"),
        format!("files/{others}/small.bin"),
    ];

    let own = export(&alice, "/v1/users/me/export", &json!({"files": true})).await;
    assert_eq!(names(&own), sorted(vec![attached.clone(), unsent]));
    assert!(own.entries[&attached] == large, "the bytes of a large file");
    let whole = export(&alice, &format!("/v1/conversations/{team}/export"), &json!({"files": true})).await;
    assert_eq!(names(&whole), sorted(vec![attached.clone(), others.clone()]));
    assert!(whole.entries[&attached] == large && whole.entries[&others] == b"of bob");
    assert_eq!(whole.manifest()["counts"]["files"], 2);
    let without = export(&bob, "/v1/users/me/export", &json!({})).await;
    assert!(names(&without).is_empty());
}

#[tokio::test]
async fn large_file_is_copied_piece_by_piece_by_many_invocations() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let team = group(&alice, &[]).await;
    let large = bytes(LARGE);
    let file = upload(&api(&alice).await, &team, "film.bin", &large).await;
    let user_id: UserId = alice.user_id.parse().unwrap();
    let subject = Subject::User { user_id, messages: ExportedMessages::Sent };
    let export = worker.request(user_id, subject, true).await;
    let mut invocations = 1;
    while !worker.work(export, Duration::ZERO).await {
        invocations += 1;
    }
    let archive = worker.archive(user_id, export).await;
    assert!(archive.entries[&format!("files/{file}/film.bin")] == large);
    assert!(invocations > 6, "{invocations} invocations: one has one piece");
}

#[tokio::test]
async fn ten_thousand_messages_are_exported_across_the_archive() {
    const HEAD: u64 = 10_001;
    let cloud = tokio::task::spawn_blocking(Cloud::shared).await.unwrap();
    let alice = TestUser::of(cloud, "alice").await;
    let team = group(&alice, &[]).await;
    let conversation: ConversationId = team.parse().unwrap();
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let messages = aws::log(&dynamodb).messages;
    let first = messages.head(conversation, true).await.unwrap().unwrap();
    let text = |seq: u64| Content::new(format!("message {seq}"), None, Vec::new()).unwrap();
    let written = append(&dynamodb, first, (2..=HEAD).map(text)).await.unwrap();
    // Each was written with a time of its own, a millisecond after the one before.
    let newest = written.last().unwrap().sent_at;
    while Timestamp::now() <= newest {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let archiver = Archiver {
        archive: aws::archive(cloud),
        messages: messages.clone(),
        after: Duration::ZERO,
        deletion_rate: 1_000,
    };
    for segment in 0..3 {
        let segment = SegmentSize::STORED.segment_of(Seq(1 + 1_000 * segment));
        let until = Timestamp::now().plus(Duration::from_mins(2));
        let settled = archiver.settle(conversation, segment, false, until).await.unwrap();
        assert!(matches!(settled, Settled::Archived { .. }), "{settled:?}");
    }
    assert!(messages.get(conversation, Seq(2_500)).await.unwrap().is_none(), "it has moved");

    let archive = export(&alice, &format!("/v1/conversations/{team}/export"), &json!({})).await;
    let exported = archive.messages(&team);
    let seqs: Vec<u64> = exported.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert!(seqs.iter().copied().eq(1..=HEAD), "{} messages", seqs.len());
    let expected = written.into_iter().map(|item| json!(item.shown_to(UserId::SYSTEM, &Periods::all())));
    assert!(exported.into_iter().skip(1).eq(expected));
    assert_eq!(archive.manifest()["counts"]["messages"], HEAD);
}
