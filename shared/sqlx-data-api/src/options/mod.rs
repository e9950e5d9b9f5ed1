//! Options of a connection to a database.

mod url;

use std::fmt::{self, Debug, Formatter};
use std::str::FromStr;
use std::time::Duration;

use aws_sdk_rdsdata::Client;
use log::LevelFilter;
use sqlx_core::Url;
use sqlx_core::connection::{ConnectOptions, LogSettings};
use sqlx_core::error::Error;

use crate::DataApiConnection;

/// The database to connect to, and the client to use.
///
/// ```
/// # fn options(client: aws_sdk_rdsdata::Client) -> sqlx_data_api::DataApiConnectOptions {
/// sqlx_data_api::DataApiConnectOptions::new(
///     client,
///     "arn:aws:rds:eu-central-1:123456789012:cluster:main",
///     "arn:aws:secretsmanager:eu-central-1:123456789012:secret:main",
/// )
/// .database("app")
/// # }
/// ```
///
/// As a URL, which names no client and needs [`client`](Self::client) before it can connect:
/// `aurora-data-api://?resource_arn=…&secret_arn=…&database=…` (percent-encoded). A host and port, if given, replace the
/// client's endpoint: `https`, or `http` when the host is loopback.
#[derive(Clone)]
pub struct DataApiConnectOptions {
    pub(crate) client: Option<Client>,
    pub(crate) endpoint: Option<String>,
    pub(crate) resource_arn: String,
    pub(crate) secret_arn: String,
    pub(crate) database: Option<String>,
    pub(crate) statement_cache_capacity: usize,
    pub(crate) resume_timeout: Duration,
    pub(crate) rollback_timeout: Duration,
    pub(crate) repeat_reads: bool,
    pub(crate) continue_after_timeout: bool,
    pub(crate) log_settings: LogSettings,
}

impl DataApiConnectOptions {
    /// The cluster `resource_arn`, as the user whose credentials are in the secret `secret_arn`.
    pub fn new(client: Client, resource_arn: impl Into<String>, secret_arn: impl Into<String>) -> Self {
        Self { client: Some(client), ..Self::without_client(resource_arn.into(), secret_arn.into()) }
    }

    fn without_client(resource_arn: String, secret_arn: String) -> Self {
        Self {
            client: None,
            endpoint: None,
            resource_arn,
            secret_arn,
            database: None,
            statement_cache_capacity: 100,
            resume_timeout: Duration::from_secs(30),
            rollback_timeout: Duration::from_secs(10),
            repeat_reads: false,
            continue_after_timeout: false,
            log_settings: LogSettings::default(),
        }
    }

    /// The client to send requests with.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The database. Without one, the secret's `dbname`, as the service does it.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// Number of statements whose placeholders a connection caches; 100 by default.
    #[must_use]
    pub fn statement_cache_capacity(mut self, capacity: usize) -> Self {
        self.statement_cache_capacity = capacity;
        self
    }

    /// For how long a request is repeated that meets a paused cluster, which wakes up on the first of them. 30 seconds
    /// unless set; zero repeats nothing. No other failure is repeated.
    #[must_use]
    pub fn resume_timeout(mut self, timeout: Duration) -> Self {
        self.resume_timeout = timeout;
        self
    }

    /// For how long a transaction is rolled back: a statement of it may still run. Ten seconds by default. The service ends a
    /// transaction that was not rolled back after three idle minutes.
    #[must_use]
    pub fn rollback_timeout(mut self, timeout: Duration) -> Self {
        self.rollback_timeout = timeout;
        self
    }

    /// Repeats a `SELECT` once, outside of transactions, if its connection broke before the answer: a kept-alive connection that
    /// has ended meanwhile, as in a Lambda function after a pause. A timeout is not repeated. False by default, since a `SELECT`
    /// can call a function that changes something.
    #[must_use]
    pub fn repeat_reads(mut self, repeats: bool) -> Self {
        self.repeat_reads = repeats;
        self
    }

    /// Lets PostgreSQL continue a statement after the service's timeout of 45 seconds. The call fails nevertheless. False by
    /// default; migrations always set it.
    #[must_use]
    pub fn continue_after_timeout(mut self, goes_on: bool) -> Self {
        self.continue_after_timeout = goes_on;
        self
    }
}

impl ConnectOptions for DataApiConnectOptions {
    type Connection = DataApiConnection;

    fn from_url(url: &Url) -> Result<Self, Error> {
        url::parse(url)
    }

    fn to_url_lossy(&self) -> Url {
        url::write(self)
    }

    /// Makes a connection, which is a bit of state: no request is sent.
    async fn connect(&self) -> Result<DataApiConnection, Error> {
        DataApiConnection::new(self)
    }

    fn log_statements(mut self, level: LevelFilter) -> Self {
        self.log_settings.log_statements(level);
        self
    }

    fn log_slow_statements(mut self, level: LevelFilter, duration: Duration) -> Self {
        self.log_settings.log_slow_statements(level, duration);
        self
    }
}

impl FromStr for DataApiConnectOptions {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        url::parse(&url.parse().map_err(Error::config)?)
    }
}

impl Debug for DataApiConnectOptions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataApiConnectOptions")
            .field("resource_arn", &self.resource_arn)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
