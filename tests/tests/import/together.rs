//! Small conversations, which a step brings together.

use std::time::Duration;

use domain::import::ImportState;
use domain::{ImportId, Timestamp};
use end_to_end::crash::unless_crashed;
use end_to_end::{Cloud, StoredState, TestUser};
use serde_json::{Value, json};
use store::sqs::ImportBody;
use uuid::Uuid;

use crate::setup::{conversation, here, history, id, lines, source, text, zip};
use crate::worker::{HANDOVER_RESERVE, Worker};

/// A time in which every import of these tests is done.
const LONG: Duration = Duration::from_mins(5);

/// Conversations of a file, and those of them that bob writes in.
const CONVERSATIONS: usize = 6;
const WITH_BOB: usize = 3;

/// Polls until the first crash.
const FIRST_CRASH: u32 = 12;

/// A file with small conversations that differ in what they have. Alice is in all of them, bob in those with even numbers; he writes in three.
struct File {
    ids: Vec<String>,
    bytes: Vec<u8>,
}

impl File {
    fn of(alice: &TestUser, bob: &TestUser, word: &str) -> Self {
        let ids: Vec<String> = (0..CONVERSATIONS).map(|_| id()).collect();
        let conversation = |(n, id): (usize, &String)| json!({"conversation_id": id, "type": if n == 1 { "public" } else { "group" }, "title": format!("Number {n}"), "closed": n == 2});
        let member = |id: &String, user: &TestUser| json!({"conversation_id": id, "user_id": user.user_id, "display_name": "Somebody", "role": "member"});
        let members = ids
            .iter()
            .enumerate()
            .flat_map(|(n, id)| [Some(member(id, alice)), (n % 2 == 0).then(|| member(id, bob))].into_iter().flatten());
        let messages = |n: usize| -> Vec<Value> {
            let sender = |seq: u64| if n.is_multiple_of(2) && n < 2 * WITH_BOB && seq == 2 { bob } else { alice };
            let message = |seq: u64| {
                let sender = sender(seq);
                let words = if sender.user_id == bob.user_id { word.to_owned() } else { format!("{n}: {seq}") };
                let mut message = text(&ids[n], seq, &sender.user_id, &words);
                message["message_id"] = json!(Uuid::new_v4());
                message
            };
            (1..=count(n)).map(message).collect()
        };
        let mut entries = vec![
            ("conversations.jsonl".to_owned(), lines(&ids.iter().enumerate().map(conversation).collect::<Vec<_>>())),
            ("members.jsonl".to_owned(), lines(&members.collect::<Vec<_>>())),
        ];
        for (n, id) in ids.iter().enumerate() {
            let messages = messages(n);
            let (first, second) = messages.split_at(messages.len().min(3));
            entries.push((format!("messages/{id}.jsonl"), lines(first)));
            if !second.is_empty() {
                entries.push((format!("messages/{id}.2.jsonl"), lines(second)));
            }
        }
        let entries: Vec<(&str, Vec<u8>)> =
            entries.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        Self { bytes: zip(&entries), ids }
    }

    fn here(&self, source: &str, n: usize) -> String {
        if n == 1 {
            let id: domain::ConversationId = self.ids[n].parse().unwrap();
            let space = domain::import::IdSpace::of(source);
            return space.conversation(id, domain::ConversationType::Public).to_string();
        }
        here(source, &self.ids[n])
    }
}

/// Number of messages of a conversation.
fn count(n: usize) -> u64 {
    2 + n as u64
}

/// Runs an invocation that crashes after so many polls. Returns true if it ended before.
async fn crash(worker: &Worker, import_id: ImportId, after: u32) -> bool {
    let deadline = Timestamp::now().plus(HANDOVER_RESERVE + LONG);
    let work = worker.job.work(ImportBody { import_id, round: 0 }, deadline);
    unless_crashed(work, Some(after)).await.is_some_and(|result| result.is_ok())
}

#[tokio::test]
async fn each_conversation_is_whole_or_not_there_after_a_crash() {
    let cloud = Cloud::shared();
    let worker = Worker::new(cloud).await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let file = File::of(&alice, &bob, "of bob");
    let mut crashed = 0;
    let mut polls = FIRST_CRASH;
    loop {
        let after = polls;
        polls += polls / 2;
        let source = source();
        let import = worker.start(&source, file.bytes.clone()).await;
        let ended = crash(&worker, import, after).await;
        for n in 0..CONVERSATIONS {
            let path = format!("/v1/conversations/{}/messages?after_seq=0&limit=100", file.here(&source, n));
            let (status, page) = alice.get(&path).await;
            let found = page["messages"].as_array().map_or(0, Vec::len) as u64;
            assert!(status == 404 || (status == 200 && found == count(n) + 1), "after {after} polls: {status} {page}");
        }
        worker.end_claim(import).await;
        worker.work(import, LONG).await;
        let found = worker.state(import).await;
        let all = found.counts.conversations + found.counts.existing_conversations;
        assert_eq!((found.state, all), (ImportState::Done, CONVERSATIONS as u64), "after {after} polls: {found:?}");
        for n in 0..CONVERSATIONS {
            let here = file.here(&source, n);
            let found = conversation(&alice, &here).await;
            assert_eq!((&found["head_seq"], &found["unread"]), (&json!(count(n) + 1), &json!(0)), "{found}");
            assert_eq!((&found["title"], &found["closed"]), (&json!(format!("Number {n}")), &json!(n == 2)), "{found}");
            let is_member = bob.get(&format!("/v1/conversations/{here}/receipts")).await.0 == 200;
            assert_eq!(is_member, n % 2 == 0, "{here}");
            StoredState::of(cloud, &here).await.check();
        }
        if ended {
            let repeated = worker.start(&source, file.bytes.clone()).await;
            worker.work(repeated, LONG).await;
            let counts = worker.state(repeated).await.counts;
            assert_eq!((counts.existing_conversations, counts.messages), (CONVERSATIONS as u64, 0), "{counts:?}");
            break;
        }
        crashed += 1;
    }
    // How many polls a worker takes depends on the machine. The first crash always comes.
    assert!(crashed > 0, "no crash");
}

#[tokio::test]
async fn only_conversations_of_a_user_who_is_erased_meanwhile_are_brought_again() {
    let cloud = Cloud::shared();
    let worker = Worker::new(cloud).await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let word = format!("w{}", Uuid::new_v4().simple());
    let (file, source) = (File::of(&alice, &bob, &word), source());
    let import = worker.start(&source, file.bytes.clone()).await;
    while worker.state(import).await.counts.users == 0 {
        // Without time, an invocation takes one step and leaves a checkpoint.
        worker.work(import, Duration::ZERO).await;
    }
    assert_eq!(bob.delete("/v1/users/me?messages=erase").await.0, 204);
    worker.work(import, LONG).await;
    let found = worker.state(import).await;
    let messages = (0..CONVERSATIONS).map(count).sum::<u64>();
    let counts = (found.counts.conversations, found.counts.messages, found.counts.erased_messages);
    assert_eq!((found.state, counts), (ImportState::Done, (CONVERSATIONS as u64, messages, WITH_BOB as u64)));
    for n in 0..CONVERSATIONS {
        let here = file.here(&source, n);
        assert_eq!(history(&alice, &here).await.len() as u64, count(n) + 1);
        let state = StoredState::of(cloud, &here).await;
        assert!(!format!("{state:?}").contains(&word), "{n}: {state:?}");
    }
}

#[tokio::test]
async fn private_conversation_that_users_have_begun_meanwhile_fails_the_import() {
    let worker = Worker::new(Cloud::shared()).await;
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (source, ids) = (source(), [id(), id()]);
    let conversation = |id: &String| json!({"conversation_id": id, "type": "private"});
    let member = |id: &str, user: &TestUser| json!({"conversation_id": id, "user_id": user.user_id, "role": "member"});
    let members = [member(&ids[0], &alice), member(&ids[0], &bob), member(&ids[1], &alice), member(&ids[1], &carol)];
    let bytes = zip(&[
        ("conversations.jsonl", lines(&ids.iter().map(conversation).collect::<Vec<_>>())),
        ("members.jsonl", lines(&members)),
        (&format!("messages/{}.jsonl", ids[0]), lines(&[text(&ids[0], 1, &bob.user_id, "hello")])),
        (&format!("messages/{}.jsonl", ids[1]), lines(&[text(&ids[1], 1, &carol.user_id, "hello")])),
    ]);
    let import = worker.start(&source, bytes).await;
    while worker.state(import).await.counts.users == 0 {
        worker.work(import, Duration::ZERO).await;
    }
    alice.private_conversation_with(&bob).await;
    worker.work(import, LONG).await;
    let failed = worker.state(import).await;
    assert_eq!((failed.state, failed.errors.len()), (ImportState::Failed, 1), "{failed:?}");
    assert_eq!((failed.errors[0].file.as_str(), failed.errors[0].line), ("conversations.jsonl", Some(1)));
    for id in &ids {
        let left = StoredState::of(Cloud::shared(), &here(&source, id)).await;
        assert!(left.log.is_empty() && left.conversation_row.is_none() && left.conversation.is_none(), "{left:?}");
    }
}
