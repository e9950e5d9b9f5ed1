//! The database role of the functions: it reads and writes rows, and cannot change the schema.
//!
//! Migrations run as the owner. Its limits of time are settings of the role, so that they hold for every statement of a function,
//! the first of a transaction included, and for no migration.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use serde::Deserialize;
use sqlx_data_api::{DataApiPool, DataApiPoolExt, query};

/// Reasons for which the role is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoleError {
    /// Secrets Manager did not give the secret.
    #[error("the secret of the functions cannot be read: {0}")]
    Secret(String),
    /// The secret is no JSON object with `username` and `password`.
    #[error("the secret of the functions has no user name and password")]
    Malformed,
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// The value of the functions' secret.
#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

/// The secret of the functions' role.
#[derive(Clone, Debug)]
pub struct FunctionsRole {
    client: Client,
    secret: String,
}

impl FunctionsRole {
    /// The role whose name and password are in the secret with this ARN.
    pub fn new(client: Client, secret: String) -> Self {
        Self { client, secret }
    }

    /// Creates the role or gives it the password of the secret, and grants what functions need on the tables of today and
    /// tomorrow. Safe to repeat.
    pub(crate) async fn apply(&self, pool: &DataApiPool) -> Result<(), RoleError> {
        let login = self.login().await?;
        pool.transaction(async |mut tx| {
            // As parameters, so that no statement, and with it no log, contains the password.
            query("SELECT set_config('functions.name', $1, true), set_config('functions.password', $2, true)")
                .bind(&login.username)
                .bind(&login.password)
                .execute(&mut *tx)
                .await?;
            query(APPLY).execute(&mut *tx).await?;
            Ok::<_, RoleError>(())
        })
        .await
    }

    async fn login(&self) -> Result<Login, RoleError> {
        let found = self.client.get_secret_value().secret_id(&self.secret).send().await;
        let found = found.map_err(|error| RoleError::Secret(DisplayErrorContext(error).to_string()))?;
        found.secret_string().and_then(|text| serde_json::from_str(text).ok()).ok_or(RoleError::Malformed)
    }
}

/// Creates the role or changes its password, sets its limits, and grants its rights. PostgreSQL knows no `CREATE ROLE IF NOT EXISTS`,
/// and none of these statements takes parameters.
///
/// A function can die or be frozen inside a transaction, and the service keeps the transaction, with its locks, for three idle
/// minutes. With the limits its locks are free within seconds, and a request is answered within ten.
///
/// Users, conversations, membership periods and what is known of deleted files are never deleted. PostgreSQL before 15 lets
/// everybody create tables, and all versions temporary ones.
const APPLY: &str = "DO $$ DECLARE functions text := current_setting('functions.name'); BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = functions) THEN
        EXECUTE format('CREATE ROLE %I', functions);
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', functions, current_setting('functions.password'));
    EXECUTE format('ALTER ROLE %I SET lock_timeout = %L', functions, '5s');
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', functions, '5s');
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', functions, '5s');
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', functions);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', functions);
    EXECUTE format('REVOKE DELETE ON users, conversations, conversation_members, deleted_files FROM %I', functions);
    EXECUTE format('REVOKE ALL ON _sqlx_migrations, _sqlx_migrations_lock FROM %I', functions);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I',
        functions);
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$";
