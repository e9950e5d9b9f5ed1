//! Odd inputs have the same verdict over HTTP and WebSocket.

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

/// Deeper than any JSON of the protocol, and shorter than the largest frame.
const DEEP_LEVELS: usize = 14_000;

/// The code of a refusal, else `ok`.
fn verdict((status, body): (u16, Value)) -> Value {
    if status < 300 { json!("ok") } else { body["code"].clone() }
}

/// The verdict on a frame, which is answered by this type if it is accepted.
async fn verdict_on_frame(socket: &mut Socket, frame: &str, expected: &str, accepted: &str) -> Value {
    socket.send_text(frame).await;
    if expected == "ok" {
        socket.next(accepted).await;
        return json!("ok");
    }
    socket.next("error").await["error"]["code"].clone()
}

#[tokio::test]
async fn sends_have_the_same_verdict_at_both_doors() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let mut socket = alice.connect().await;
    let deep = format!(r#""text":"hi","more":{}{}"#, "[".repeat(DEEP_LEVELS), "]".repeat(DEEP_LEVELS));
    for (fields, expected) in [
        (r#""text":"hi""#, "ok"),
        (r#""text":"hi","sender_id":7,"more":{"a":[1.5e3,null]}"#, "ok"),
        (r#""text":"\ud83d\ude00""#, "ok"),
        (r#""text":"hi","reply_to_seq":null,"mentions":null,"attachment_ids":null"#, "ok"),
        (r#""text":"a\u0000b\u202e""#, "ok"),
        // Not JSON.
        (r#""text":"\ud800""#, "bad_json"),
        (r#""text":"hi","more":"\udc00""#, "bad_json"),
        (r#""text":"hi","\ud800":1"#, "bad_json"),
        (&deep, "bad_json"),
        (r#""text":"hi","#, "bad_json"),
        (r#""text":"hi"}{"text":"ho""#, "bad_json"),
        (r#""text":"hi","more":01"#, "bad_json"),
        (r#""text":"hi","more":NaN"#, "bad_json"),
        ("\"text\":\"a\nb\"", "bad_json"),
        // The wrong shape.
        (r#""text":"hi","text":"ho""#, "invalid_request"),
        (r#""text":"hi","more":{"a":1,"a":2}"#, "invalid_request"),
        (r#""text":7"#, "invalid_request"),
        (r#""text":["hi"]"#, "invalid_request"),
        (r#""text":"hi","mentions":{}"#, "invalid_request"),
        (r#""text":"hi","mentions":[7]"#, "invalid_request"),
        (r#""text":"hi","mentions":["bob"]"#, "invalid_uuid"),
        (r#""text":"hi","mentions":["urn:uuid:6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e"]"#, "invalid_uuid"),
        (r#""text":"hi","attachment_ids":["6f0d5a637d2b5f3e9f1a2f4f5b6c7d8e"]"#, "invalid_uuid"),
        // Numbers.
        (r#""text":"hi","reply_to_seq":9007199254740992"#, "invalid_request"),
        (r#""text":"hi","reply_to_seq":18446744073709551616"#, "invalid_request"),
        (r#""text":"hi","reply_to_seq":1.0"#, "invalid_request"),
        (r#""text":"hi","reply_to_seq":1e0"#, "invalid_request"),
        (r#""text":"hi","reply_to_seq":-0"#, "invalid_request"),
        (r#""text":"hi","reply_to_seq":"1""#, "invalid_request"),
        (r#""text":"hi","reply_to_seq":0"#, "invalid_request"),
        // Nothing to see.
        (r#""text":"""#, "invalid_request"),
        (r#""text":null"#, "invalid_request"),
        (r#""more":1"#, "invalid_request"),
        (r#""text":"\u200b""#, "invalid_request"),
        (r#""text":"\u2800\u3164 \ufeff""#, "invalid_request"),
        (r#""text":"\u0000""#, "invalid_request"),
        (r#""text":"\u2028\u00ad\ufe0f""#, "invalid_request"),
    ] {
        let rest = format!(r#""client_message_id":"{}","after_seq":1,{fields}}}"#, Uuid::new_v4());
        let answer = alice.post_text(&path, &format!("{{{rest}")).await;
        assert_eq!(verdict(answer), expected, "HTTP: {fields:.80}");
        let rest = format!(r#""client_message_id":"{}","after_seq":1,{fields}}}"#, Uuid::new_v4());
        let frame = format!(r#"{{"action":"send","id":"r","conversation_id":"{conversation}",{rest}"#);
        let got = verdict_on_frame(&mut socket, &frame, expected, "sent").await;
        assert_eq!(got, expected, "WebSocket: {fields:.80}");
    }
}

#[tokio::test]
async fn syncs_have_the_same_verdict_at_both_doors() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let mut socket = alice.connect().await;
    let cursors = |cursors: &str| format!(r#""cursors":{cursors}"#);
    let deep = cursors(&format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000)));
    for (fields, expected) in [
        (cursors(&format!(r#"{{"{id}":9007199254740991}}"#)), "ok"),
        (cursors("null"), "ok"),
        (r#""cursor":null"#.to_owned(), "ok"),
        (cursors(&format!(r#"{{"{id}":9007199254740992}}"#)), "invalid_request"),
        (cursors(&format!(r#"{{"{id}":1,"{id}":2}}"#)), "invalid_request"),
        (cursors(&format!(r#"{{"{id}":null}}"#)), "invalid_request"),
        (cursors("[]"), "invalid_request"),
        (cursors(r#"{"bob":1}"#), "invalid_uuid"),
        (r#""cursor":"bob""#.to_owned(), "invalid_uuid"),
        (deep, "bad_json"),
    ] {
        let answer = alice.post_text("/v1/sync", &format!("{{{fields}}}")).await;
        assert_eq!(verdict(answer), expected, "HTTP: {fields:.80}");
        let frame = format!(r#"{{"action":"sync","id":"r",{fields}}}"#);
        let got = verdict_on_frame(&mut socket, &frame, expected, "synced").await;
        assert_eq!(got, expected, "WebSocket: {fields:.80}");
    }
}

#[tokio::test]
async fn only_objects_are_requests() {
    let alice = TestUser::new("alice").await;
    let mut socket = alice.connect().await;
    for (text, expected) in [
        (r#"["ping"]"#, "invalid_request"),
        (r#"["group","Team",null,null,[]]"#, "invalid_request"),
        (r#""ping""#, "invalid_request"),
        ("7", "invalid_request"),
        ("null", "invalid_request"),
        ("[]", "invalid_request"),
        ("", "bad_json"),
        (" ", "bad_json"),
        ("\u{feff}{}", "bad_json"),
        ("{}{}", "bad_json"),
    ] {
        let created = alice.post_text("/v1/conversations", text).await;
        assert_eq!(verdict(created), expected, "HTTP: {text:?}");
        assert_eq!(verdict(alice.post_text("/v1/sync", text).await), expected, "HTTP: {text:?}");
        let got = verdict_on_frame(&mut socket, text, expected, "pong").await;
        assert_eq!(got, expected, "WebSocket: {text:?}");
    }
    let (status, problem) = alice.put("/v1/users/me", &json!(["Alice"])).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn errors_name_the_field_at_both_doors() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let mut socket = alice.connect().await;
    let body = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id, bob.user_id, bob.user_id, "bob"]});
    let (_, problem) = alice.post("/v1/conversations", &body).await;
    assert_eq!(
        (&problem["code"], &problem["detail"]),
        (&json!("invalid_uuid"), &json!("`member_ids[3]` is not a UUID."))
    );
    let body = json!({"title": "Team"});
    let (_, problem) = alice.post("/v1/conversations", &body).await;
    assert_eq!(problem["detail"], "The field `type` is missing.");
    let (_, problem) = alice.post("/v1/conversations", &json!({"type": "group", "titel": "Team"})).await;
    let unknown = (&json!("unknown_field"), &json!("The field `titel` is unknown."));
    assert_eq!((&problem["code"], &problem["detail"]), unknown);

    let draft = json!({"client_message_id": Uuid::new_v4(), "text": "hi", "mentions": [bob.user_id, 7]});
    let detail = json!("`mentions[1]` must be a string.");
    let (_, problem) = alice.post(&format!("/v1/conversations/{conversation}/messages"), &draft).await;
    assert_eq!(problem["detail"], detail);
    let mut frame = draft;
    frame["action"] = json!("send");
    frame["conversation_id"] = json!(conversation);
    assert_eq!(socket.ask(frame).await["error"]["detail"], detail);
    let receipts = json!({"action": "read", "receipts": [{"conversation_id": conversation, "seq": 1}, {"seq": 1}]});
    let missing = json!("The field `receipts[1].conversation_id` is missing.");
    assert_eq!(socket.ask(receipts).await["error"]["detail"], missing);
}

#[tokio::test]
async fn query_parameters_are_read_strictly() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let messages = format!("/v1/conversations/{id}/messages");
    for (path, expected) in [
        (format!("{messages}?limit=2"), "ok"),
        (format!("{messages}?limit=2&after_seq=9007199254740991"), "ok"),
        (format!("/v1/presence?conversation_id={}", id.to_uppercase()), "ok"),
        (format!("{messages}?limit=2,6"), "invalid_request"),
        (format!("{messages}?limit=2&limit=junk"), "invalid_request"),
        (format!("{messages}?limit=2&limit=2"), "invalid_request"),
        (format!("{messages}?limit="), "invalid_request"),
        (format!("{messages}?limit=%2B2"), "invalid_request"),
        (format!("{messages}?limit=002"), "invalid_request"),
        (format!("{messages}?limit=%202"), "invalid_request"),
        (format!("{messages}?limit=2%"), "invalid_request"),
        (format!("{messages}?after_seq=9007199254740992"), "invalid_request"),
        (format!("{messages}?after_seq=1.0"), "invalid_request"),
        (format!("{messages}?after_seq=-1"), "invalid_request"),
        (format!("{messages}?afterseq=1"), "unknown_field"),
        (format!("/v1/presence?conversation_id={id}&conversation_id={id}"), "invalid_request"),
        (format!("/v1/presence?conversation_id={id},{id}"), "invalid_uuid"),
        ("/v1/presence?conversation_id=bob".to_owned(), "invalid_uuid"),
        ("/v1/presence".to_owned(), "invalid_request"),
        ("/v1/users".to_owned(), "invalid_request"),
        ("/v1/conversations?cursor=".to_owned(), "invalid_request"),
        (format!("/v1/conversations/%7B{id}%7D"), "invalid_uuid"),
        (format!("/v1/conversations/urn:uuid:{id}"), "invalid_uuid"),
        (format!("/v1/conversations/{}", id.replace('-', "")), "invalid_uuid"),
        (format!("{messages}/+1/status"), "message_not_found"),
        (format!("{messages}/01/status"), "message_not_found"),
        (format!("{messages}/9007199254740992/status"), "message_not_found"),
    ] {
        assert_eq!(verdict(alice.get(&path).await), expected, "{path}");
    }
}
