//! A user who sends mutated requests over both doors.

use std::collections::HashMap;
use std::time::Duration;

use end_to_end::{Cloud, Socket, TestUser, test_user};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Bystanders;
use crate::mutate::{mutate_path, mutate_text, mutate_value};
use crate::request::{Ids, frame, request};
use crate::verdict::Counts;

/// Frames that are under way at once.
const FRAMES_AT_ONCE: u64 = 16;

/// Largest frame that is sent: API Gateway closes the connection above 32 KB.
const MAX_FRAME_BYTES: usize = 30_000;

/// Time within which everything is answered, with room for a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Largest part of an input that a failure shows.
const SHOWN_CHARS: usize = 2000;

/// A member of two conversations of their own.
pub(crate) struct Attacker {
    user: TestUser,
    socket: Socket,
    client: Client,
    ids: Ids,
    secret: String,
    rng: StdRng,
    pub(crate) counts: Counts,
}

impl Attacker {
    /// Creates an attacker who knows the id of the bystanders' conversation.
    pub(crate) async fn new(seed: u64, bystanders: &Bystanders) -> Self {
        let (user, friend) = tokio::join!(TestUser::new("mallory"), TestUser::new("friend"));
        let private = user.private_conversation_with(&friend).await;
        let mut own = vec![private];
        for kind in ["group", "public"] {
            let new = json!({"type": kind, "title": "of the attacker", "member_ids": [friend.user_id]});
            let (status, group) = user.post("/v1/conversations", &new).await;
            assert_eq!(status, 201, "{group}");
            own.push(group["conversation_id"].as_str().expect("a conversation has an id").to_owned());
        }
        let users = vec![user.user_id.clone(), friend.user_id.clone(), bystanders.alice.user_id.clone()];
        let ids = Ids { own, users, foreign: bystanders.conversation.clone() };
        Self {
            socket: user.connect().await,
            client: test_user::client(),
            ids,
            secret: bystanders.secret.clone(),
            rng: StdRng::seed_from_u64(seed),
            counts: Counts::default(),
            user,
        }
    }

    /// Sends this many inputs.
    pub(crate) async fn run(&mut self, inputs: u64) {
        let mut left = inputs;
        while left > 0 {
            let frames = left.min(FRAMES_AT_ONCE);
            self.send_frames(frames).await;
            left -= frames;
            for _ in 0..left.min(FRAMES_AT_ONCE) {
                self.send_request().await;
                left -= 1;
            }
        }
    }

    /// Sends some mutated frames, and waits for the answers of those that have an id.
    async fn send_frames(&mut self, count: u64) {
        let mut sent: HashMap<String, String> = HashMap::new();
        for _ in 0..count {
            let mut frame = frame(&self.ids, &mut self.rng);
            for _ in 0..self.rng.random_range(0..4) {
                mutate_value(&mut frame, &mut self.rng);
            }
            let id = Uuid::new_v4().to_string();
            if frame.is_object() {
                frame["id"] = json!(id);
            }
            let mut text = frame.to_string();
            let whole = !self.rng.random_ratio(1, 4);
            if !whole {
                text = mutate_text(&text, &mut self.rng);
            }
            if text.len() > MAX_FRAME_BYTES || text.is_empty() {
                continue;
            }
            self.socket.send_text(&text).await;
            // What is too deep for a JSON parser is answered without an id.
            if whole && frame.is_object() && serde_json::from_str::<Value>(&text).is_ok() {
                sent.insert(id, text);
            }
        }
        let answers = self.answers(&sent).await;
        for (id, answer) in answers {
            self.counts.frame(&answer, &shown(&sent[&id]));
        }
    }

    /// Returns the answers to the frames with these ids. Errors of frames without an id are checked as they come.
    async fn answers(&mut self, sent: &HashMap<String, String>) -> HashMap<String, Value> {
        let mut answers: HashMap<String, Value> = HashMap::new();
        while answers.len() < sent.len() {
            let Some(frame) = self.socket.next_within(ANSWER_TIMEOUT).await else {
                let missing = sent.iter().filter(|(id, _)| !answers.contains_key(*id));
                panic!("no answer to {:#?}", missing.map(|(_, text)| shown(text)).collect::<Vec<_>>());
            };
            assert!(!frame.to_string().contains(&self.secret), "leaked: {frame}");
            match frame["reply_to"].as_str() {
                Some(id) if sent.contains_key(id) => {
                    assert!(!answers.contains_key(id), "answered twice: {frame}");
                    answers.insert(id.to_owned(), frame);
                }
                _ if frame["type"] == "error" => self.counts.frame(&frame, "a frame without an id"),
                _ if frame["type"].is_string() => {}
                _ => panic!(
                    "{frame} while these are under way: {:#?}",
                    sent.values().map(|text| shown(text)).collect::<Vec<_>>()
                ),
            }
        }
        answers
    }

    /// Sends a mutated request and checks its answer.
    async fn send_request(&mut self) {
        let mut request = request(&self.ids, &mut self.rng);
        if self.rng.random_ratio(1, 3) {
            request.path = mutate_path(&request.path, &mut self.rng);
        }
        let mut body = request.body.clone();
        for _ in 0..self.rng.random_range(0..4) {
            if let Some(body) = &mut body {
                mutate_value(body, &mut self.rng);
            }
        }
        let mut body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        if !body.is_empty() && self.rng.random_ratio(1, 4) {
            body = mutate_text(&String::from_utf8_lossy(&body), &mut self.rng).into_bytes();
        }
        if !body.is_empty() && self.rng.random_ratio(1, 20) {
            let at = self.rng.random_range(0..body.len());
            body[at] = self.rng.random();
        }
        let url = format!("{}{}", Cloud::shared().endpoints.http, request.path);
        let input = format!("{} {} {}", request.method, request.path, shown(&String::from_utf8_lossy(&body)));
        // A path that is no part of a URL is never sent.
        let Ok(url) = url.parse::<reqwest::Url>() else { return };
        let sent = self.client.request(request.method, url).bearer_auth(&self.user.token);
        let sent = sent.header("content-type", "application/json").timeout(ANSWER_TIMEOUT).body(body).send().await;
        let response = sent.unwrap_or_else(|error| panic!("no answer to {input}: {error}"));
        let status = response.status().as_u16();
        let answer = response.bytes().await.unwrap_or_else(|error| panic!("half an answer to {input}: {error}"));
        let leaked = String::from_utf8_lossy(&answer).contains(&self.secret);
        assert!(!leaked, "leaked to {input}");
        self.counts.http(status, &answer, &input);
    }
}

/// Returns the beginning of an input.
fn shown(input: &str) -> String {
    input.chars().take(SHOWN_CHARS).collect()
}
