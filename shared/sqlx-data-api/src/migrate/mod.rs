//! sqlx's migrations: the same table, the same order of things, one transaction a migration.

mod lease;

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx_core::error::Error;
use sqlx_core::executor::Executor;
use sqlx_core::migrate::{AppliedMigration, Migrate, MigrateError, Migration};
use sqlx_core::sql_str::{AssertSqlSafe, SqlStr};

use crate::sql::split;
use crate::{DataApiConnection, query, query_as};

impl Migrate for DataApiConnection {
    fn create_schema_if_not_exists<'e>(&'e mut self, schema: &'e str) -> BoxFuture<'e, Result<(), MigrateError>> {
        async move {
            self.execute(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"))).await?;
            Ok(())
        }
        .boxed()
    }

    fn ensure_migrations_table<'e>(&'e mut self, table: &'e str) -> BoxFuture<'e, Result<(), MigrateError>> {
        async move {
            self.execute(AssertSqlSafe(format!(
                "CREATE TABLE IF NOT EXISTS {table} (
                    version BIGINT PRIMARY KEY,
                    description TEXT NOT NULL,
                    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
                    success BOOLEAN NOT NULL,
                    checksum BYTEA NOT NULL,
                    execution_time BIGINT NOT NULL
                )"
            )))
            .await?;
            Ok(())
        }
        .boxed()
    }

    fn dirty_version<'e>(&'e mut self, table: &'e str) -> BoxFuture<'e, Result<Option<i64>, MigrateError>> {
        async move {
            let sql = format!("SELECT version FROM {table} WHERE NOT success ORDER BY version LIMIT 1");
            let row: Option<(i64,)> = query_as(AssertSqlSafe(sql)).fetch_optional(self).await?;
            Ok(row.map(|(version,)| version))
        }
        .boxed()
    }

    fn list_applied_migrations<'e>(
        &'e mut self,
        table: &'e str,
    ) -> BoxFuture<'e, Result<Vec<AppliedMigration>, MigrateError>> {
        async move {
            let sql = format!("SELECT version, checksum FROM {table} ORDER BY version");
            let rows: Vec<(i64, Vec<u8>)> = query_as(AssertSqlSafe(sql)).fetch_all(self).await?;
            let applied = |(version, checksum): (_, Vec<u8>)| AppliedMigration { version, checksum: checksum.into() };
            Ok(rows.into_iter().map(applied).collect())
        }
        .boxed()
    }

    fn lock(&mut self) -> BoxFuture<'_, Result<(), MigrateError>> {
        async move { Ok(self.acquire_lease().await?) }.boxed()
    }

    fn unlock(&mut self) -> BoxFuture<'_, Result<(), MigrateError>> {
        async move { Ok(self.release_lease().await?) }.boxed()
    }

    fn apply<'e>(
        &'e mut self,
        table: &'e str,
        migration: &'e Migration,
    ) -> BoxFuture<'e, Result<Duration, MigrateError>> {
        async move {
            let record = AssertSqlSafe(format!(
                "INSERT INTO {table} (version, description, success, checksum, execution_time)
                VALUES ($1, $2, TRUE, $3, $4)"
            ));
            self.run_migration(migration, async |conn, elapsed| {
                query(record)
                    .bind(migration.version)
                    .bind(&*migration.description)
                    .bind(&*migration.checksum)
                    .bind(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
                    .execute(conn)
                    .await
                    .map(drop)
            })
            .await
        }
        .boxed()
    }

    fn revert<'e>(
        &'e mut self,
        table: &'e str,
        migration: &'e Migration,
    ) -> BoxFuture<'e, Result<Duration, MigrateError>> {
        async move {
            let record = AssertSqlSafe(format!("DELETE FROM {table} WHERE version = $1"));
            self.run_migration(migration, async |conn, _| {
                query(record).bind(migration.version).execute(conn).await.map(drop)
            })
            .await
        }
        .boxed()
    }

    fn skip<'e>(&'e mut self, table: &'e str, migration: &'e Migration) -> BoxFuture<'e, Result<(), MigrateError>> {
        async move {
            let sql = format!(
                "INSERT INTO {table} (version, description, success, checksum, execution_time)
                VALUES ($1, $2, TRUE, $3, -1)"
            );
            query(AssertSqlSafe(sql))
                .bind(migration.version)
                .bind(&*migration.description)
                .bind(&*migration.checksum)
                .execute(self)
                .await?;
            Ok(())
        }
        .boxed()
    }
}

impl DataApiConnection {
    /// Runs a migration and `record`s it, in one transaction unless the migration opts out.
    ///
    /// sqlx's `Migrator` unlocks only after success, so a failure releases the lock here.
    async fn run_migration(
        &mut self,
        migration: &Migration,
        record: impl AsyncFnOnce(&mut DataApiConnection, Duration) -> Result<(), Error>,
    ) -> Result<Duration, MigrateError> {
        let start = Instant::now();
        self.migrating = true;
        let ran = if migration.no_tx {
            run_and_record(self, migration, start, record).await
        } else {
            self.transaction(async |mut transaction| run_and_record(&mut transaction, migration, start, record).await)
                .await
        };
        self.migrating = false;
        if ran.is_err()
            && let Err(error) = self.release_lease().await
        {
            tracing::warn!(target: "sqlx::data_api", %error, "the migration lock could not be released: it will expire");
        }
        ran.map(|()| start.elapsed())
    }
}

async fn run_and_record(
    conn: &mut DataApiConnection,
    migration: &Migration,
    start: Instant,
    record: impl AsyncFnOnce(&mut DataApiConnection, Duration) -> Result<(), Error>,
) -> Result<(), MigrateError> {
    conn.renew_lease().await?;
    let failed = |error| MigrateError::ExecuteMigration(error, migration.version);
    run_statements(conn, &migration.sql).await.map_err(failed)?;
    Ok(record(conn, start.elapsed()).await?)
}

/// One request per statement. In a transaction, a statement that exceeds the service's timeout is awaited here.
async fn run_statements(conn: &mut DataApiConnection, script: &SqlStr) -> Result<(), Error> {
    for statement in split(script.as_str()) {
        match conn.run_each(&[statement]).await {
            Err(error) if lease::goes_on(conn, &error) => conn.wait_until_done().await?,
            ran => ran.map(drop)?,
        }
    }
    Ok(())
}
