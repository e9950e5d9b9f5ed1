//! Workers that crash anywhere, run twice, or run out of time.

use std::time::Duration;

use domain::import::ImportState;
use domain::{ImportId, Timestamp};
use end_to_end::crash::unless_crashed;
use end_to_end::{Cloud, StoredState, TestUser};
use serde_json::Value;
use store::sqs::ImportBody;

use crate::setup::{conversation, group_file, here, history, id, source};
use crate::worker::{HANDOVER_RESERVE, Worker};

/// A time in which every import of these tests is done.
const LONG: Duration = Duration::from_mins(5);

/// Polls between two crashes.
const STRIDE: usize = 12;

/// Runs an invocation that crashes after so many polls. Returns true if it ended before.
async fn crash(worker: &Worker, import_id: ImportId, time: Duration, after: usize) -> bool {
    let deadline = Timestamp::now().plus(HANDOVER_RESERVE + time);
    let work = worker.job.work(ImportBody { import_id, round: 0 }, deadline);
    let ended = unless_crashed(work, Some(u32::try_from(after).unwrap())).await;
    ended.is_some_and(|result| result.is_ok())
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["text"].as_str()).collect()
}

#[tokio::test]
async fn import_is_whole_or_not_there_whatever_call_a_worker_crashes_at() {
    let cloud = Cloud::shared();
    let worker = Worker::new(cloud).await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = id();
    let file = group_file(&group, &[&alice.user_id, &bob.user_id], 60);
    let expected: Vec<String> = (1..=60).map(|seq| format!("message {seq}")).collect();
    let mut crashed = 0;
    for after in (1..).step_by(STRIDE) {
        let source = source();
        let here = here(&source, &group);
        let import = worker.start(&source, file.clone()).await;
        let ended = crash(&worker, import, LONG, after).await;
        // Whatever there is: nothing, or the whole.
        let (status, page) = bob.get(&format!("/v1/conversations/{here}/messages?after_seq=0&limit=100")).await;
        match status {
            404 => {}
            200 => assert_eq!(page["messages"].as_array().unwrap().len(), 61, "after {after} polls: {page}"),
            _ => panic!("{status} {page}"),
        }
        let (status, _) = bob.get("/v1/conversations").await;
        assert_eq!(status, 200, "a list with a conversation that is not whole");
        worker.end_claim(import).await;
        worker.work(import, LONG).await;
        assert_eq!(worker.state(import).await.state, ImportState::Done, "after {after} polls");
        assert_eq!(texts(&history(&bob, &here).await), expected, "after {after} polls");
        assert_eq!(conversation(&bob, &here).await["unread"], 0);
        StoredState::of(cloud, &here).await.check();
        if ended {
            break;
        }
        crashed += 1;
    }
    // How many polls a worker takes depends on the machine. The first crash always comes.
    assert!(crashed > 0, "no crash");
}

#[tokio::test]
async fn import_goes_on_from_each_checkpoint() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let import = worker.start(&source, group_file(&group, &[&alice.user_id], 50)).await;
    let mut steps = 0;
    while worker.state(import).await.state == ImportState::Running {
        // Without time, an invocation takes one step and leaves a checkpoint.
        worker.work(import, Duration::ZERO).await;
        steps += 1;
        assert!(steps < 50, "it does not come to an end");
    }
    assert_eq!(worker.state(import).await.state, ImportState::Done);
    assert!(steps > 5, "{steps} steps");
    assert_eq!(history(&alice, &here(&source, &group)).await.len(), 51);
}

#[tokio::test]
async fn what_users_write_meanwhile_is_not_overwritten_by_a_worker_that_goes_on() {
    let worker = Worker::new(Cloud::shared()).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let here = here(&source, &group);
    let import = worker.start(&source, group_file(&group, &[&alice.user_id], 5)).await;
    // The last checkpoint is one within the messages.
    worker.until_written(import, &here).await;
    assert_eq!(alice.get(&format!("/v1/conversations/{here}")).await.0, 404);
    let mut polls = 10;
    while alice.get(&format!("/v1/conversations/{here}")).await.0 != 200 {
        crash(&worker, import, LONG, polls).await;
        worker.end_claim(import).await;
        polls += 2;
    }
    let path = format!("/v1/conversations/{here}/messages/3");
    let deleted = alice.delete(&path).await.0 == 204;
    worker.work(import, LONG).await;
    assert_eq!(worker.state(import).await.state, ImportState::Done);
    let history = history(&alice, &here).await;
    assert_eq!(history.len(), 6);
    assert_eq!(history[2]["kind"] == "deleted", deleted, "{}", history[2]);
}

#[tokio::test]
async fn cancelled_import_leaves_nothing_and_another_one_brings_all() {
    let cloud = Cloud::shared();
    let worker = Worker::new(cloud).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let here = here(&source, &group);
    let long = worker.start(&source, group_file(&group, &[&alice.user_id], 80)).await;
    for after in [60, 90, 120] {
        crash(&worker, long, LONG, after).await;
        worker.end_claim(long).await;
        if !StoredState::of(cloud, &here).await.log.is_empty() {
            break;
        }
    }
    if worker.state(long).await.state == ImportState::Running {
        worker.cancel(long).await;
        worker.work(long, LONG).await;
        assert_eq!(worker.state(long).await.state, ImportState::Cancelled);
        let left = StoredState::of(cloud, &here).await;
        assert!(left.conversation_row.is_none() && left.log.is_empty() && left.conversation.is_none(), "{left:?}");
        assert_eq!(alice.get(&format!("/v1/conversations/{here}")).await.0, 404);
    }
    let short = worker.start(&source, group_file(&group, &[&alice.user_id], 7)).await;
    worker.work(short, LONG).await;
    assert_eq!(worker.state(short).await.state, ImportState::Done);
    assert!(history(&alice, &here).await.len() >= 8);
}

#[tokio::test]
async fn import_takes_over_what_another_one_has_left() {
    let cloud = Cloud::shared();
    let worker = Worker::new(cloud).await;
    let alice = TestUser::new("alice").await;
    let (group, source) = (id(), source());
    let here = here(&source, &group);
    let first = worker.start(&source, group_file(&group, &[&alice.user_id], 80)).await;
    let mut after = 40;
    while StoredState::of(cloud, &here).await.log.len() < 2 {
        crash(&worker, first, LONG, after).await;
        worker.end_claim(first).await;
        after += 10;
    }
    if worker.state(first).await.state == ImportState::Done {
        return;
    }
    let second = worker.start(&source, group_file(&group, &[&alice.user_id], 3)).await;
    worker.work(second, LONG).await;
    let refused = worker.state(second).await;
    assert_eq!(refused.state, ImportState::Failed, "the first one may go on");
    assert!(refused.errors[0].message.contains(&first.to_string()), "{:?}", refused.errors);
    worker.cancel(first).await;
    let third = worker.start(&source, group_file(&group, &[&alice.user_id], 3)).await;
    worker.work(third, LONG).await;
    assert_eq!(worker.state(third).await.state, ImportState::Done);
    assert_eq!(history(&alice, &here).await.len(), 4, "nothing of the longer file is left");
    StoredState::of(cloud, &here).await.check();
}
