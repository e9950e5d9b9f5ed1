//! What members find: words, phrases, filters, orders and pages.

use end_to_end::TestUser;
use end_to_end::test_user::client;
use serde_json::json;

use crate::room::{Room, find, found, highlighted, quoted, search, seqs, word};

async fn pair() -> (TestUser, TestUser) {
    tokio::join!(TestUser::new("alice"), TestUser::new("bob"))
}

#[tokio::test]
async fn words_phrases_and_a_beginning_are_found_and_highlighted() {
    let (alice, bob) = pair().await;
    let room = Room::of(&alice, &[&bob]).await;
    let (tag, other) = (word(), word());
    let first = room.say(&alice, &format!("The quick brown fox, {tag}")).await;
    let second = room.say(&bob, &format!("A brown dog is quick, {tag} {other}")).await;
    room.settle(&alice).await;
    for user in [&alice, &bob] {
        assert_eq!(found(user, &tag).await, [second, first], "newest first");
        assert_eq!(found(user, &format!("quick {tag}")).await, [second, first]);
        assert_eq!(found(user, &format!("{tag} \"quick brown\"")).await, [first]);
        assert_eq!(found(user, &format!("{tag} \"brown quick\"")).await, [] as [u64; 0]);
        assert_eq!(found(user, &format!("{tag} {}", &other[..8])).await, [second], "the beginning of the last word");
        assert_eq!(found(user, &format!("{} {tag}", &other[..8])).await, [] as [u64; 0], "not of the others");
        assert_eq!(found(user, "&& !!").await, [] as [u64; 0]);
    }
    let page = search(&bob, &format!("{tag} \"QUICK brown\" fo")).await;
    assert_eq!(highlighted(&page["hits"][0]), ["quick brown", "fo", tag.as_str()]);
    let (_, history) = bob.get(&format!("{}/messages?around_seq={first}&limit=1", room.path)).await;
    assert_eq!(page["hits"][0]["message"], history["messages"][0], "a hit is what history shows");
}

#[tokio::test]
async fn filters_narrow_a_search() {
    let (alice, bob) = pair().await;
    let (room, other) = (Room::of(&alice, &[&bob]).await, Room::of(&bob, &[&alice]).await);
    let tag = word();
    let link = room.say(&alice, &format!("{tag} https://example.com/a")).await;
    let mention = room.send(&bob, &json!({"text": tag, "mentions": [alice.user_id]})).await;
    let file = uploaded(&alice, &room, &format!("{tag} Übersicht.txt")).await;
    let attached = room.send(&alice, &json!({"text": "see", "attachment_ids": [file]})).await;
    let elsewhere = other.say(&bob, &tag).await;
    tokio::join!(room.settle(&alice), other.settle(&alice));
    let q = quoted(&tag);
    let here = format!("{q}&conversation_id={}", room.id);
    assert_eq!(seqs(&find(&alice, &here).await), [attached, mention, link]);
    assert_eq!(seqs(&find(&alice, &format!("{q}&conversation_id={}", other.id)).await), [elsewhere]);
    assert_eq!(seqs(&find(&alice, &format!("{here}&sender_id={}", bob.user_id)).await), [mention]);
    for (has, expected) in [("link", link), ("mention", mention), ("file", attached)] {
        assert_eq!(seqs(&find(&alice, &format!("{here}&has={has}")).await), [expected], "{has}");
    }
    let files = find(&alice, &format!("has=file&conversation_id={}", room.id)).await;
    assert_eq!(seqs(&files), [attached], "without words");
    let hit = find(&alice, &format!("{}&conversation_id={}", quoted(&format!("{tag} ubersicht")), room.id)).await;
    assert_eq!(
        hit["hits"][0]["files"],
        json!([{"file_id": file, "highlights": [[0, tag.len()], [tag.len() + 1, tag.len() + 10]]}])
    );
    let page = find(&alice, &here).await;
    let sent_at = page["hits"][1]["message"]["sent_at"].as_str().unwrap();
    assert_eq!(seqs(&find(&alice, &format!("{here}&after={sent_at}")).await), [attached]);
    assert_eq!(seqs(&find(&alice, &format!("{here}&before={sent_at}")).await), [link]);
}

/// Uploads a file with this name, and waits until it is ready; returns its id.
async fn uploaded(user: &TestUser, room: &Room, name: &str) -> String {
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let file = json!({"name": name, "content_type": "text/plain", "size": 5, "sha256": sha256});
    let (status, announced) = user.post(&format!("{}/files", room.path), &file).await;
    assert_eq!(status, 201, "{announced}");
    let upload = &announced["upload"];
    let mut request = client().put(upload["url"].as_str().unwrap()).body("hello");
    for (name, value) in upload["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
    let id = announced["file"]["file_id"].as_str().unwrap().to_owned();
    let started = std::time::Instant::now();
    loop {
        let (_, file) = user.get(&format!("/v1/files/{id}")).await;
        match file["status"].as_str() {
            Some("ready") => return id,
            Some("pending") if started.elapsed().as_secs() < 60 => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            _ => panic!("{file}"),
        }
    }
}

#[tokio::test]
async fn pages_have_every_hit_once_in_both_orders() {
    let (alice, bob) = pair().await;
    let rooms = [Room::of(&alice, &[&bob]).await, Room::of(&bob, &[&alice]).await];
    let tag = word();
    let mut sent = Vec::new();
    for n in 0..12 {
        let room = &rooms[n % 2];
        let text = if n % 3 == 0 { format!("{tag}s") } else { format!("{tag} {}", "filler ".repeat(n % 5)) };
        sent.push((room.id.clone(), room.say(&alice, &text).await));
    }
    let newest: Vec<_> = sent.iter().rev().cloned().collect();
    // Whole words before beginnings, whatever the length of the text and the rarity of its words.
    let (beginnings, whole): (Vec<_>, Vec<_>) = sent.into_iter().enumerate().rev().partition(|(n, _)| n % 3 == 0);
    let best: Vec<_> = whole.into_iter().chain(beginnings).map(|(_, message)| message).collect();
    tokio::join!(rooms[0].settle(&alice), rooms[1].settle(&alice));
    for order in ["newest", "best"] {
        let (mut all, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = find(&bob, &format!("{}&order={order}&limit=5{cursor}", quoted(&tag))).await;
            pages += 1;
            let hits = page["hits"].as_array().unwrap();
            all.extend(hits.iter().map(|hit| {
                let message = &hit["message"];
                (message["conversation_id"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap())
            }));
            let Some(next) = page["cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!((all.len(), pages), (12, 3), "{order}");
        assert_eq!(all, if order == "newest" { &newest } else { &best }[..], "{order}");
    }
}

#[tokio::test]
async fn malformed_searches_are_refused() {
    let alice = TestUser::new("alice").await;
    for (parameters, code) in [
        ("", "invalid_request"),
        ("q=", "invalid_request"),
        ("q=%E2%80%8B", "invalid_request"),
        (&quoted(&"é".repeat(101)), "invalid_request"),
        ("q=a&limit=51", "invalid_request"),
        ("q=a&order=oldest", "invalid_request"),
        ("q=a&has=text", "invalid_request"),
        ("q=a&after=yesterday", "invalid_request"),
        ("q=a&cursor=x", "invalid_request"),
        ("q=a&order=best&cursor=1_6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e", "invalid_request"),
        ("q=a&sender_id=x", "invalid_uuid"),
        ("q=a&size=3", "unknown_field"),
    ] {
        let (status, refused) = alice.get(&format!("/v1/search?{parameters}")).await;
        assert_eq!((status, refused["code"].as_str()), (400, Some(code)), "{parameters}: {refused}");
    }
    let stranger = TestUser::new("bob").await;
    let room = Room::of(&alice, &[]).await;
    let (status, refused) = stranger.get(&format!("/v1/search?q=a&conversation_id={}", room.id)).await;
    assert_eq!((status, refused["code"].as_str()), (404, Some("conversation_not_found")));
    assert_eq!(find(&stranger, "q=a").await, json!({"hits": [], "cursor": null}), "a user without conversations");
}
