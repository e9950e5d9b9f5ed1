//! Everything that happened in a run, in its order.

use std::fmt;
use std::time::Duration;

use crate::executor::Name;
use crate::network::Fault;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Time since the run began.
    pub(crate) at: Duration,
    pub(crate) name: Name,
    pub(crate) what: What,
}

/// Random ids and times of the machines' clocks are left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// A request leaves, and what becomes of it.
    Request { number: u64, operation: String, table: &'static str, fault: Option<Fault> },
    /// The service carries out a request.
    Executed { number: u64, status: u16, result: String },
    /// A device sends its message: after this seq.
    Sends { after: u64 },
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
            What::Request { number, operation, table, fault } => {
                write!(f, "#{number} {operation} {table}")?;
                fault.map_or(Ok(()), |fault| write!(f, ": {fault:?}"))
            }
            What::Executed { number, status, result } => write!(f, "#{number} {status} {result}"),
            What::Sends { after } => write!(f, "sends after {after}"),
            What::Answered(answer) => f.write_str(answer),
            What::Decided { user, joins } => write!(f, "user {user} {}", if *joins { "joins" } else { "leaves" }),
            What::Applied { seq } => write!(f, "the change is at {seq}"),
        }
    }
}
