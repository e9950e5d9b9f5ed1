//! What goes wrong.

use std::sync::Arc;
use std::time::Duration;

use domain::ConversationId;
use end_to_end::Cloud;
use end_to_end::faults::{Kind, Lag, Moment, Rule};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::people::Chatter;

/// Functions whose processes are killed whatever they are doing.
const KILLED: [&str; 4] = ["WsSend", "WsSync", "Receipts", "Relay"];

/// Bad weather, by a seed.
pub(crate) struct Weather {
    choice: StdRng,
    people: Arc<Vec<Chatter>>,
    group: ConversationId,
}

impl Weather {
    pub(crate) fn new(seed: u64, people: Arc<Vec<Chatter>>, group: ConversationId) -> Self {
        Self { choice: StdRng::seed_from_u64(seed), people, group }
    }

    /// One thing after another goes wrong, until that is enough.
    pub(crate) async fn rage(mut self, cloud: &Cloud, enough: CancellationToken) {
        cloud.misbehave(self.choice.random(), &rules()).await;
        while !enough.is_cancelled() {
            match self.choice.random_range(0..6) {
                0 | 1 => self.person(0).client.reconnect(),
                2 => {
                    cloud.kill(KILLED[self.choice.random_range(0..KILLED.len())]).await;
                }
                // May fail, in any way: whether it happened is what the log says.
                3 => {
                    let user = self.person(1).user;
                    drop(self.people[0].api.remove(self.group, user).await);
                }
                // Everybody who is out comes back, sooner or later.
                _ => {
                    let user = self.person(1).user;
                    drop(self.people[0].api.add(self.group, user).await);
                }
            }
            let pause = Duration::from_millis(self.choice.random_range(50..500));
            let _ = tokio::time::timeout(pause, enough.cancelled()).await;
        }
        cloud.behave().await;
    }

    /// Anybody but the first so many.
    fn person(&mut self, but: usize) -> Chatter {
        self.people[self.choice.random_range(but..self.people.len())].clone()
    }
}

/// What each request risks for as long as the weather is bad. The first rule that fires decides.
fn rules() -> Vec<Rule> {
    let send = "WsSend";
    vec![
        Kind::Kill(Moment::After).rule().function(send).operation("PutItem").chance(0.05),
        Kind::Kill(Moment::Before).rule().function(send).operation("PutItem").chance(0.03),
        Kind::ResponseLost.rule().operation("PutItem").chance(0.05),
        Kind::ResponseError.rule().operation("UpdateItem").chance(0.05),
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
