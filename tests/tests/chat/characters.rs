//! Names, titles, topics and texts of all scripts, and of none.

use end_to_end::TestUser;
use serde_json::{Value, json};

/// Texts in which nothing is visible.
const BLANK: [&str; 12] = [
    "\u{200b}",
    "\u{3164}",
    "\u{2800}",
    "\u{feff}",
    "\u{ad}",
    "\u{115f}\u{1160}",
    "\u{2060}\u{180e}",
    "\u{200d}\u{fe0f}",
    "\u{e0041}",
    "\u{301}",
    "\u{f8ff}",
    " \u{200b} \u{ffa0}",
];

/// Texts that turn the direction of writing, or are no single line.
const REFUSED: [&str; 10] = [
    "a\u{202e}b",
    "\u{202a}ab\u{202c}",
    "a\u{2066}b\u{2069}",
    "a\u{2068}b",
    "a\u{2028}b",
    "a\u{2029}b",
    "a\u{85}b",
    "a\u{b}b",
    "a\tb",
    "a\0b",
];

/// Texts, and what they are as names and titles.
const LINES: [(&str, &str); 9] = [
    ("A\u{308}rger in Zu\u{308}rich", "Ärger in Zürich"),
    ("می\u{200c}خواهم", "می\u{200c}خواهم"),
    ("שָׁלוֹם", "שָׁלוֹם"),
    ("👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}", "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}"),
    (
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    ),
    ("กรุงเทพมหานคร", "กรุงเทพมหานคร"),
    ("東京の写真クラブ", "東京の写真クラブ"),
    ("\u{feff} Ada\u{200b}\n", "Ada"),
    ("A\u{200b}d\u{2060}a", "Ada"),
];

fn refusal((status, problem): (u16, Value)) -> (u16, Value) {
    (status, problem["code"].clone())
}

#[tokio::test]
async fn names_titles_and_topics_are_visible_lines() {
    let alice = TestUser::new("alice").await;
    let title = |title: &str| json!({"type": "group", "title": title});
    let (_, group) = alice.post("/v1/conversations", &title("Team")).await;
    let path = format!("/v1/conversations/{}", group["conversation_id"].as_str().unwrap());
    let invalid = (400, json!("invalid_request"));
    for text in BLANK.into_iter().chain(REFUSED) {
        assert_eq!(refusal(alice.put("/v1/users/me", &json!({"display_name": text})).await), invalid, "{text:?}");
        assert_eq!(refusal(alice.post("/v1/conversations", &title(text)).await), invalid, "{text:?}");
        let with_topic = json!({"type": "group", "title": "Team", "topic": text});
        assert_eq!(refusal(alice.post("/v1/conversations", &with_topic).await), invalid, "{text:?}");
        for field in ["title", "topic"] {
            assert_eq!(refusal(alice.patch(&path, &json!({field: text})).await), invalid, "{field} {text:?}");
        }
    }
    for (given, stored) in LINES {
        let (status, profile) = alice.put("/v1/users/me", &json!({"display_name": given})).await;
        assert_eq!((status, &profile["display_name"]), (200, &json!(stored)), "{given:?}");
        let (status, changed) = alice.patch(&path, &json!({"title": given, "topic": given})).await;
        assert_eq!((status, &changed["title"], &changed["topic"]), (200, &json!(stored), &json!(stored)), "{given:?}");
        // The same in another form changes nothing.
        let (_, again) = alice.patch(&path, &json!({"title": stored, "topic": given})).await;
        assert_eq!(again["head_seq"], changed["head_seq"], "{given:?}");
    }
    let zalgo = format!("x{}", "\u{323}".repeat(9));
    assert_eq!(refusal(alice.put("/v1/users/me", &json!({"display_name": zalgo})).await), invalid);
    // A length counts what is stored.
    let decomposed = json!({"display_name": "e\u{301}".repeat(100)});
    assert_eq!(alice.put("/v1/users/me", &decomposed).await.0, 200);
}

#[tokio::test]
async fn texts_and_edits_need_a_visible_character() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let path = format!("/v1/conversations/{}/messages", alice.private_conversation_with(&bob).await);
    let text = |text: &str| json!({"client_message_id": uuid::Uuid::new_v4(), "after_seq": 1, "text": text});
    // What it says stays as it is, controls and directions included.
    let said = "\u{202e}a\0\u{2028}\u{200b}e\u{301}\r\n";
    assert_eq!(alice.post(&path, &text(said)).await.0, 201);
    let (_, page) = bob.get(&path).await;
    assert_eq!(page["messages"][1]["text"], said);
    let invalid = (400, json!("invalid_request"));
    for blank in BLANK.into_iter().chain(["", "\n", "\0", "\u{1}\u{7f}", "\u{202e}"]) {
        assert_eq!(refusal(alice.post(&path, &text(blank)).await), invalid, "{blank:?}");
        assert_eq!(refusal(alice.patch(&format!("{path}/2"), &json!({"text": blank})).await), invalid, "{blank:?}");
    }
    for (line, _) in LINES {
        assert_eq!(alice.patch(&format!("{path}/2"), &json!({"text": line})).await.1["text"], line);
    }
}
