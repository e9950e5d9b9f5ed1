//! The fault plan of a chaos run.

use std::sync::Arc;
use std::time::Duration;

use domain::{ConversationType, Timestamp};
use end_to_end::Cloud;
use end_to_end::faults::{Kind, Lag, Moment, Rule};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::people::Chatter;
use crate::scene::{Context, Room};

/// Functions whose processes are killed whatever they are doing.
const KILLED: [&str; 6] = ["WsSend", "WsSync", "WsRead", "Receipts", "Relay", "HttpMessages"];

/// Bad weather, by a seed.
pub(crate) struct Weather {
    choice: StdRng,
    people: Arc<Vec<Chatter>>,
    /// Rooms whose members are removed, or leave.
    rooms: Vec<Room>,
}

impl Weather {
    pub(crate) fn new(seed: u64, scene: &Context) -> Self {
        let rooms = scene.rooms.iter().filter(|room| room.kind != ConversationType::Private).cloned().collect();
        Self { choice: StdRng::seed_from_u64(seed), people: Arc::clone(&scene.people), rooms }
    }

    /// One thing after another goes wrong, until that is enough.
    pub(crate) async fn rage(mut self, cloud: &Cloud, enough: CancellationToken) {
        cloud.misbehave(self.choice.random(), &rules()).await;
        while !enough.is_cancelled() {
            match self.choice.random_range(0..8) {
                0 | 1 => self.people[self.choice.random_range(0..self.people.len())].client.reconnect(),
                2 => {
                    cloud.kill(KILLED[self.choice.random_range(0..KILLED.len())]).await;
                }
                _ => self.trouble_somebody().await,
            }
            let pause = Duration::from_millis(self.choice.random_range(50..500));
            let _ = tokio::time::timeout(pause, enough.cancelled()).await;
        }
        cloud.behave().await;
    }

    /// Somebody goes, comes back, or is muted. May fail, in any way: whether it happened is what the log says.
    async fn trouble_somebody(&mut self) {
        let room = &self.rooms[self.choice.random_range(0..self.rooms.len())];
        let owner = &self.people[room.members[0]].api;
        // Anybody but the owner.
        let person = &self.people[room.members[self.choice.random_range(1..room.members.len())]];
        let (public, user) = (room.kind == ConversationType::Public, person.user);
        match self.choice.random_range(0..6) {
            0 if public => drop(person.api.remove(room.id, user).await),
            0 => drop(owner.remove(room.id, user).await),
            1 => {
                let until = Timestamp::now().plus(Duration::from_secs(1));
                drop(owner.mute(room.id, user, Some(until)).await);
            }
            // Everybody who is out comes back, sooner or later.
            _ if public => {
                drop(person.api.join(room.id).await);
                person.client.open(room.id);
            }
            _ => drop(owner.add(room.id, user).await),
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
        // Carried out and not known to be: the queue gives its messages again.
        Kind::ResponseLost.rule().operation("SendMessage").chance(0.1),
        Kind::Kill(Moment::After).rule().function("Receipts").operation("UpdateItem").chance(0.05),
    ]
}
