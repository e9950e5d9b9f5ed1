//! An index that is wrong: outdated, and with documents that no message ever was. The log decides.

use domain::search::Has;
use domain::{Seq, Timestamp};
use end_to_end::TestUser;
use serde_json::json;
use store::opensearch::{Change, Document, Written};

use crate::room::{Room, find, finds_nothing, found, index, quoted, seqs, word};

/// A version that no event has: later changes of the document are older.
const STUCK: Seq = Seq(1_000_000_000_000);

fn document(room: &Room, seq: u64, sender: &TestUser, terms: &str) -> Document {
    Document {
        conversation_id: room.id.parse().unwrap(),
        seq: Seq(seq),
        sender_id: sender.user_id.parse().unwrap(),
        sent_at: Timestamp::now(),
        version: STUCK,
        terms: terms.to_owned(),
        files: String::new(),
        has: Has::ALL.to_vec(),
        mentions: Vec::new(),
    }
}

async fn write(documents: Vec<Document>) {
    let changes: Vec<Change> = documents.into_iter().map(Change::Put).collect();
    let written = index().write(&changes).await.unwrap();
    assert!(written.iter().all(|written| *written == Written::Done), "{written:?}");
}

#[tokio::test]
async fn a_stale_index_shows_neither_old_words_nor_deleted_ones() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let room = Room::of(&alice, &[&bob]).await;
    let (old, new, gone, same) = (word(), word(), word(), word());
    let edited = room.say(&alice, &old).await;
    let deleted = room.say(&alice, &gone).await;
    let kept = room.say(&alice, &same).await;
    room.settle(&alice).await;
    // As if the stream had stopped here.
    write(vec![
        document(&room, edited, &alice, &old),
        document(&room, deleted, &alice, &gone),
        document(&room, kept, &alice, &same),
    ])
    .await;
    room.edit(&alice, edited, &new).await;
    room.delete(&alice, deleted).await;
    room.settle(&alice).await;
    for user in [&alice, &bob] {
        finds_nothing(user, &old).await;
        finds_nothing(user, &new).await;
        finds_nothing(user, &gone).await;
        assert_eq!(found(user, &same).await, [kept]);
        let filtered = find(user, &format!("{}&has=file", quoted(&same))).await;
        assert_eq!(seqs(&filtered), [] as [u64; 0], "the message has no file");
    }
}

#[tokio::test]
async fn documents_of_other_conversations_and_of_no_message_are_not_shown() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (secret, open) = (Room::of(&alice, &[&bob]).await, Room::of(&alice, &[&carol]).await);
    let (hidden, shown) = (word(), word());
    let hidden_seq = secret.say(&alice, &hidden).await;
    let shown_seq = open.say(&alice, &shown).await;
    tokio::join!(secret.settle(&alice), open.settle(&alice));
    write(vec![
        // Words of the secret conversation, under the id of a message that she sees, and where no message is.
        document(&open, shown_seq, &alice, &format!("{shown} {hidden}")),
        document(&open, 1_000, &alice, &hidden),
        // The id of the secret message with another sender: the document is hers, the message is not.
        document(&secret, hidden_seq, &carol, &hidden),
        // A system message, and an event of a message.
        document(&open, 1, &alice, &hidden),
    ])
    .await;
    open.settle(&alice).await;
    finds_nothing(&carol, &hidden).await;
    let mine = find(&carol, &format!("{}&sender_id={}", quoted(&hidden), carol.user_id)).await;
    assert_eq!(mine, json!({"hits": [], "cursor": null}));
    assert_eq!(found(&carol, &shown).await, [shown_seq]);
    let theirs = find(&bob, &format!("{}&sender_id={}", quoted(&hidden), carol.user_id)).await;
    assert_eq!(seqs(&theirs), [] as [u64; 0], "the filter holds for the message");
    assert_eq!(found(&bob, &hidden).await, [hidden_seq]);
}

#[tokio::test]
async fn hundreds_of_hidden_documents_neither_end_a_page_nor_show_in_its_cursor() {
    let alice = TestUser::new("alice").await;
    let room = Room::of(&alice, &[]).await;
    let tag = word();
    let first = room.say(&alice, &tag).await;
    let second = room.say(&alice, &tag).await;
    room.settle(&alice).await;
    for part in 0..6_u64 {
        write((0..100).map(|n| document(&room, 10_000 + 100 * part + n, &alice, &tag)).collect()).await;
    }
    room.settle(&alice).await;
    assert_eq!(found(&alice, &tag).await, [second, first]);
    let page = find(&alice, &format!("{}&limit=1", quoted(&tag))).await;
    assert_eq!(seqs(&page), [second]);
    let cursor = page["cursor"].as_str().expect("there is another message").to_owned();
    let sent_at = Timestamp::parse(page["hits"][0]["message"]["sent_at"].as_str().unwrap()).unwrap();
    assert!(cursor.starts_with(&sent_at.epoch_millis().to_string()), "{cursor} is the position of the message");
    let last = find(&alice, &format!("{}&limit=1&cursor={cursor}", quoted(&tag))).await;
    assert_eq!((seqs(&last), &last["cursor"]), (vec![first], &json!(null)));
}
