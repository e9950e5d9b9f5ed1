//! Users of a scenario who act over HTTP, without a client under test.

use std::collections::BTreeMap;
use std::time::Instant;

use domain::ConversationId;
use end_to_end::test_user::{Answer, history, token, until_not_busy};
use end_to_end::{Cloud, TestUser};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::expectation::{PAUSE, WAIT_TIMEOUT};
use crate::scenario::{Scenario, Text};

/// Most messages of a batch.
const BATCH: usize = 25;

/// The users and the conversation of a scenario.
#[derive(Debug)]
pub(crate) struct Backstage {
    users: BTreeMap<String, (String, TestUser)>,
    conversation: String,
}

impl Backstage {
    /// Makes users and conversation.
    pub(crate) async fn prepare(cloud: &Cloud, scenario: &Scenario) -> Self {
        let mut users = BTreeMap::new();
        for name in &scenario.users {
            let username = format!("{name}-{}", Uuid::new_v4());
            let token = token(cloud, &json!({"username": username})).await;
            let user = TestUser::with_token(cloud, name, token).await;
            users.insert(name.clone(), (username, user));
        }
        let mut backstage = Self { users, conversation: String::new() };
        let (creator, others) = scenario.conversation.members.split_first().expect("a member");
        let ids: Vec<&str> = others.iter().map(|name| backstage.user(name).user_id.as_str()).collect();
        let (kind, creator) = (&scenario.conversation.kind, backstage.user(creator));
        let is_public = kind == "public";
        let mut body = json!({"type": kind, "title": "Scenario"});
        if !is_public {
            body["member_ids"] = json!(ids);
        }
        let conversation = creator.create_conversation(&body).await;
        backstage.conversation = conversation;
        for name in others.iter().filter(|_| is_public) {
            let (user, path) = (backstage.user(name), backstage.path("/members/me"));
            let body = json!({});
            accepted(until_not_busy(|| user.put(&path, &body)).await);
        }
        backstage
    }

    pub(crate) fn user(&self, name: &str) -> &TestUser {
        &self.users[name].1
    }

    /// The name of a user at the issuer.
    pub(crate) fn username(&self, name: &str) -> &str {
        &self.users[name].0
    }

    pub(crate) fn conversation_id(&self) -> ConversationId {
        self.conversation.parse().expect("an id")
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/conversations/{}{rest}", self.conversation)
    }

    /// Sends texts in batches.
    pub(crate) async fn say(&self, user: &str, texts: &[String]) {
        let (user, path) = (self.user(user), self.path("/messages"));
        for texts in texts.chunks(BATCH) {
            let message = |text| json!({"client_message_id": Uuid::new_v4(), "text": text});
            let messages: Vec<Value> = texts.iter().map(message).collect();
            accepted(user.post(&path, &json!({"messages": messages})).await);
        }
    }

    pub(crate) async fn edit(&self, user: &str, text: &str, to: &str) {
        let (path, user, body) = (self.path_of(user, text).await, self.user(user), json!({"text": to}));
        accepted(until_not_busy(|| user.patch(&path, &body)).await);
    }

    pub(crate) async fn delete(&self, user: &str, text: &str) {
        let (path, user) = (self.path_of(user, text).await, self.user(user));
        accepted(until_not_busy(|| user.delete(&path)).await);
    }

    pub(crate) async fn react(&self, user: &str, text: &str, emoji: &str, on: bool) {
        let emoji = utf8_percent_encode(emoji, NON_ALPHANUMERIC);
        let path = format!("{}/reactions/{emoji}", self.path_of(user, text).await);
        let (user, body) = (self.user(user), json!({}));
        let answer = if on {
            until_not_busy(|| user.put(&path, &body)).await
        } else {
            until_not_busy(|| user.delete(&path)).await
        };
        accepted(answer);
    }

    pub(crate) async fn add(&self, user: &str, member: &str) {
        let (path, body) = (self.path("/members"), json!({"user_ids": [self.user(member).user_id]}));
        accepted(until_not_busy(|| self.user(user).post(&path, &body)).await);
    }

    pub(crate) async fn remove(&self, user: &str, member: &str) {
        let path = self.path(&format!("/members/{}", self.user(member).user_id));
        accepted(until_not_busy(|| self.user(user).delete(&path)).await);
    }

    pub(crate) async fn delete_account(&self, user: &str, messages: &str) {
        accepted(self.user(user).delete(&format!("/v1/users/me?messages={messages}")).await);
    }

    /// Waits until the server's history has exactly these texts: a send may be under way.
    pub(crate) async fn expect_history(&self, user: &str, texts: &[Text]) -> Result<(), String> {
        let wanted: Vec<String> = texts.iter().map(Text::written).collect();
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let messages = history(self.user(user), &self.conversation).await;
            let texts = messages.iter().filter(|message| message["kind"] == "text");
            let texts: Vec<&str> = texts.filter_map(|message| message["text"].as_str()).collect();
            if texts == wanted {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(format!("history has {texts:?}, not {wanted:?}"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn path_of(&self, user: &str, text: &str) -> String {
        let messages = history(self.user(user), &self.conversation).await;
        let found = messages.iter().find(|message| message["text"] == text).expect("a message with the text");
        self.path(&format!("/messages/{}", found["seq"]))
    }
}

fn accepted((status, body): Answer) {
    assert!((200..300).contains(&status), "{status}: {body}");
}
