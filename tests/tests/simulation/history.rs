//! Everything that happened in a run, in its order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::ReceiptKind;
use serde_json::Value;

use crate::executor::Name;
use crate::network::Fault;
use crate::tables::Answer;

/// A line of a run's history.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Time since the run began.
    pub(crate) at: Duration,
    pub(crate) name: Name,
    pub(crate) what: What,
}

/// Its text leaves out random ids, and the times of the machines' clocks.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A request leaves, and what becomes of it.
    Request { number: u64, operation: Arc<str>, body: Arc<[u8]>, fault: Option<Fault> },
    /// The service carries out a request.
    Executed { number: u64, operation: Arc<str>, body: Arc<[u8]>, answer: Answer },
    /// A device sends its message: after this seq.
    Sends { after: u64 },
    /// A device amends a message.
    Amends(String),
    /// A device acknowledges a message.
    Acknowledges { seq: u64, kind: ReceiptKind },
    /// A device has read a page.
    Synced { cursor: u64, messages: usize, head: u64 },
    /// The answer to one call.
    Answered(String),
    /// A change of membership is decided: this user joins or leaves.
    Decided { user: usize, joins: bool },
    /// A change is in the log.
    Applied { seq: u64 },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, name, what } = self;
        write!(f, "{:>9.3} ms  {:<16} ", at.as_secs_f64() * 1e3, format!("{name:?}"))?;
        match what {
            What::Request { number, operation, body, fault } => {
                write!(f, "#{number} {operation} {}", table(operation, body))?;
                fault.map_or(Ok(()), |fault| write!(f, ": {fault:?}"))
            }
            What::Executed { number, operation, body, answer } => {
                write!(f, "#{number} {} {}", answer.status, summary(operation, body, answer))
            }
            What::Sends { after } => write!(f, "sends after {after}"),
            What::Amends(what) => write!(f, "amends {what}"),
            What::Acknowledges { seq, kind } => write!(f, "acknowledges {seq}: {kind:?}"),
            What::Synced { cursor, messages, head } => write!(f, "reads {messages} after {cursor}, head {head}"),
            What::Answered(answer) => f.write_str(answer),
            What::Decided { user, joins } => write!(f, "user {user} {}", if *joins { "joins" } else { "leaves" }),
            What::Applied { seq } => write!(f, "the change is at {seq}"),
        }
    }
}

/// Returns the first table that a request names.
fn table(operation: &str, body: &[u8]) -> String {
    let request: Value = serde_json::from_slice(body).expect("the SDK sends JSON");
    let name = if operation.starts_with("Transact") {
        let action = request["TransactItems"][0].as_object().and_then(|action| action.values().next());
        action.map_or(&Value::Null, |action| &action["TableName"]).clone()
    } else if let Some(items) = request["RequestItems"].as_object() {
        items.keys().next().cloned().map_or(Value::Null, Value::String)
    } else {
        request["TableName"].clone()
    };
    name.as_str().unwrap_or_default().trim_start_matches("local-").to_owned()
}

/// Returns what the history keeps of an answer: no random ids, no times.
fn summary(operation: &str, body: &[u8], answer: &Answer) -> String {
    let seq = |item: &Value| item["seq"]["N"].as_str().map(str::to_owned);
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap_or_default();
    let answered = read(answer.body.as_bytes());
    if answer.status != 200 {
        let kind = answered["__type"].as_str().unwrap_or_default();
        return kind.rsplit_once('#').map_or(kind, |(_, name)| name).to_owned();
    }
    match operation {
        "PutItem" => seq(&read(body)["Item"]).map(|seq| format!("writes {seq}")).unwrap_or_default(),
        "TransactWriteItems" => {
            let request = read(body);
            let actions = request["TransactItems"].as_array().into_iter().flatten();
            let seqs: Vec<String> = actions.filter_map(|action| seq(&action["Put"]["Item"])).collect();
            format!("writes {}", seqs.join(", "))
        }
        "Query" => {
            let items = answered["Items"].as_array().map_or(&[][..], Vec::as_slice);
            let ends = [items.first(), items.last()].map(|item| item.and_then(seq).unwrap_or_default());
            format!("{} items, {}..{}", items.len(), ends[0], ends[1])
        }
        _ => String::new(),
    }
}
