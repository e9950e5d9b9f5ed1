//! The settings of a mapping.

use std::path::PathBuf;
use std::time::Duration;

use local_dynamodb::Tables;
use local_lambda::Lambda;
use local_sqs::Sqs;
use local_template::model::{Function, StreamEvent, Table};

/// Lambda's interval between two polls of a shard: four a second.
pub const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// A table, a function, and what lies between them.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The engine with the table.
    pub tables: Tables,
    /// The table whose stream is read.
    pub table: Table,
    /// Settings of the mapping.
    pub event: StreamEvent,
    /// The function to invoke.
    pub function: Function,
    /// With what it is invoked.
    pub lambda: Lambda,
    /// The queues and the URL of the one that learns of discarded records.
    pub on_failure: Option<(Sqs, String)>,
    /// The folder of the file that says how far the mapping has read; `None` begins at the starting position every time.
    pub positions: Option<PathBuf>,
    /// [`POLL_INTERVAL`], or less in tests.
    pub poll_interval: Duration,
}
