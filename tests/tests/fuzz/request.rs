//! Valid requests, which are mutated.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// What a request may be about.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// Conversations of the attacker.
    pub(crate) own: Vec<String>,
    /// Users whom the attacker knows.
    pub(crate) users: Vec<String>,
    /// A conversation of others.
    pub(crate) foreign: String,
}

impl Ids {
    fn conversation(&self, rng: &mut StdRng) -> &str {
        if rand::RngExt::random_ratio(rng, 1, 12) {
            &self.foreign
        } else {
            self.own.choose(rng).expect("one of one's own")
        }
    }

    fn user(&self, rng: &mut StdRng) -> &str {
        self.users.choose(rng).expect("a known user")
    }
}

/// Returns a frame that the server would accept or refuse by its rules.
pub(crate) fn frame(ids: &Ids, rng: &mut StdRng) -> Value {
    let (conversation, user) = (ids.conversation(rng).to_owned(), ids.user(rng).to_owned());
    let seq = rand::RngExt::random_range(rng, 1..40);
    let frames = [
        json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(), "text": "hello"}),
        json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(), "after_seq": seq,
               "text": "hello", "reply_to_seq": seq, "mentions": [user], "attachment_ids": []}),
        json!({"action": "ack", "receipts": [{"conversation_id": conversation, "seq": seq}]}),
        json!({"action": "read", "receipts": [{"conversation_id": conversation, "seq": seq}]}),
        json!({"action": "sync", "cursors": {conversation.clone(): seq}}),
        json!({"action": "sync", "cursor": conversation}),
        json!({"action": "typing", "conversation_id": conversation, "typing": true}),
        json!({"action": "open", "conversation_id": conversation}),
        json!({"action": "close", "conversation_id": conversation}),
        json!({"action": "ping"}),
    ];
    frames.choose(rng).cloned().expect("there are some")
}

/// An HTTP request before it is mutated.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

/// Returns a request that the server would accept or refuse by its rules.
pub(crate) fn request(ids: &Ids, rng: &mut StdRng) -> Request {
    let (conversation, user) = (ids.conversation(rng).to_owned(), ids.user(rng).to_owned());
    let seq: u32 = rand::RngExt::random_range(rng, 1..40);
    let of = |rest: &str| format!("/v1/conversations/{conversation}{rest}");
    let file = json!({"name": "a.png", "content_type": "image/png", "size": 5, "sha256": "ab".repeat(32)});
    let message = json!({"client_message_id": Uuid::new_v4(), "after_seq": seq, "text": "hello", "mentions": [user]});
    let (reaction, status) = (format!("/messages/{seq}/reactions/%F0%9F%91%8D"), format!("/messages/{seq}/status"));
    let all: [(Method, String, Option<Value>); 33] = [
        (Method::PUT, "/v1/users/me".to_owned(), Some(json!({"display_name": "Mallory"}))),
        (Method::GET, "/v1/users/me".to_owned(), None),
        (Method::GET, format!("/v1/users?ids={user}"), None),
        (Method::GET, "/v1/users?q=mal".to_owned(), None),
        (Method::GET, format!("/v1/users/{user}"), None),
        (Method::POST, "/v1/conversations".to_owned(), Some(json!({"type": "private", "member_ids": [user]}))),
        (
            Method::POST,
            "/v1/conversations".to_owned(),
            Some(json!({"type": "group", "title": "t", "topic": "x", "history": "full", "member_ids": [user]})),
        ),
        (Method::GET, "/v1/conversations?limit=2".to_owned(), None),
        (Method::GET, "/v1/public-conversations?q=t&limit=2".to_owned(), None),
        (Method::GET, of(""), None),
        (Method::PUT, of(&format!("/pins/{seq}")), None),
        (Method::GET, of("/pins?limit=2"), None),
        (Method::PATCH, of(""), Some(json!({"title": "new title", "topic": "new topic"}))),
        (Method::PATCH, of(""), Some(json!({"blocked": false}))),
        (Method::GET, of("/members?limit=2"), None),
        (Method::POST, of("/members"), Some(json!({"user_ids": [user]}))),
        (Method::PUT, of("/members/me"), None),
        (Method::PATCH, of(&format!("/members/{user}")), Some(json!({"role": "member"}))),
        (Method::PATCH, of(&format!("/members/{user}")), Some(json!({"muted_until": "2026-11-22T10:00:00Z"}))),
        (Method::DELETE, of(&format!("/members/{user}")), None),
        (Method::GET, format!("/v1/presence?conversation_id={conversation}&user_ids={user}"), None),
        (Method::GET, of(&format!("/messages?limit=3&after_seq={seq}")), None),
        (Method::GET, of(&format!("/messages?around_seq={seq}")), None),
        (Method::POST, of("/messages"), Some(message)),
        (Method::PATCH, of(&format!("/messages/{seq}")), Some(json!({"text": "edited", "mentions": []}))),
        (Method::DELETE, of(&format!("/messages/{seq}")), None),
        (Method::PUT, of(&reaction), None),
        (Method::DELETE, of(&reaction), None),
        (Method::GET, of(&status), None),
        (Method::GET, of("/receipts"), None),
        (Method::POST, "/v1/sync".to_owned(), Some(json!({"cursors": {conversation.clone(): seq}}))),
        (Method::POST, of("/files"), Some(file)),
        (Method::GET, format!("/v1/files/{user}/content?conversation_id={conversation}&seq={seq}"), None),
    ];
    let (method, path, body) = all.choose(rng).cloned().expect("there are some");
    Request { method, path, body }
}
