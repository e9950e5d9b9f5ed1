//! Answers are bounded by bytes: the largest lists, over HTTP and the WebSocket.

use domain::page::{MAX_BODY_BYTES, MAX_FRAME_BYTES};
use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn history_of_the_largest_texts_is_read_in_several_pages() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    let text = format!("x{}", "\u{1}".repeat(8_191));
    for after_seq in 1..=60 {
        let draft = json!({"client_message_id": Uuid::new_v4(), "after_seq": after_seq, "text": text});
        let (status, sent) = bob.post(&messages, &draft).await;
        assert_eq!(status, 201, "{sent}");
    }
    let (mut path, mut seqs) = (format!("{messages}?limit=100&after_seq=0"), Vec::new());
    loop {
        let (status, page) = alice.get(&path).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.to_string().len() <= MAX_BODY_BYTES + 1024, "{}", page.to_string().len());
        seqs.extend(page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()));
        assert_eq!(page["more"], json!(page["next"].is_u64()));
        let Some(next) = page["next"].as_u64() else { break };
        path = format!("{messages}?limit=100&after_seq={next}");
    }
    assert!(seqs.iter().copied().eq(1..=61), "{seqs:?}");
    let (status, around) = alice.get(&format!("{messages}?limit=100&around_seq=30")).await;
    assert_eq!((status, &around["more_before"], &around["more_after"]), (200, &json!(true), &json!(true)));
}

#[tokio::test]
async fn lists_of_conversations_with_long_titles_fit_in_frames() {
    let alice = TestUser::new("alice").await;
    let (title, topic) = ("😀".repeat(200), "😀".repeat(1_000));
    let group = json!({"type": "group", "title": title, "topic": topic});
    let mut all = Vec::new();
    for _ in 0..50 {
        let (status, created) = alice.post("/v1/conversations", &group).await;
        assert_eq!(status, 201, "{created}");
        all.push(created["conversation_id"].clone());
    }
    let mut socket = alice.connect().await;
    let (mut cursor, mut listed) = (Value::Null, Vec::new());
    loop {
        let synced = socket.ask(json!({"action": "sync", "cursor": cursor})).await;
        assert_eq!(synced["type"], "synced", "{synced}");
        assert!(synced.to_string().len() <= MAX_FRAME_BYTES, "{}", synced.to_string().len());
        listed
            .extend(synced["conversations"].as_array().unwrap().iter().map(|listed| listed["conversation_id"].clone()));
        cursor = synced["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(listed, all);

    let (status, page) = alice.get("/v1/conversations?limit=50").await;
    let listed = page["conversations"].as_array().unwrap().iter().map(|listed| listed["conversation_id"].clone());
    assert_eq!((status, &page["cursor"], listed.collect::<Vec<_>>()), (200, &Value::Null, all));
}
