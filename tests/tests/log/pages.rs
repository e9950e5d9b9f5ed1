//! Pages of the largest items that can be: each answer is bounded, and all items come once.

use chat::inbox::Inbox;
use chat::log::{Page, PageRequest};
use domain::message::Edit;
use domain::page::{MAX_BODY_BYTES, MAX_FRAME_BYTES};
use domain::protocol::http::{AroundPage, ConversationsPage, HistoryPage};
use domain::protocol::{Answer, Push, Reply, SyncRequest};
use domain::reaction::{Emoji, MAX_REACTIONS};
use domain::{ClientMessageId, Content, Custom, MessageId, MessageKind, Seq, UserId};
use end_to_end::aws::log;
use serde::Serialize;
use serde_json::json;
use store::dynamodb::Watermarks;
use store::dynamodb::messages::{AmendedBy, LogItem, PutOutcome};
use uuid::Uuid;

use crate::conversation::TestConversation;

/// Largest item of DynamoDB.
const MAX_ITEM_BYTES: usize = 400 * 1024;

fn bytes(answer: &impl Serialize) -> usize {
    serde_json::to_string(answer).unwrap().len()
}

/// The largest text: every byte of it has six in JSON.
fn content() -> Content {
    let mentions = (0..50).map(|_| UserId(Uuid::new_v4())).collect();
    let attachment = || {
        let names = ("\"".repeat(255), format!("a/{}", "b".repeat(125)));
        let attachment = json!({"file_id": Uuid::now_v7(), "name": names.0, "content_type": names.1,
            "size": 5_368_709_120_u64, "width": 65_535, "height": 65_535});
        serde_json::from_value(attachment).unwrap()
    };
    Content {
        text: "\u{1}".repeat(domain::message::MAX_TEXT_BYTES),
        reply_to_seq: Some(Seq(2)),
        mentions,
        attachments: (0..domain::file::MAX_ATTACHMENTS).map(|_| attachment()).collect(),
        custom: custom().into(),
    }
}

/// The largest object.
fn custom() -> Custom {
    let custom = json!({"a": "\"".repeat((domain::custom::MAX_CUSTOM_BYTES - 8) / 2)});
    serde_json::from_value::<Custom>(custom).unwrap().check().unwrap()
}

/// As many different emoji as a message can have reactions, the longest that there are.
fn emoji() -> Vec<Emoji> {
    let people = ('\u{1F385}'..='\u{1F9DD}').filter(|person| Emoji::parse(&format!("{person}\u{1F3FB}")).is_ok());
    let people: Vec<char> = people.collect();
    let tones = '\u{1F3FB}'..='\u{1F3FF}';
    let couples = tones.clone().flat_map(|one| {
        let kiss =
            move |other| format!("\u{1F469}{one}\u{200D}\u{2764}\u{FE0F}\u{200D}\u{1F48B}\u{200D}\u{1F468}{other}");
        tones.clone().map(kiss)
    });
    let persons = people.iter().flat_map(|person| tones.clone().map(move |tone| format!("{person}{tone}")));
    let others = ('\u{1F300}'..='\u{1FAFF}').map(String::from);
    let all = couples.chain(persons).chain(others).filter_map(|emoji| Emoji::parse(&emoji).ok());
    all.take(MAX_REACTIONS).collect()
}

impl TestConversation {
    /// Puts large texts after the head: every `step`th has all edits and reactions that there can be, and the one before it is an
    /// edit. Returns the seqs that history shows.
    async fn put_largest(&self, number: u64, step: u64) -> Vec<u64> {
        let (emoji, head) = (emoji(), self.head().await);
        assert_eq!(emoji.len(), MAX_REACTIONS);
        let mut shown = Vec::new();
        for seq in head.seq.0 + 1..=head.seq.0 + number {
            let sent_at = head.sent_at.plus(std::time::Duration::from_secs(seq));
            let mut item = LogItem {
                seq: Seq(seq),
                message_id: MessageId::generate(sent_at),
                sender_id: self.alice,
                sent_at,
                client_message_id: Some(ClientMessageId(Uuid::new_v4())),
                kind: MessageKind::Text(content()),
                ..head.clone()
            };
            if seq % step == 0 {
                // Every edit is kept, and every reaction.
                let edit = |n: u64| Edit {
                    seq: Seq(seq + n),
                    edited_at: sent_at,
                    text: content().text,
                    mentions: content().mentions,
                    custom: custom().into(),
                };
                item.edits = (1..=20).map(edit).collect();
                item.amended = Some(AmendedBy { seq: Seq(seq + 20), members_seq: head.members_seq });
                for emoji in &emoji {
                    item.reactions.add(emoji.clone(), self.bob, Seq(seq + 1));
                }
            } else if seq % step == step - 1 {
                let target_seq = Seq((seq + 1 - step).max(2));
                item.kind = MessageKind::MessageEdited { target_seq, content: None };
            }
            let message = item.clone().shown_to_sender();
            assert!(bytes(&Push::Message { message }) <= MAX_FRAME_BYTES, "a push of it");
            assert!(bytes(&item) <= 6 * MAX_ITEM_BYTES, "{}", bytes(&item));
            if item.kind.target().is_none() {
                shown.push(seq);
            }
            let outcome = self.log.messages.put(&item).await.unwrap();
            assert!(matches!(outcome, PutOutcome::Written), "{outcome:?}");
        }
        shown
    }

    fn inbox(&self) -> Inbox {
        let [delivered, read] = ["local-DeliveryStatusTable", "local-ReadStatusTable"].map(str::to_owned);
        Inbox { log: log(&self.dynamodb), watermarks: Watermarks::new(self.dynamodb.clone(), delivered, read) }
    }
}

#[tokio::test]
async fn pages_of_the_largest_messages_are_bounded_and_complete() {
    let conversation = TestConversation::private().await;
    let mut all = vec![1];
    all.extend(conversation.put_largest(102, 16).await);
    for limit in [30, 100] {
        for forwards in [true, false] {
            let mut request = if forwards { PageRequest::After(Seq::ZERO) } else { PageRequest::Before(Seq::MAX) };
            let mut found = Vec::new();
            loop {
                let page = conversation.log.history(conversation.id, conversation.bob, request, limit).await.unwrap();
                let mut seqs: Vec<u64> = page.messages.iter().map(|message| message.seq.0).collect();
                if !forwards {
                    seqs.reverse();
                }
                found.extend(seqs);
                let Page { messages, next, expired_seq } = page;
                let body = HistoryPage { messages, more: next.is_some(), next, expired_seq };
                assert!(bytes(&body) <= MAX_BODY_BYTES + 1024, "{} {limit}", bytes(&body));
                let Some(next) = next else { break };
                request = if forwards { PageRequest::After(next) } else { PageRequest::Before(next) };
            }
            if !forwards {
                found.reverse();
            }
            assert_eq!(found, all, "{limit} {forwards}");
        }
    }
}

#[tokio::test]
async fn surroundings_of_the_largest_messages_are_bounded_and_without_gaps() {
    let conversation = TestConversation::private().await;
    let mut all = vec![1];
    all.extend(conversation.put_largest(40, 8).await);
    for middle in [0, 1, 24, 30, 41, 900] {
        let around = conversation.log.around(conversation.id, conversation.bob, Seq(middle), 100).await.unwrap();
        let seqs: Vec<u64> = around.messages.iter().map(|message| message.seq.0).collect();
        let (first, last) = (seqs[0], seqs[seqs.len() - 1]);
        let expected = all.iter().copied().filter(|seq| (first..=last).contains(seq));
        assert_eq!(seqs, expected.collect::<Vec<_>>(), "{middle}");
        assert_eq!((around.more_before, around.more_after), (first > all[0], last < all[all.len() - 1]), "{middle}");
        let near = all.iter().filter(|seq| seq.abs_diff(middle) <= 1);
        assert!(near.into_iter().all(|seq| seqs.contains(seq)), "{middle}: {seqs:?}");
        let (messages, more) = (around.messages, (around.more_before, around.more_after));
        let (more_before, more_after, expired_seq) = (more.0, more.1, around.expired_seq);
        let body = AroundPage { messages, more_before, more_after, expired_seq };
        assert!(bytes(&body) <= MAX_BODY_BYTES + 1024, "{}", bytes(&body));
    }
}

#[tokio::test]
async fn syncs_of_the_largest_messages_fit_in_frames_and_are_complete() {
    let conversation = TestConversation::private().await;
    conversation.put_largest(30, 8).await;
    let (inbox, mut cursor, mut next) = (conversation.inbox(), Seq::ZERO, 1);
    loop {
        let request = SyncRequest { cursors: [(conversation.id, cursor)].into(), cursor: None };
        let synced = inbox.sync(conversation.bob, request).await.unwrap();
        let part = synced.conversations[0].clone();
        let reply = Reply { reply_to: Some("\u{1}".repeat(128)), answer: Answer::Synced(synced) };
        assert!(bytes(&reply) <= MAX_FRAME_BYTES, "{}", bytes(&reply));
        for message in part.messages {
            assert_eq!(message.seq.0, next);
            (cursor, next) = (message.seq, next + 1);
        }
        if !part.more {
            break;
        }
    }
    assert_eq!(next, 32);
}

/// A list has the newest message of each conversation, which can be as large as a frame.
#[tokio::test]
async fn lists_of_conversations_with_the_largest_messages_are_bounded() {
    let conversation = TestConversation::private().await;
    conversation.put_largest(7, 8).await;
    let page = conversation.inbox().page(conversation.bob, None, 50).await.unwrap();
    let body = ConversationsPage { conversations: page.0, cursor: page.1 };
    assert_eq!(body.conversations.len(), 1);
    assert!(bytes(&body.conversations[0]) < MAX_FRAME_BYTES);
    assert_eq!(body.conversations[0].head_seq, Seq(8));
}

#[tokio::test]
async fn sender_behind_many_large_items_must_sync_first() {
    let conversation = TestConversation::private().await;
    conversation.put_largest(56, 1).await;
    let draft = conversation.draft(conversation.bob, 1, "a megabyte of it is read at a time");
    let refused = conversation.log.open(&draft).await.map(drop);
    assert!(matches!(refused, Err(chat::log::SendError::Behind)), "{refused:?}");
}
