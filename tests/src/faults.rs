//! Fault injection through the control endpoint of the cloud.
//!
//! ```no_run
//! # use end_to_end::{Cloud, faults::{Kind, Lag}};
//! # async fn example(cloud: &Cloud) {
//! let lost = Kind::ResponseLost.rule().operation("PutItem").function("WsSendFunction").next(1);
//! let stale = Kind::StaleRead(Lag::Writes(3)).rule().operation("Query").chance(0.5);
//! cloud.inject_faults(7, &[lost, stale]).await;
//! cloud.kill("WsSendFunction").await;
//! cloud.clear_faults().await;
//! # }
//! ```
//!
//! A cloud has one plan at a time. Tests that share a cloud keep out of each other's way by
//! [`Rule::function`], which takes a function's logical id, or the session token of a developer's request.

use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Cloud;
use crate::test_user::client;

/// A fault of a request.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request is executed, and the connection is cut before the answer.
    ResponseLost,
    /// The request is executed, and answered with the service's 500.
    ResponseError,
    /// The connection is cut; the request is not executed.
    RequestLost,
    /// The request is delayed for a time between these, in milliseconds, and then executed.
    Delay(u64, u64),
    /// The service's throttling error.
    Throttle,
    /// DynamoDB's writes and transactions: another transaction has the item.
    Conflict,
    /// DynamoDB's batches: the last entry is left unprocessed.
    Unprocessed,
    Gone,
    /// The Data API: the cluster was paused and is waking up.
    Resuming,
    /// DynamoDB's eventually consistent reads: the answer is of an earlier state. All rules of a plan agree on it.
    StaleRead(Lag),
    /// The function's process is killed.
    Kill(Moment),
}

/// The lag of stale reads.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// By the newest writes, whatever the table and the writer.
    Writes(u32),
    /// By the writes of the last milliseconds.
    Ms(u32),
}

/// The moment at which a process is killed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The request is not executed.
    Before,
    /// The request is executed.
    After,
}

impl Kind {
    /// All requests that can have this fault have it, until the rule is narrowed.
    pub fn rule(self) -> Rule {
        Rule { kind: self, operation: None, resource: None, function: None, skip: 0, next: None, probability: None }
    }
}

/// The requests that get a fault: those that match every given criterion.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    kind: Kind,
    operation: Option<String>,
    resource: Option<String>,
    function: Option<String>,
    skip: u64,
    next: Option<u64>,
    probability: Option<f64>,
}

impl Rule {
    /// Only this operation, as AWS names it: `PutItem`.
    #[must_use]
    pub fn operation(self, name: &str) -> Self {
        Self { operation: Some(name.to_owned()), ..self }
    }

    /// Only requests to this table, queue or connection, by its physical name.
    #[must_use]
    pub fn resource(self, name: &str) -> Self {
        Self { resource: Some(name.to_owned()), ..self }
    }

    /// Only requests of this function, by its logical id, or of the developer with this session token.
    #[must_use]
    pub fn function(self, name: &str) -> Self {
        Self { function: Some(name.to_owned()), ..self }
    }

    /// Lets so many of them go first.
    #[must_use]
    pub fn skip(self, requests: u64) -> Self {
        Self { skip: requests, ..self }
    }

    /// At most so many faults.
    #[must_use]
    pub fn next(self, faults: u64) -> Self {
        Self { next: Some(faults), ..self }
    }

    /// Each of them with this probability, from 0 to 1.
    #[must_use]
    pub fn chance(self, probability: f64) -> Self {
        Self { probability: Some(probability), ..self }
    }
}

impl Cloud {
    /// Plans faults, in place of those that were planned before. The first rule that fires for a request decides; with the
    /// same seed and the same requests the same rules fire.
    ///
    /// # Panics
    ///
    /// Where the plan makes no sense.
    pub async fn inject_faults(&self, seed: u64, rules: &[Rule]) {
        let plan = json!({ "seed": seed, "rules": rules });
        ask(self.control(Client::post, "/faults").json(&plan)).await;
    }

    /// Ends all faults.
    ///
    /// # Panics
    ///
    /// If the cloud has stopped.
    pub async fn clear_faults(&self) {
        ask(self.control(Client::delete, "/faults")).await;
    }

    /// Kills the processes of a function; how many there were.
    ///
    /// # Panics
    ///
    /// Where there is no function with this logical id.
    pub async fn kill(&self, function: &str) -> u64 {
        let answer = ask(self.control(Client::post, &format!("/functions/{function}/kill"))).await;
        answer["killed"].as_u64().expect("a number of processes")
    }

    /// Invokes the targets of all schedules as if their times had come; how many there were.
    ///
    /// # Panics
    ///
    /// If the cloud has stopped.
    pub async fn run_schedules(&self) -> u64 {
        let answer = ask(self.control(Client::post, "/schedules/run")).await;
        answer["invoked"].as_u64().expect("a number of schedules")
    }

    /// Returns the requests of every function so far, by the meter.
    ///
    /// # Panics
    ///
    /// If the cloud has stopped.
    pub async fn meter(&self) -> Value {
        ask(self.control(Client::get, "/meter")).await
    }

    /// Returns the permissions that functions lacked so far, each with `function`, `action`, `resource` and `count`.
    ///
    /// # Panics
    ///
    /// If the cloud has stopped.
    pub async fn denials(&self) -> Value {
        ask(self.control(Client::get, "/denials")).await
    }

    fn control(&self, method: fn(&Client, String) -> RequestBuilder, path: &str) -> RequestBuilder {
        method(&client(), format!("{}{path}", self.endpoints.control))
    }
}

/// The answer; null where there is nothing to say.
async fn ask(request: RequestBuilder) -> Value {
    let response = request.send().await.expect("the control endpoint answers");
    let (status, body) = (response.status(), response.text().await.expect("a whole answer"));
    assert!(status.is_success(), "{status}: {body}");
    if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("JSON") }
}
