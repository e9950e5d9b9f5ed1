//! The five operations of the Data API.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use local_template::model::Cluster;
use tokio::sync::oneshot;
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;

use super::errors::DataApiError;
use super::job::{Job, body, required};
use super::limits::Limits;
use super::pool::{Lease, Pool};
use super::request::{BatchExecuteStatement, BeginTransaction, EndTransaction, ExecuteStatement, Target};
use super::response::{TransactionBegun, TransactionEnded};
use super::transactions::{Transactions, cause};
use crate::Database;

/// The service behind the router.
pub(super) struct Endpoint {
    pub(super) clusters: Vec<Cluster>,
    pub(super) database: Database,
    pub(super) pool: Pool,
    pub(super) transactions: Transactions,
    pub(super) limits: Limits,
    pub(super) shutdown: CancellationToken,
}

impl Endpoint {
    pub(super) async fn execute(self: Arc<Self>, call: ExecuteStatement) -> Result<Bytes, DataApiError> {
        let cluster = self.cluster(&call.target)?;
        let job = Job::execute(&call)?;
        let transaction = call.transaction_id.as_deref();
        let lease = self.lease(cluster, &call.target, transaction).await?;
        self.run(job, lease, transaction, call.continue_after_timeout.unwrap_or_default()).await
    }

    pub(super) async fn batch_execute(self: Arc<Self>, call: BatchExecuteStatement) -> Result<Bytes, DataApiError> {
        let cluster = self.cluster(&call.target)?;
        let job = Job::batch(&call)?;
        let transaction = call.transaction_id.as_deref();
        let lease = self.lease(cluster, &call.target, transaction).await?;
        self.run(job, lease, transaction, false).await
    }

    pub(super) async fn begin(self: Arc<Self>, call: BeginTransaction) -> Result<Bytes, DataApiError> {
        let cluster = self.cluster(&call.target)?;
        let lease = self.lease(cluster, &call.target, None).await?;
        lease.session.command("BEGIN").await?;
        body(&TransactionBegun { transaction_id: self.transactions.add(&cluster.arn, lease) })
    }

    pub(super) async fn commit(self: Arc<Self>, call: EndTransaction) -> Result<Bytes, DataApiError> {
        self.end(call, "COMMIT", "Transaction Committed").await
    }

    pub(super) async fn rollback(self: Arc<Self>, call: EndTransaction) -> Result<Bytes, DataApiError> {
        self.end(call, "ROLLBACK", "Rollback Complete").await
    }

    /// Rolls back transactions as their time runs out, until shutdown.
    pub(super) async fn expire_transactions(&self) {
        let often = (self.limits.transaction_idle / 10).clamp(Duration::from_millis(10), Duration::from_secs(1));
        let mut ticks = tokio::time::interval(often);
        while self.shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            for lease in self.transactions.expire(&self.limits) {
                tracing::debug!("a transaction expired");
                self.pool.release(lease).await;
            }
        }
    }

    /// The cluster that a call means, if the call may use it.
    fn cluster(&self, target: &Target) -> Result<&Cluster, DataApiError> {
        let arn = required("resourceArn", target.resource_arn.as_deref())?;
        let secret = required("secretArn", target.secret_arn.as_deref())?;
        if target.schema.is_some() {
            return Err(DataApiError::Validation("The schema parameter isn't supported".to_owned()));
        }
        let cluster = self
            .clusters
            .iter()
            .find(|cluster| cluster.arn == arn)
            .ok_or_else(|| DataApiError::HttpEndpointNotEnabled(arn.to_owned()))?;
        if cluster.secret_arn != secret && self.database.login(secret).is_none() {
            return Err(DataApiError::SecretNotFound);
        }
        Ok(cluster)
    }

    async fn lease(
        &self,
        cluster: &Cluster,
        target: &Target,
        transaction: Option<&str>,
    ) -> Result<Lease, DataApiError> {
        // An empty name is none.
        let database = target.database.as_deref().filter(|name| !name.is_empty());
        if let Some(id) = transaction {
            return self.transactions.take(id, &cluster.arn, database);
        }
        // The cluster's own secret is the owner's.
        let secret = target.secret_arn.as_deref().filter(|secret| *secret != cluster.secret_arn);
        let user = match secret {
            Some(secret) => Some(self.database.login(secret).ok_or(DataApiError::SecretNotFound)?),
            None => None,
        };
        self.pool.acquire(database.unwrap_or(&cluster.database), user).await
    }

    /// Runs a job in a task of its own: neither a client that hangs up nor one that waited long enough may leave a
    /// transaction busy, a result half-read, or a statement without an end.
    async fn run(
        self: Arc<Self>,
        job: Job,
        lease: Lease,
        transaction: Option<&str>,
        continue_after_timeout: bool,
    ) -> Result<Bytes, DataApiError> {
        let (stopped, stop) = oneshot::channel();
        let task = tokio::spawn({
            let endpoint = Arc::clone(&self);
            let transaction = transaction.map(str::to_owned);
            endpoint.run_to_the_end(job, lease, transaction, continue_after_timeout, stopped)
        });
        tokio::select! {
            joined = task => joined.unwrap_or_else(|error| {
                tracing::error!(%error, "a statement's task");
                Err(DataApiError::Internal)
            }),
            Ok(reason) = stop => Err(reason),
        }
    }

    /// Runs a job, cancels it when its time is over or at shutdown, and puts the connection where it belongs. The caller
    /// gets its answer from `stopped` as soon as it is decided that the job has no result.
    async fn run_to_the_end(
        self: Arc<Self>,
        job: Job,
        mut lease: Lease,
        transaction: Option<String>,
        continue_after_timeout: bool,
        stopped: oneshot::Sender<DataApiError>,
    ) -> Result<Bytes, DataApiError> {
        let cancel = lease.session.cancel_token();
        let mut cancelled = false;
        let result = {
            let mut running = pin!(lease.session.run(&job, &self.limits, transaction.is_some()));
            let reason = tokio::select! {
                result = &mut running => Ok(result),
                () = tokio::time::sleep(self.limits.statement) => Err(DataApiError::StatementTimeout),
                () = self.shutdown.cancelled() => Err(DataApiError::ServiceUnavailable),
            };
            match reason {
                Ok(result) => result,
                Err(reason) => {
                    cancelled = !continue_after_timeout || self.shutdown.is_cancelled();
                    // The caller may be gone.
                    let _ = stopped.send(reason);
                    if cancelled && let Err(error) = cancel.cancel_query(NoTls).await {
                        // While the statement is still ours: PostgreSQL cancels whatever the connection runs.
                        tracing::warn!(%error, "a statement could not be cancelled");
                    }
                    running.await
                }
            }
        };
        if cancelled {
            lease.session.mark_cancelled();
        }
        match transaction {
            Some(id) if result.is_ok() && !cancelled => self.transactions.give_back(&id, lease),
            Some(id) => {
                // Its locks are released before the caller gets the error.
                self.pool.release(lease).await;
                self.transactions.end(&id, cause::ABORTED);
            }
            None => {
                // The answer does not wait for it.
                tokio::spawn(async move { self.pool.release(lease).await });
            }
        }
        result
    }

    async fn end(
        self: Arc<Self>,
        call: EndTransaction,
        command: &'static str,
        transaction_status: &'static str,
    ) -> Result<Bytes, DataApiError> {
        let cluster = self.cluster(&call.target)?;
        let id = required("transactionId", call.transaction_id.as_deref())?.to_owned();
        let lease = self.lease(cluster, &call.target, Some(&id)).await?;
        let endpoint = Arc::clone(&self);
        // For the same reason as in `run`.
        let task = tokio::spawn(async move {
            let result = lease.session.command(command).await;
            endpoint.transactions.end(&id, if result.is_ok() { cause::ENDED } else { cause::ABORTED });
            tokio::spawn(async move { endpoint.pool.release(lease).await });
            result
        });
        match task.await {
            Ok(result) => result?,
            Err(error) => {
                tracing::error!(%error, "a transaction's task");
                return Err(DataApiError::Internal);
            }
        }
        body(&TransactionEnded { transaction_status })
    }
}
