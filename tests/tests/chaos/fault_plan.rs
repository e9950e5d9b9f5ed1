//! The fault plan of a chaos run.

use std::sync::Arc;
use std::time::Duration;

use domain::{ConversationType, Timestamp};
use end_to_end::Cloud;
use end_to_end::faults::{Kind, Lag, Moment, Rule};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::context::{Context, TestConversation};
use crate::users::SimulatedUser;

/// Functions whose processes are killed whatever they are doing.
const KILLED: [&str; 6] = ["WsSend", "WsSync", "WsRead", "Receipts", "Relay", "HttpMessages"];

/// Injects faults and membership changes, chosen by a seed.
pub(crate) struct FaultPlan {
    choice: StdRng,
    users: Arc<Vec<SimulatedUser>>,
    /// Conversations whose members are removed or leave.
    conversations: Vec<TestConversation>,
}

impl FaultPlan {
    pub(crate) fn new(seed: u64, context: &Context) -> Self {
        let conversations = context
            .conversations
            .iter()
            .filter(|conversation| conversation.kind != ConversationType::Private)
            .cloned()
            .collect();
        Self { choice: StdRng::seed_from_u64(seed), users: Arc::clone(&context.users), conversations }
    }

    /// Injects faults until `stop` is cancelled.
    pub(crate) async fn run(mut self, cloud: &Cloud, stop: CancellationToken) {
        cloud.inject_faults(self.choice.random(), &rules()).await;
        while !stop.is_cancelled() {
            match self.choice.random_range(0..8) {
                0 | 1 => self.users[self.choice.random_range(0..self.users.len())].client.reconnect(),
                2 => {
                    cloud.kill(KILLED[self.choice.random_range(0..KILLED.len())]).await;
                }
                _ => self.change_a_membership().await,
            }
            let pause = Duration::from_millis(self.choice.random_range(50..500));
            let _ = tokio::time::timeout(pause, stop.cancelled()).await;
        }
        cloud.clear_faults().await;
    }

    /// Removes, adds or mutes a user. The request may fail in any way; the log shows whether it was applied.
    async fn change_a_membership(&mut self) {
        let conversation = &self.conversations[self.choice.random_range(0..self.conversations.len())];
        let owner = &self.users[conversation.members[0]].api;
        // Any member except the owner.
        let target = &self.users[conversation.members[self.choice.random_range(1..conversation.members.len())]];
        let (public, user) = (conversation.kind == ConversationType::Public, target.id);
        match self.choice.random_range(0..6) {
            0 if public => drop(target.api.remove(conversation.id, user).await),
            0 => drop(owner.remove(conversation.id, user).await),
            1 => {
                let until = Timestamp::now().plus(Duration::from_secs(1));
                drop(owner.mute(conversation.id, user, Some(until)).await);
            }
            // Removed and former members are added again sooner or later.
            _ if public => {
                drop(target.api.join(conversation.id).await);
                target.client.open(conversation.id);
            }
            _ => drop(owner.add(conversation.id, user).await),
        }
    }
}

/// Returns the faults of requests while the plan is active. The first rule that fires decides.
fn rules() -> Vec<Rule> {
    let send = "WsSend";
    vec![
        Kind::Kill(Moment::After).rule().function(send).operation("PutItem").chance(0.05),
        Kind::Kill(Moment::Before).rule().function(send).operation("PutItem").chance(0.03),
        Kind::ResponseLost.rule().operation("PutItem").chance(0.05),
        Kind::ResponseError.rule().operation("UpdateItem").chance(0.05),
        Kind::Kill(Moment::After).rule().function("HttpMessages").operation("TransactWriteItems").chance(0.1),
        Kind::Conflict.rule().operation("TransactWriteItems").chance(0.1),
        Kind::ResponseLost.rule().operation("TransactWriteItems").chance(0.1),
        Kind::Kill(Moment::After).rule().function("Relay").operation("TransactWriteItems").chance(0.1),
        Kind::StaleRead(Lag::Writes(3)).rule().operation("Query").chance(0.3),
        Kind::StaleRead(Lag::Writes(3)).rule().operation("BatchGetItem").chance(0.3),
        Kind::Throttle.rule().operation("Query").chance(0.03),
        Kind::Throttle.rule().operation("PutItem").chance(0.03),
        Kind::RequestLost.rule().operation("PostToConnection").chance(0.15),
        Kind::Gone.rule().operation("PostToConnection").chance(0.02),
        // The request is executed and its answer lost: the queue delivers its messages again.
        Kind::ResponseLost.rule().operation("SendMessage").chance(0.1),
        Kind::Kill(Moment::After).rule().function("Receipts").operation("UpdateItem").chance(0.05),
    ]
}
