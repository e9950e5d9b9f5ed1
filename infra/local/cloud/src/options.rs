//! Options of a cloud.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use local_aurora::Database;
use local_lambda::build::{Profile, Progress};
use local_lambda::log_feed::LogFeed;
use local_lambda::{InvokeEndpoint, LogSink};

use crate::listeners::Ports;

/// Options of a cloud.
#[derive(Debug, Clone)]
pub struct Options {
    /// Path of the SAM template.
    pub template: PathBuf,
    /// Values of the template's parameters, over their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Ports on which clients connect.
    pub ports: Ports,
    /// The folder that keeps tables, queues, databases and the issuer's key; `None` keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// A running PostgreSQL to use instead of starting one.
    pub database: Option<Database>,
    /// An Invoke API that runs the functions instead of processes of this cloud; nothing is built then.
    pub lambda_endpoint: Option<InvokeEndpoint>,
    /// Invocations that a process runs at once, for functions without a capacity provider in the template; `None` for one.
    pub concurrency: Option<u32>,
    /// True to leave out the account's quotas of requests and connections per second. AWS raises them on request; limits in the
    /// template apply anyway.
    pub unthrottled: bool,
    /// After how long without a frame a WebSocket connection is closed, and after how long in any case. AWS's are 10 minutes and
    /// 2 hours; less makes clients meet them.
    pub websocket_idle: Duration,
    /// See `websocket_idle`; for the lifetime of a connection.
    pub websocket_lifetime: Duration,
    /// Lifetime of access tokens in the place of the user pool clients' own. Less than Cognito allows makes clients renew theirs.
    pub token_lifetime: Option<Duration>,
    /// Cargo profile of the functions.
    pub profile: Profile,
    /// True to show cargo's output.
    pub progress: Progress,
    /// Sink of the functions' logs, and of cargo's messages when it builds after a change.
    pub log: LogSink,
    /// True to build functions again after a change of their sources, and to run the new binaries.
    pub watch: bool,
    /// Lines for the page that the control endpoint serves at `/ui`; `None` for no page.
    pub ui: Option<LogFeed>,
    /// File for the functions' environment, for functions that run elsewhere.
    pub environment: Option<PathBuf>,
    /// File to which the permissions that functions need are appended.
    pub permissions: Option<PathBuf>,
    /// File to which the permissions that functions lack are appended, made with the first of them.
    pub denials: Option<PathBuf>,
    /// The function of `--per`, which has to exist.
    pub per: Option<String>,
}
