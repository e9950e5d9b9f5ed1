//! The fault plan of a chaos run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::membership::MAX_PERIODS;
use domain::{ConversationId, ConversationType, Timestamp, UserId};
use end_to_end::Cloud;
use end_to_end::faults::{Kind, Lag, Moment, Rule};
use end_to_end::redis::RedisServer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::context::{Context, TestConversation};
use crate::progress::Progress;
use crate::retention;
use crate::settings::{Pace, Settings};
use crate::users::SimulatedUser;

/// Functions whose processes are killed whatever they are doing.
const KILLED: [&str; 10] = [
    "WsSend",
    "WsSync",
    "WsRead",
    "Receipts",
    "Relay",
    "HttpMessages",
    "SearchIndex",
    "FileReferences",
    "MessageRetention",
    "UserErasure",
];

/// Killed too in runs that have an archive.
const ARCHIVES: &str = "LogArchive";

/// A user who was removed this often stays: after [`MAX_PERIODS`] they could not return.
const MAX_REMOVALS: u32 = MAX_PERIODS - 10;

/// Injects faults and membership changes, chosen by a seed.
pub(crate) struct FaultPlan {
    choice: StdRng,
    users: Arc<Vec<SimulatedUser>>,
    /// Conversations whose messages may expire.
    all: Arc<Vec<TestConversation>>,
    /// Those whose members are removed or leave.
    conversations: Vec<TestConversation>,
    /// By user and conversation: a user may join one only so often.
    removals: BTreeMap<(UserId, ConversationId), u32>,
    progress: Arc<Progress>,
    settings: Settings,
    killed: Vec<&'static str>,
}

impl FaultPlan {
    pub(crate) fn new(settings: &Settings, context: &Context, progress: &Arc<Progress>) -> Self {
        let conversations = context
            .conversations
            .iter()
            .filter(|conversation| conversation.kind != ConversationType::Private)
            .cloned()
            .collect();
        Self {
            choice: StdRng::seed_from_u64(settings.seed),
            users: Arc::clone(&context.users),
            all: Arc::clone(&context.conversations),
            conversations,
            removals: BTreeMap::new(),
            progress: Arc::clone(progress),
            settings: *settings,
            killed: KILLED.into_iter().chain(settings.archives().then_some(ARCHIVES)).collect(),
        }
    }

    /// Injects faults until `stop` is cancelled.
    pub(crate) async fn run(mut self, cloud: &Cloud, mut cache: Option<&mut RedisServer>, stop: CancellationToken) {
        // Each once, so that a function that this cloud has not fails every run and not a few.
        for function in &self.killed {
            self.progress.kills.add(cloud.kill(function).await);
        }
        cloud.inject_faults(self.choice.random(), &rules(&self.settings)).await;
        while !stop.is_cancelled() {
            match (self.choice.random_range(0..10), &mut cache) {
                (0 | 1, _) => {
                    self.users[self.choice.random_range(0..self.users.len())].client.reconnect();
                    self.progress.reconnections.add(1);
                }
                (2, _) => {
                    let killed = cloud.kill(self.killed[self.choice.random_range(0..self.killed.len())]).await;
                    self.progress.kills.add(killed);
                }
                (3, Some(cache)) => self.disturb(cache, &stop).await,
                (4, _) if self.settings.ages => {
                    let conversation = &self.all[self.choice.random_range(0..self.all.len())];
                    retention::visit(cloud, conversation.id).await;
                    self.progress.visits.add(1);
                }
                _ => self.change_a_membership().await,
            }
            let pause = Duration::from_millis(self.choice.random_range(50..500));
            let _ = tokio::time::timeout(pause, stop.cancelled()).await;
        }
        cloud.clear_faults().await;
    }

    /// Kills, pauses or empties the cache that processes share, which goes on after a moment.
    async fn disturb(&mut self, cache: &mut RedisServer, stop: &CancellationToken) {
        self.progress.cache_faults.add(1);
        let moment = Duration::from_millis(self.choice.random_range(10..1_000));
        let kind = self.choice.random_range(0..3);
        match kind {
            0 => return cache.flush(),
            1 => cache.pause(),
            _ => cache.kill(),
        }
        let _ = tokio::time::timeout(moment, stop.cancelled()).await;
        if kind == 1 { cache.resume() } else { cache.restart() }
    }

    /// Removes, adds or mutes a user. The request may fail in any way; the log shows whether it was applied.
    async fn change_a_membership(&mut self) {
        let conversation = &self.conversations[self.choice.random_range(0..self.conversations.len())];
        let owner = &self.users[conversation.members[0]].api;
        // Any member except the owner.
        let target = &self.users[conversation.members[self.choice.random_range(1..conversation.members.len())]];
        let (public, user) = (conversation.kind == ConversationType::Public, target.id);
        self.progress.membership_changes.add(1);
        match self.choice.random_range(0..6) {
            0 => {
                let removals = self.removals.entry((user, conversation.id)).or_default();
                if *removals < MAX_REMOVALS {
                    *removals += 1;
                    let remover = if public { &target.api } else { owner };
                    drop(remover.remove(conversation.id, user).await);
                }
            }
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
fn rules(settings: &Settings) -> Vec<Rule> {
    let Pace { kills, faults, .. } = settings.pace;
    // Three writes are a moment in a long run.
    let lag = if settings.is_long() { Lag::Ms(100) } else { Lag::Writes(3) };
    let send = "WsSend";
    vec![
        Kind::Kill(Moment::After).rule().function(send).operation("PutItem").chance(0.05 * kills),
        Kind::Kill(Moment::Before).rule().function(send).operation("PutItem").chance(0.03 * kills),
        Kind::ResponseLost.rule().operation("PutItem").chance(0.05 * faults),
        Kind::ResponseError.rule().operation("UpdateItem").chance(0.05 * faults),
        Kind::Kill(Moment::After).rule().function("HttpMessages").operation("TransactWriteItems").chance(0.1 * faults),
        Kind::Conflict.rule().operation("TransactWriteItems").chance(0.1),
        Kind::ResponseLost.rule().operation("TransactWriteItems").chance(0.1),
        Kind::Kill(Moment::After).rule().function("Relay").operation("TransactWriteItems").chance(0.1),
        Kind::StaleRead(lag).rule().operation("Query").chance(0.3),
        Kind::StaleRead(lag).rule().operation("BatchGetItem").chance(0.3),
        Kind::Throttle.rule().operation("Query").chance(0.03 * faults),
        Kind::Throttle.rule().operation("PutItem").chance(0.03 * faults),
        Kind::RequestLost.rule().operation("PostToConnection").chance(0.15 * faults),
        Kind::Gone.rule().operation("PostToConnection").chance(0.02 * faults),
        // The request is executed and its answer lost: the queue delivers its messages again.
        Kind::ResponseLost.rule().operation("SendMessage").chance(0.1 * faults),
        Kind::Delay(20, 400).rule().operation("PutItem").chance(0.02 * faults),
        Kind::Kill(Moment::After).rule().function("Receipts").operation("UpdateItem").chance(0.05 * faults),
    ]
}
