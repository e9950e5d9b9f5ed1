//! A conversation of several users, and requests to change it.

use std::collections::BTreeMap;

use domain::{HistoryPolicy, Periods, UserId};
use end_to_end::{Cloud, Socket, StoredState, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

/// A group or a public conversation.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) path: String,
    /// The path of its members.
    pub(crate) members: String,
}

impl Group {
    /// A group of these.
    pub(crate) async fn of(owner: &TestUser, others: &[&TestUser]) -> Self {
        Self::new(owner, &json!({"type": "group", "title": "Team", "member_ids": ids(others)})).await
    }

    /// Creates a group as the body says.
    pub(crate) async fn new(owner: &TestUser, body: &Value) -> Self {
        let id = owner.create_conversation(body).await;
        let path = format!("/v1/conversations/{id}");
        Self { members: format!("{path}/members"), path, id }
    }

    /// The path of one member.
    pub(crate) fn member(&self, person: &TestUser) -> String {
        format!("{}/{}", self.members, person.user_id)
    }

    /// Adds members; returns status and code.
    pub(crate) async fn add(&self, actor: &TestUser, others: &[&TestUser]) -> (u16, Value) {
        outcome(actor.post(&self.members, &json!({"user_ids": ids(others)})).await)
    }

    /// Removes a member; the actor's own id leaves.
    pub(crate) async fn remove(&self, actor: &TestUser, person: &TestUser) -> (u16, Value) {
        outcome(actor.delete(&self.member(person)).await)
    }

    /// Gives a member a role.
    pub(crate) async fn set_role(&self, actor: &TestUser, person: &TestUser, role: &str) -> (u16, Value) {
        outcome(actor.patch(&self.member(person), &json!({"role": role})).await)
    }

    /// Waits for the relay, checks the stored state and returns it.
    pub(crate) async fn stored_state(&self) -> StoredState {
        StoredState::after_relay(Cloud::shared(), &self.id).await
    }

    /// Sends a text; returns the answer.
    pub(crate) async fn send_text(&self, socket: &mut Socket, text: &str) -> Value {
        let frame =
            json!({"action": "send", "conversation_id": self.id, "client_message_id": Uuid::new_v4(), "text": text});
        socket.ask(frame).await
    }

    /// Returns the seqs that a user reads in history, page by page.
    pub(crate) async fn read(&self, person: &TestUser) -> Vec<u64> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let (status, page) = person.get(&format!("{}/messages?after_seq={after}&limit=20", self.path)).await;
            assert_eq!(status, 200, "{page}");
            let seqs = page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap());
            let before = all.len();
            all.extend(seqs);
            match all.last() {
                Some(last) if all.len() > before => after = *last,
                _ => return all,
            }
        }
    }
}

/// Status, and the code where there is one.
pub(crate) fn outcome((status, body): (u16, Value)) -> (u16, Value) {
    (status, body["code"].clone())
}

fn ids(users: &[&TestUser]) -> Vec<String> {
    users.iter().map(|person| person.user_id.clone()).collect()
}

/// Returns the seqs that a user may see by their membership periods in SQL.
pub(crate) fn visible(state: &StoredState, person: &TestUser) -> Vec<u64> {
    let user: UserId = person.user_id.parse().unwrap();
    let mut periods: BTreeMap<UserId, Vec<domain::Period>> = state.former.clone();
    let of_user = periods.entry(user).or_default();
    of_user.extend(state.active.get(&user).map(|member| domain::Period {
        joined_seq: member.joined_seq,
        joined_at: member.joined_at,
        left: None,
    }));
    let history = state.conversation.as_ref().map_or(HistoryPolicy::SinceJoin, |item| item.history);
    let periods = Periods::visible(of_user.clone(), history);
    state.log.iter().filter(|item| periods.covers(item.seq)).map(|item| item.seq.0).collect()
}
