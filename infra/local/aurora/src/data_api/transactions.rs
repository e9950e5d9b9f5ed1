//! Transactions: an id, and the connection that it stands for.
//!
//! A transaction runs one statement at a time; a second call finds it busy and fails at once. It ends with commit,
//! rollback, any failed statement, three minutes of rest, or 24 hours. Later calls get the reason for which it ended.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;

use super::errors::DataApiError;
use super::limits::Limits;
use super::pool::Lease;

/// The causes that AWS appends to `Transaction … is not found`.
pub(super) mod cause {
    pub(crate) const EXPIRED: &str = "Transaction may be expired";
    pub(crate) const ENDED: &str = "One previous call resulted in a termination of your transaction";
    pub(crate) const ABORTED: &str = "Transaction has been aborted due to an error from a previous call";
}

/// Ended transactions whose cause is remembered.
const MAX_ENDED_TRANSACTIONS: usize = 1_000;
/// Random bytes in an id: with base64 the 192 characters that AWS allows.
const ID_BYTES: usize = 144;

/// All transactions of the endpoint.
#[derive(Default)]
pub(super) struct Transactions {
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    open: HashMap<String, Transaction>,
    ended: VecDeque<(String, &'static str)>,
}

struct Transaction {
    resource_arn: String,
    began: Instant,
    /// `None` while the connection is with a call.
    resting: Option<Resting>,
}

struct Resting {
    lease: Lease,
    since: Instant,
}

impl Transactions {
    /// Registers a connection on which `BEGIN` was run, and gives the id.
    pub(super) fn add(&self, resource_arn: &str, lease: Lease) -> String {
        let id = STANDARD.encode(rand::random::<[u8; ID_BYTES]>());
        let now = Instant::now();
        let transaction = Transaction {
            resource_arn: resource_arn.to_owned(),
            began: now,
            resting: Some(Resting { lease, since: now }),
        };
        self.registry().open.insert(id.clone(), transaction);
        id
    }

    /// Takes the connection of a transaction, which is busy until [`Self::give_back`] or [`Self::end`].
    pub(super) fn take(&self, id: &str, resource_arn: &str, database: Option<&str>) -> Result<Lease, DataApiError> {
        let mut registry = self.registry();
        let Some(transaction) =
            registry.open.get_mut(id).filter(|transaction| transaction.resource_arn == resource_arn)
        else {
            return Err(registry.not_found(id));
        };
        let wanted = |resting: &Resting| database.is_none_or(|database| database == resting.lease.session.database);
        if transaction.resting.as_ref().is_some_and(|resting| !wanted(resting)) {
            return Err(DataApiError::BadRequest("Database name is not the same as transaction's database".to_owned()));
        }
        if transaction.resting.as_ref().is_some_and(|resting| resting.lease.session.is_closed()) {
            // PostgreSQL ended it, by `idle_in_transaction_session_timeout` for example.
            registry.end(id, cause::EXPIRED);
            return Err(registry.not_found(id));
        }
        let resting = transaction.resting.take();
        resting
            .map(|resting| resting.lease)
            .ok_or_else(|| DataApiError::Database("Transaction is still running a query".to_owned()))
    }

    /// Lets the transaction rest until its next call.
    pub(super) fn give_back(&self, id: &str, lease: Lease) {
        if let Some(transaction) = self.registry().open.get_mut(id) {
            transaction.resting = Some(Resting { lease, since: Instant::now() });
        }
    }

    /// Forgets a transaction whose connection was taken.
    pub(super) fn end(&self, id: &str, cause: &'static str) {
        self.registry().end(id, cause);
    }

    /// Ends the transactions that have rested or lasted for too long, and gives their connections.
    pub(super) fn expire(&self, limits: &Limits) -> Vec<Lease> {
        let mut registry = self.registry();
        let expired: Vec<String> = registry
            .open
            .iter()
            .filter(|(_, transaction)| {
                transaction.resting.as_ref().is_some_and(|resting| {
                    resting.since.elapsed() >= limits.transaction_idle
                        || transaction.began.elapsed() >= limits.transaction
                })
            })
            .map(|(id, _)| id.clone())
            .collect();
        let ended = expired.iter().filter_map(|id| registry.end(id, cause::EXPIRED));
        ended.filter_map(|transaction| Some(transaction.resting?.lease)).collect()
    }

    /// A panic elsewhere cannot leave the registry half-changed.
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn end(&mut self, id: &str, cause: &'static str) -> Option<Transaction> {
        let transaction = self.open.remove(id)?;
        if self.ended.len() == MAX_ENDED_TRANSACTIONS {
            self.ended.pop_front();
        }
        self.ended.push_back((id.to_owned(), cause));
        Some(transaction)
    }

    /// An id that was never given out is answered as an expired one, as AWS does.
    fn not_found(&self, id: &str) -> DataApiError {
        let known = self.ended.iter().find(|(ended, _)| ended == id);
        DataApiError::TransactionNotFound { id: id.to_owned(), cause: known.map_or(cause::EXPIRED, |(_, cause)| cause) }
    }
}
