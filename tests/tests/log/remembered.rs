//! What a process remembers of a log saves reads and decides nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chat::log::{Appended, Draft, Log, SendError};
use domain::amendment::Amendment;
use domain::{Content, Seq};
use end_to_end::aws::log;
use futures_util::future::join_all;

use crate::conversation::TestConversation;
use crate::proxy::counting_queries;

async fn send(log: &Log, draft: &Draft) -> Appended {
    log.open(draft).await.unwrap().append().await.unwrap()
}

#[tokio::test]
async fn process_that_knows_the_log_reads_neither_it_nor_the_members() {
    let conversation = TestConversation::group().await;
    let (client, queries) = counting_queries().await;
    let process = log(&client);
    let mut counted = Vec::new();
    for (sender, after) in
        [(conversation.alice, 1), (conversation.bob, 2), (conversation.bob, 1), (conversation.alice, 4)]
    {
        let appended = send(&process, &conversation.draft(sender, after, "hear")).await;
        counted.push((appended.item.seq.0, appended.puts, queries.load(Ordering::Relaxed)));
    }
    assert_eq!(counted, [(2, 1, 2), (3, 1, 2), (4, 1, 2), (5, 1, 2)], "the log and the members, once");

    // Another process is faster: the lost place shows what it wrote.
    conversation.send_text(conversation.bob, "elsewhere").await;
    let appended = send(&process, &conversation.draft(conversation.alice, 5, "hear")).await;
    assert_eq!((appended.item.seq.0, appended.puts, queries.load(Ordering::Relaxed)), (7, 2, 3));
}

#[tokio::test]
async fn message_from_before_what_is_remembered_is_found() {
    let conversation = TestConversation::group().await;
    let draft = conversation.draft(conversation.alice, 1, "once");
    assert_eq!(send(&conversation.log, &draft).await.item.seq, Seq(2));
    let process = conversation.process();
    conversation.send_text(conversation.bob, "later").await;
    assert_eq!(send(&process, &conversation.draft(conversation.bob, 3, "and later")).await.item.seq, Seq(4));
    let again = send(&process, &draft).await;
    assert_eq!((again.item.seq, again.duplicate, again.puts), (Seq(2), true, 0));
}

#[tokio::test]
async fn resend_is_answered_with_the_message_as_it_is_now() {
    let conversation = TestConversation::group().await;
    let draft = conversation.draft(conversation.alice, 1, "first");
    send(&conversation.log, &draft).await;
    let edit = Amendment::Edit(Content::new("edited".to_owned(), None, Vec::new()).unwrap());
    let window = Duration::from_hours(1);
    conversation.process().amend(conversation.id, conversation.alice, Seq(2), &edit, window).await.unwrap();
    let again = send(&conversation.log, &draft).await;
    assert_eq!((again.item.edits.len(), again.duplicate), (1, true));
    assert_eq!(again.item, conversation.items().await[1]);
}

#[tokio::test]
async fn removal_holds_for_a_process_that_remembers_the_member() {
    let conversation = TestConversation::group().await;
    let process = conversation.process();
    for (sender, after) in [(conversation.alice, 1), (conversation.bob, 2)] {
        send(&process, &conversation.draft(sender, after, "both")).await;
    }
    conversation.leave(conversation.bob).await;
    let late = conversation.draft(conversation.bob, 3, "too late");
    let refused = process.open(&late).await.unwrap().append().await;
    assert!(matches!(refused, Err(SendError::NotAMember)), "{refused:?}");
    let appended = send(&process, &conversation.draft(conversation.alice, 3, "alone")).await;
    assert_eq!((appended.item.seq, appended.roster.user_ids()), (Seq(5), vec![conversation.alice]));
    conversation.join(conversation.bob).await;
    let appended = send(&process, &conversation.draft(conversation.alice, 5, "both again")).await;
    assert!(appended.roster.has(conversation.bob));
}

#[tokio::test]
async fn sends_of_one_process_wait_for_each_other() {
    let conversation = TestConversation::group().await;
    let process = conversation.process();
    let drafts: Vec<Draft> = (0..12).map(|n| conversation.draft(conversation.alice, 1, &format!("{n}"))).collect();
    let sent = join_all(drafts.iter().map(|draft| send(&process, draft))).await;
    let places: Vec<(u64, u32)> = sent.iter().map(|appended| (appended.item.seq.0, appended.puts)).collect();
    assert_eq!(places, (2..14).map(|seq| (seq, 1)).collect::<Vec<_>>(), "in order, and none lost its place");
}
