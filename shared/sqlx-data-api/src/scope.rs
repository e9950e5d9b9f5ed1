//! Transactions that end before the call that began them returns.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx_core::error::Error;
use sqlx_core::pool::MaybePoolConnection;
use sqlx_core::transaction::Transaction;

use crate::{DataApi, DataApiConnection, DataApiPool};

impl DataApiConnection {
    /// Runs `work` in a transaction, and answers when that is committed or, if `work` failed, rolled back.
    ///
    /// Use this if dropping a transaction is not enough: a dropped one is rolled back when its connection is used next. A
    /// Lambda function that is frozen after its answer may not reach that while PostgreSQL holds the transaction's locks. A
    /// rollback that fails is logged, and the error of `work` is returned; the service drops the transaction after three idle
    /// minutes.
    ///
    /// # Errors
    ///
    /// Those of `work`, of beginning and of committing; and an error if `work` keeps the transaction.
    pub async fn transaction<'c, T, E, F>(&'c mut self, work: impl FnOnce(LentTransaction<'c>) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        finish(Transaction::begin(self, None).await?, work).await
    }
}

/// [`DataApiConnection::transaction`] for a pool.
#[allow(
    async_fn_in_trait,
    reason = "the future is `Send` if the future of `work` is; a bound here would reject other futures"
)]
pub trait DataApiPoolExt {
    /// Runs `work` in a transaction, and answers when that is committed or, if `work` failed, rolled back.
    ///
    /// # Errors
    ///
    /// Those of [`DataApiConnection::transaction`], and of acquiring a connection.
    async fn transaction<T, E, F>(&self, work: impl FnOnce(LentTransaction<'static>) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: From<Error>;
}

impl DataApiPoolExt for DataApiPool {
    async fn transaction<T, E, F>(&self, work: impl FnOnce(LentTransaction<'static>) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let connection = MaybePoolConnection::PoolConnection(self.acquire().await?);
        finish(Transaction::begin(connection, None).await?, work).await
    }
}

/// A transaction, lent to the work that is done in it. When it is dropped, the transaction returns to the caller, which commits
/// it or rolls it back.
///
/// It is lent by value, not by reference, because the future of a closure over a reference is not known to be `Send`.
#[derive(Debug)]
pub struct LentTransaction<'c> {
    /// `None` only while it is dropped.
    transaction: Option<Transaction<'c, DataApi>>,
    slot: Slot<'c>,
}

type Slot<'c> = Arc<Mutex<Option<Transaction<'c, DataApi>>>>;

async fn finish<'c, T, E, F>(
    transaction: Transaction<'c, DataApi>,
    work: impl FnOnce(LentTransaction<'c>) -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: From<Error>,
{
    let slot = Slot::default();
    let lent = LentTransaction { transaction: Some(transaction), slot: Arc::clone(&slot) };
    let outcome = work(lent).await;
    match (outcome, take_back(&slot)) {
        (Ok(done), Some(transaction)) => {
            transaction.commit().await?;
            Ok(done)
        }
        (Ok(_), None) => {
            let kept = "the closure of the transaction kept the transaction after it returned";
            Err(Error::Protocol(kept.to_owned()).into())
        }
        (Err(error), transaction) => {
            if let Some(transaction) = transaction
                && let Err(error) = transaction.rollback().await
            {
                tracing::warn!(target: "sqlx::data_api", %error, "a transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

/// Nothing panics while the lock is held, so a poisoned one holds nothing broken.
fn take_back<'c>(slot: &Slot<'c>) -> Option<Transaction<'c, DataApi>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Drop for LentTransaction<'_> {
    fn drop(&mut self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = self.transaction.take();
    }
}

impl Deref for LentTransaction<'_> {
    type Target = DataApiConnection;

    fn deref(&self) -> &DataApiConnection {
        // `drop` alone takes it out, and nothing reads it afterwards.
        self.transaction.as_ref().expect("a lent transaction is present until it is dropped")
    }
}

impl DerefMut for LentTransaction<'_> {
    fn deref_mut(&mut self) -> &mut DataApiConnection {
        // `drop` alone takes it out, and nothing reads it afterwards.
        self.transaction.as_mut().expect("a lent transaction is present until it is dropped")
    }
}
