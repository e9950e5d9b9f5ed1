//! Workers that crash anywhere, run twice, or run out of time.

use std::time::Duration;

use domain::export::{ExportFailure, ExportState, ExportedMessages, Subject};
use domain::{ExportId, Timestamp, UserId};
use end_to_end::crash::unless_crashed;
use end_to_end::{Cloud, TestUser, aws};
use serde_json::json;
use store::sqs::ExportBody;
use uuid::Uuid;

use crate::setup::{Archive, group, history, send};
use crate::worker::{HANDOVER_RESERVE, Worker};

/// A time in which every export of these tests is finished.
const LONG: Duration = Duration::from_mins(5);

/// Polls between two crashes.
const STRIDE: usize = 4;

/// A user with two conversations, who exports all of them.
async fn someone(worker: &Worker) -> (TestUser, UserId, Subject, Archive) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let team = group(&alice, &[&bob]).await;
    for n in 0..8 {
        send(&alice, &team, &format!("message {n}")).await;
    }
    let private = bob.private_conversation_with(&alice).await;
    send(&bob, &private, "hello").await;
    let user_id: UserId = alice.user_id.parse().unwrap();
    let subject = Subject::User { user_id, messages: ExportedMessages::Visible };
    let export = worker.request(user_id, subject, true).await;
    assert!(worker.work(export, LONG).await, "an export without a crash");
    let archive = worker.archive(user_id, export).await;
    assert_eq!(archive.messages(&team), history(&alice, &team).await);
    (alice, user_id, subject, archive)
}

fn without_manifest(archive: &Archive) -> Vec<(&String, &Vec<u8>)> {
    archive.entries.iter().filter(|(name, _)| *name != "manifest.json").collect()
}

/// Runs an invocation that crashes after so many polls. Returns true if it ended before.
async fn crash(worker: &Worker, export_id: ExportId, time: Duration, after: usize) -> bool {
    let deadline = Timestamp::now().plus(HANDOVER_RESERVE + time);
    let work = worker.job.work(ExportBody { export_id, round: 0 }, deadline);
    let ended = unless_crashed(work, Some(u32::try_from(after).unwrap())).await;
    ended.is_some_and(|result| result.is_ok())
}

#[tokio::test]
async fn export_is_whole_whatever_call_a_worker_crashes_at() {
    let worker = Worker::new(Cloud::shared()).await;
    let (_alice, user, subject, expected) = someone(&worker).await;
    let mut crashed = 0;
    for after in (1..).step_by(STRIDE) {
        let export = worker.request(user, subject, true).await;
        let ended = crash(&worker, export, LONG, after).await;
        worker.end_claim(export).await;
        // The one that comes after it finds what there is.
        worker.work(export, LONG).await;
        let archive = worker.archive(user, export).await;
        assert_eq!(without_manifest(&archive), without_manifest(&expected), "after {after} polls");
        if ended {
            break;
        }
        crashed += 1;
    }
    // How many polls a worker takes depends on the machine. The first crash always comes.
    assert!(crashed > 0, "no crash");
}

#[tokio::test]
async fn export_goes_on_from_each_checkpoint_after_crashes() {
    let worker = Worker::new(Cloud::shared()).await;
    let (_alice, user, subject, expected) = someone(&worker).await;
    for after in [5, 11, 17, 23, 29, 37] {
        let export = worker.request(user, subject, true).await;
        let mut steps = 0;
        while worker.state(user, export).await.state == ExportState::Running {
            // Without time, an invocation writes one piece and a checkpoint.
            crash(&worker, export, Duration::ZERO, after).await;
            worker.end_claim(export).await;
            worker.work(export, Duration::ZERO).await;
            steps += 1;
            assert!(steps < 50, "it does not come to an end");
        }
        let archive = worker.archive(user, export).await;
        assert_eq!(without_manifest(&archive), without_manifest(&expected), "after {after} polls");
        assert!(steps > 2, "{steps} steps");
    }
}

#[tokio::test]
async fn worker_leaves_an_export_alone_that_another_one_works_on() {
    let worker = Worker::new(Cloud::shared()).await;
    let (_alice, user, subject, _) = someone(&worker).await;
    let export = worker.request(user, subject, false).await;
    let now = Timestamp::now();
    let claimed = worker.job.exports.claim(export, Uuid::new_v4(), now, now.plus(LONG)).await.unwrap();
    assert!(claimed.is_some());
    assert!(!worker.work(export, LONG).await, "the claim stands");
    assert_eq!(worker.state(user, export).await.state, ExportState::Running);
    worker.end_claim(export).await;
    assert!(worker.work(export, LONG).await);
    assert!(!worker.work(export, LONG).await, "a queue message that comes twice");
    assert_eq!(worker.state(user, export).await.state, ExportState::Ready);
}

#[tokio::test]
async fn cancelled_export_leaves_nothing() {
    let cloud = Cloud::shared();
    let worker = Worker::new(cloud).await;
    let (_alice, user, subject, _) = someone(&worker).await;
    let export = worker.request(user, subject, false).await;
    assert!(!worker.work(export, Duration::ZERO).await, "it has no time");
    worker.requests.cancel(user, export).await.unwrap();
    assert!(!worker.work(export, LONG).await);
    assert_eq!(worker.state(user, export).await.state, ExportState::Cancelled);
    let s3 = aws_sdk_s3::Client::new(&aws::config().to_builder().endpoint_url(&cloud.endpoints.aws.s3).build());
    let listed = s3.list_objects_v2().bucket("local-exportsbucket").send().await.unwrap();
    let keys: Vec<String> = listed.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect();
    assert!(keys.iter().all(|key| !key.contains(&export.to_string())), "{keys:?}");
    // Another one may begin at once.
    let next = worker.request(user, subject, false).await;
    assert!(worker.work(next, LONG).await);
}

#[tokio::test]
async fn owner_who_is_none_any_more_gets_no_export() {
    let worker = Worker::new(Cloud::shared()).await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let team = group(&alice, &[&bob]).await;
    let (user, conversation_id) = (alice.user_id.parse().unwrap(), team.parse().unwrap());
    let export = worker.request(user, Subject::Conversation { conversation_id }, false).await;
    assert!(!worker.work(export, Duration::ZERO).await);
    let path = format!("/v1/conversations/{team}/members");
    assert_eq!(alice.patch(&format!("{path}/{}", bob.user_id), &json!({"role": "owner"})).await.0, 200);
    assert_eq!(bob.patch(&format!("{path}/{}", alice.user_id), &json!({"role": "member"})).await.0, 200);
    assert!(worker.work(export, LONG).await, "it has ended");
    let failed = worker.state(user, export).await;
    assert_eq!((failed.state, failed.reason), (ExportState::Failed, Some(ExportFailure::NotAllowed)));
}

#[tokio::test]
async fn second_request_finds_the_export_that_is_under_way() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let user_id: UserId = alice.user_id.parse().unwrap();
    let subject = |messages| Subject::User { user_id, messages };
    let first = worker.request(user_id, subject(ExportedMessages::Sent), false).await;
    assert_eq!(worker.request(user_id, subject(ExportedMessages::Sent), false).await, first);
    let (status, body) = alice.post("/v1/users/me/export", &json!({"messages": "visible"})).await;
    assert_eq!((status, &body["code"]), (409, &json!("export_running")), "{body}");
    let (status, body) = alice.post("/v1/users/me/export", &json!({"files": true})).await;
    assert_eq!((status, &body["code"]), (409, &json!("export_running")), "{body}");
    assert!(worker.work(first, LONG).await);
    assert_ne!(worker.request(user_id, subject(ExportedMessages::Visible), false).await, first);
}
