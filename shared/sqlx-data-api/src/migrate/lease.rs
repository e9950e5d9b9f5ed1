//! The migration lock: a row that expires.
//!
//! sqlx's PostgreSQL driver takes a session's advisory lock. Over the Data API a session lasts for one statement, so the lock
//! is the one row of `_sqlx_migrations_lock`, which belongs to its owner until it expires. Each migration renews it as the
//! first statement of its transaction, whose row lock then excludes all others while it runs. If the owner crashes, the others
//! wait for at most [`LEASE`] (15 minutes in a migration without a transaction).

use std::time::Duration;

use sqlx_core::error::{DatabaseError, Error};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::connection::{Lease, fault, service_error};
use crate::{DataApiConnection, DataApiError, DataApiFault, query};

/// For how long the lock is held without a sign of life.
const LEASE: Duration = Duration::from_mins(1);
/// The same for a migration outside of a transaction, which cannot renew while it runs.
const LONG_LEASE: Duration = Duration::from_mins(15);
/// Time for which a migrator waits for another one's migrations.
const LEASE_TIMEOUT: Duration = Duration::from_mins(15);
/// Interval between two checks of the lock, and of a statement that continues.
const PAUSE: Duration = Duration::from_secs(1);

/// SQLSTATEs of a creation that another session was faster with: of a unique index of the catalogue, of the table's row type,
/// and of the table.
const CREATED_MEANWHILE: [&str; 3] = ["23505", "42710", "42P07"];

impl DataApiConnection {
    /// Cost: two requests, and one a second while another process holds the lock.
    pub(super) async fn acquire_lease(&mut self) -> Result<(), Error> {
        let owner = self.lease.map_or_else(Uuid::new_v4, |lease| lease.owner);
        self.create_lock_table().await?;
        let deadline = Instant::now() + LEASE_TIMEOUT;
        loop {
            let taken = query(
                "INSERT INTO _sqlx_migrations_lock AS held (id, owner, expires_at)
                VALUES (1, $1, now() + $2 * interval '1 second')
                ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
                WHERE held.owner = excluded.owner OR held.expires_at < now()",
            )
            .bind(owner)
            .bind(LEASE.as_secs_f64())
            .execute(&mut *self)
            .await;
            match taken {
                Ok(taken) if taken.rows_affected() == 1 => break,
                Ok(_) => {}
                // Another migration holds the lock on the row.
                Err(error) if fault(&error) == Some(DataApiFault::Timeout) => {}
                Err(error) => return Err(error),
            }
            if Instant::now() > deadline {
                return Err(Error::Protocol("another process has held the migration lock for 15 minutes".to_owned()));
            }
            sleep(PAUSE).await;
        }
        self.lease = Some(Lease { owner });
        Ok(())
    }

    /// `IF NOT EXISTS` does not separate two concurrent creations: the later one fails on PostgreSQL's catalogue, or with an
    /// error that the table or its type exists, and finds the table on its next attempt.
    async fn create_lock_table(&mut self) -> Result<(), Error> {
        let sql = "CREATE TABLE IF NOT EXISTS _sqlx_migrations_lock
            (id INT PRIMARY KEY, owner UUID NOT NULL, expires_at TIMESTAMPTZ NOT NULL)";
        match self.run_each(&[sql]).await {
            Err(error) if service_error(&error).is_some_and(was_created_meanwhile) => {
                self.run_each(&[sql]).await.map(drop)
            }
            created => created.map(drop),
        }
    }

    /// Makes sure that the lock, if locking is on, is still held, and holds it for longer.
    pub(super) async fn renew_lease(&mut self) -> Result<(), Error> {
        let Some(lease) = self.lease else {
            return Ok(());
        };
        let in_transaction = self.transaction.id().is_some();
        let renewed =
            query("UPDATE _sqlx_migrations_lock SET expires_at = now() + $2 * interval '1 second' WHERE owner = $1")
                .bind(lease.owner)
                .bind(if in_transaction { LEASE } else { LONG_LEASE }.as_secs_f64())
                .execute(self)
                .await?;
        match renewed.rows_affected() {
            0 => Err(Error::Protocol("the migration lock expired and another process acquired it".to_owned())),
            _ => Ok(()),
        }
    }

    pub(crate) async fn release_lease(&mut self) -> Result<(), Error> {
        let Some(lease) = self.lease.take() else {
            return Ok(());
        };
        query("DELETE FROM _sqlx_migrations_lock WHERE owner = $1").bind(lease.owner).execute(self).await.map(drop)
    }

    /// Polls the transaction every second until its last statement is done. If that failed, the transaction has ended and the
    /// answer is an error.
    pub(super) async fn wait_until_done(&mut self) -> Result<(), Error> {
        loop {
            sleep(PAUSE).await;
            match self.run_each(&["SELECT 1"]).await {
                Err(error) if service_error(&error).is_some_and(DataApiError::is_still_running) => {}
                answer => return answer.map(drop),
            }
        }
    }
}

/// Returns true if another process created the same object at the same time.
fn was_created_meanwhile(error: &DataApiError) -> bool {
    error.code().is_some_and(|code| CREATED_MEANWHILE.contains(&code.as_ref()))
}

/// Returns true if `error` only means that a statement of the open transaction takes longer than a call may.
pub(super) fn goes_on(conn: &DataApiConnection, error: &Error) -> bool {
    conn.migrating && conn.transaction.id().is_some() && fault(error) == Some(DataApiFault::Timeout)
}
