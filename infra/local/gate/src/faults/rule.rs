//! Rules of a fault plan: faults, and the requests that get them.

use local_aws::{Call, Lag, Service};
use serde::{Deserialize, Serialize};

use crate::batch::entries as batch_entries;

/// A plan of faults: the same seed and the same requests give the same faults.
///
/// As JSON: `{"seed": 7, "rules": [{"service": "dynamodb", "operation": "PutItem", "kind": "response_lost", "next": 1}]}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Seed of the random numbers.
    #[serde(default)]
    pub seed: u64,
    /// The first rule that fires for a request decides what becomes of it.
    pub rules: Vec<Rule>,
}

/// A fault and the requests that get it. A request has to match every given criterion.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The kind of the fault.
    pub kind: Kind,
    /// `dynamodb`, `sqs`, `rds-data`, `scheduler`, `opensearch` or `apigatewaymanagementapi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// As AWS names it: `PutItem`, `SendMessage`, `PostToConnection`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The physical name of a table or an index that the request touches, its queue's name or its connection's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Logical id of the function that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Number of matching requests to skip first.
    #[serde(default)]
    pub skip: u64,
    /// Most faults; no limit by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Probability of the fault for a matching request, from 0 to 1; certain by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// A fault of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is carried out, and the connection is cut before the answer.
    ResponseLost,
    /// It is carried out, and answered with the service's 500.
    ResponseError,
    /// The connection is cut; nothing is carried out.
    RequestLost,
    /// It is held up before it is carried out: `{"delay": 50}` or `{"delay": [10, 50]}`, in milliseconds.
    Delay(Milliseconds),
    /// The service's throttling error.
    Throttle,
    /// DynamoDB's writes and transactions only: another transaction has the item.
    Conflict,
    /// DynamoDB's `BatchGetItem` and `BatchWriteItem` of more than one entry only: the last one is left unprocessed.
    Unprocessed,
    /// `@connections` only: 410, as after a disconnect.
    Gone,
    /// The Data API's statements and beginnings of transactions only: the cluster was paused and is waking up.
    Resuming,
    /// DynamoDB's eventually consistent reads only: the answer is of an earlier state, the same for all tables:
    /// `{"stale_read": {"writes": 1}}` or `{"stale_read": {"ms": 200}}`. All rules of a plan must agree on it.
    StaleRead(Lag),
    /// The process that asks is killed, `"before"` or `"after"` its request is carried out.
    Kill(Moment),
}

/// A time, or bounds that chance keeps to, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Milliseconds {
    /// This time on every request.
    Exactly(u64),
    /// At least and at most.
    Between(u64, u64),
}

/// The moment at which a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Its request is not carried out.
    Before,
    /// Its request is carried out.
    After,
}

/// Reasons for which a plan is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The probability is negative or greater than 1.
    #[error("rule {0}: the probability must be from 0 to 1")]
    Probability(usize),
    /// The lower bound is the higher one.
    #[error("rule {0}: the lower bound of the delay is greater than the upper bound")]
    Delay(usize),
    /// The service has no such fault.
    #[error("rule {0}: this fault does not apply to requests to {1}")]
    Impossible(usize, Service),
    /// There is one earlier state at a time.
    #[error("rule {0}: all stale reads of a plan must have the same lag")]
    Lag(usize),
    /// The stack has no tables.
    #[error("the stack has no tables for stale reads")]
    NoTables,
    /// The tables could not be copied.
    #[error("the tables cannot be copied: {0}")]
    Replica(String),
}

impl Plan {
    /// Returns the lag of the stale reads, if there are any.
    pub fn lag(&self) -> Option<Lag> {
        self.rules.iter().find_map(|rule| rule.kind.lag())
    }

    /// Checks the rules; the error names the first that is refused.
    pub fn validate(&self) -> Result<(), PlanError> {
        for (number, rule) in self.rules.iter().enumerate() {
            if rule.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
                return Err(PlanError::Probability(number));
            }
            if let Kind::Delay(Milliseconds::Between(low, high)) = rule.kind
                && low > high
            {
                return Err(PlanError::Delay(number));
            }
            if let (Some(service), Some(only)) = (rule.service, rule.kind.only_of())
                && service != only
            {
                return Err(PlanError::Impossible(number, service));
            }
            if rule.kind.lag().is_some_and(|lag| Some(lag) != self.lag()) {
                return Err(PlanError::Lag(number));
            }
        }
        Ok(())
    }
}

impl Rule {
    /// Returns true if the rule applies to a request.
    pub fn matches(&self, call: &Call) -> bool {
        self.service.is_none_or(|service| service == call.service)
            && self.operation.as_ref().is_none_or(|operation| *operation == call.operation)
            && self.resource.as_ref().is_none_or(|resource| call.resources.contains(resource))
            && self.function.as_ref().is_none_or(|function| *function == call.caller)
            && self.kind.applies_to(call)
    }
}

impl Kind {
    /// Returns its name in the meter and the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResponseLost => "response_lost",
            Self::ResponseError => "response_error",
            Self::RequestLost => "request_lost",
            Self::Delay(_) => "delay",
            Self::Throttle => "throttle",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::Resuming => "resuming",
            Self::Unprocessed => "unprocessed",
            Self::StaleRead(_) => "stale_read",
            Self::Kill(_) => "kill",
        }
    }

    fn lag(self) -> Option<Lag> {
        match self {
            Self::StaleRead(lag) => Some(lag),
            _ => None,
        }
    }

    /// The only service that has this fault.
    fn only_of(self) -> Option<Service> {
        match self {
            Self::Conflict | Self::StaleRead(_) | Self::Unprocessed => Some(Service::Dynamodb),
            Self::Gone => Some(Service::Apigatewaymanagementapi),
            Self::Resuming => Some(Service::RdsData),
            _ => None,
        }
    }

    fn applies_to(self, call: &Call) -> bool {
        if self.only_of().is_some_and(|service| service != call.service) {
            return false;
        }
        match self {
            Self::StaleRead(_) => call.eventually_consistent,
            Self::Conflict => {
                let operations = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "TransactGetItems"];
                operations.contains(&call.operation.as_str())
            }
            Self::Unprocessed => {
                let batches = ["BatchGetItem", "BatchWriteItem"];
                batches.contains(&call.operation.as_str()) && batch_entries(&call.input) > 1
            }
            // A transaction that was begun keeps the cluster awake.
            Self::Resuming => {
                let begins = ["ExecuteStatement", "BatchExecuteStatement", "BeginTransaction"];
                begins.contains(&call.operation.as_str()) && call.input["transactionId"].is_null()
            }
            // A caller that is not a function of the stack has no process here.
            Self::Kill(_) => call.instance.is_some(),
            _ => true,
        }
    }
}
