//! Aurora PostgreSQL with the Data API: a PostgreSQL server of this machine, and the RDS Data API in front of it.
//!
//! [`postgres`] finds and runs the server; [`data_api`] speaks AWS's REST-JSON on one side and PostgreSQL's protocol
//! on the other, with the types, limits and errors of Aurora Serverless v2. The two meet in [`Database`] only, so that
//! any server can take the place of ours.

#![warn(missing_docs)]

use std::str::FromStr;

use tokio_postgres::Config;

pub mod data_api;
pub mod postgres;

/// Address and credentials of a PostgreSQL server.
///
/// The user must be allowed to create databases: each cluster's `DatabaseName` is created if it is missing. Connections are
/// made without TLS.
#[derive(Debug, Clone)]
pub struct Database {
    config: Config,
}

impl Database {
    /// The connection's settings; its database is the one to connect to for creating others.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl From<Config> for Database {
    fn from(config: Config) -> Self {
        Self { config }
    }
}

impl FromStr for Database {
    type Err = tokio_postgres::Error;

    /// Reads a connection string, `postgres://user:password@host:port/database` or `host=… user=…`.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self { config: url.parse()? })
    }
}
