//! A connection, which is no connection: a client, a cache and the state of a transaction.

mod executor;
mod lease;
mod request;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use aws_sdk_rdsdata::Client;
use sqlx_core::common::StatementCache;
use sqlx_core::connection::Connection;
use sqlx_core::error::Error;
use sqlx_core::transaction::Transaction;

use crate::sql::Template;
use crate::transaction::TransactionState;
use crate::{DataApi, DataApiConnectOptions};

pub(crate) use lease::Lease;
pub(crate) use request::{fault, service_error};

/// Runs statements, one HTTP request each, and holds at most one transaction.
///
/// It is cheap: connecting, closing and pinging send nothing, unless a transaction was dropped and has to be rolled back
/// first. HTTP connections belong to the client, which all connections of a pool share.
pub struct DataApiConnection {
    client: Client,
    options: DataApiConnectOptions,
    statements: StatementCache<Arc<Template>>,
    pub(crate) transaction: TransactionState,
    /// The migration lock, while this connection holds it.
    pub(crate) lease: Option<Lease>,
    /// True while a migration runs, whose statements continue after the service's timeout.
    pub(crate) migrating: bool,
}

impl DataApiConnection {
    pub(crate) fn new(options: &DataApiConnectOptions) -> Result<Self, Error> {
        let client = options.client.clone().ok_or_else(|| {
            Error::Configuration(
                "the options have no client: set one with `DataApiConnectOptions::client`, since a URL cannot contain it".into(),
            )
        })?;
        let client = match &options.endpoint {
            Some(endpoint) => Client::from_conf(client.config().to_builder().endpoint_url(endpoint).build()),
            None => client,
        };
        Ok(Self {
            client,
            options: options.clone(),
            statements: StatementCache::new(options.statement_cache_capacity),
            transaction: TransactionState::default(),
            lease: None,
            migrating: false,
        })
    }

    /// `sql` with its placeholders found, remembered if `persistent`.
    fn template(&mut self, sql: &str, persistent: bool) -> Arc<Template> {
        if let Some(template) = self.statements.get_mut(sql) {
            return Arc::clone(template);
        }
        let template = Arc::new(Template::new(sql));
        if persistent && self.statements.is_enabled() {
            self.statements.insert(sql, Arc::clone(&template));
        }
        template
    }
}

impl Connection for DataApiConnection {
    type Database = DataApi;
    type Options = DataApiConnectOptions;

    /// Rolls back an open transaction, and releases the migration lock if a failed migration holds it.
    async fn close(mut self) -> Result<(), Error> {
        self.transaction.abandon_all();
        self.settle().await?;
        self.release_lease().await
    }

    async fn close_hard(self) -> Result<(), Error> {
        Ok(())
    }

    /// Sends nothing, unless a dropped transaction has to be rolled back or a failed migration left its lock.
    ///
    /// A pool pings returned connections.
    async fn ping(&mut self) -> Result<(), Error> {
        self.settle().await?;
        self.release_lease().await
    }

    async fn begin(&mut self) -> Result<Transaction<'_, DataApi>, Error> {
        Transaction::begin(self, None).await
    }

    fn cached_statements_size(&self) -> usize {
        self.statements.len()
    }

    async fn clear_cached_statements(&mut self) -> Result<(), Error> {
        self.statements.clear();
        Ok(())
    }

    fn shrink_buffers(&mut self) {}

    async fn flush(&mut self) -> Result<(), Error> {
        self.settle().await
    }

    fn should_flush(&self) -> bool {
        self.transaction.owes_rollback()
    }
}

impl Debug for DataApiConnection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataApiConnection")
            .field("options", &self.options)
            .field("transaction", &self.transaction)
            .finish_non_exhaustive()
    }
}
