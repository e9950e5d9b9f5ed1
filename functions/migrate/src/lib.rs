//! Applies the SQL migrations on deploy.
//!
//! A CloudFormation custom resource: the stack is not up before the schema is. The migrations are part of the binary, so
//! that code and schema deploy together.

mod respond;

use std::time::Duration;

use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest as Event;
use domain::error::causes;
use sqlx::migrate::Migrator;
use sqlx_data_api::DataApiPool;
use store::StoreError;
use store::sql::discovery::fold_missing;

pub use respond::{RespondError, Responder};

/// All migrations: plain SQL, forward only. A migration of the database that this binary does not have is no error: a deploy
/// that is rolled back leaves its migrations in the database.
fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("../../infra/migrations");
    migrations.set_ignore_missing(true);
    migrations
}

/// Time for data that SQL alone cannot migrate. What is left over is found as before.
const FOLD_TIMEOUT: Duration = Duration::from_mins(1);

/// Applies the missing migrations, and folds the titles that were stored before.
async fn migrate(pool: &DataApiPool) -> Result<(), MigrateError> {
    migrations().run(pool).await?;
    let folded = fold_missing(pool, FOLD_TIMEOUT).await?;
    tracing::info!(folded, "search terms were added to conversations");
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum MigrateError {
    #[error(transparent)]
    Sql(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Applies the missing migrations, and reports the outcome to CloudFormation.
///
/// Deleting a stack deletes its database, so there is nothing to undo.
pub async fn handle(pool: &DataApiPool, responder: &Responder, event: Event) -> Result<(), RespondError> {
    let result = match &event {
        Event::Create(_) | Event::Update(_) => migrate(pool).await,
        Event::Delete(_) => Ok(()),
        _ => return Err(RespondError::UnknownRequest),
    };
    if let Err(error) = &result {
        tracing::error!(error = causes(error), "the migrations failed");
    }
    responder.respond(&event, result.err().map(|error| error.to_string())).await
}
