//! Applies the SQL migrations on deploy, and keeps the functions' database role.
//!
//! A CloudFormation custom resource: the stack is not up before the schema is. The migrations are part of the binary, so
//! that code and schema deploy together. An operator may invoke it as well, with any other event: after a restore, or after the
//! password of the functions has changed.

mod respond;
mod roles;
mod serve;

use std::time::Duration;

use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest as Event;
use domain::error::causes;
use serde_json::Value;
use sqlx::migrate::Migrator;
use sqlx_data_api::DataApiPool;
use store::StoreError;
use store::sql::discovery::fold_missing;

pub use respond::{RespondError, Responder};
pub use roles::FunctionsRole;
use roles::RoleError;
pub use serve::serve;

/// All migrations: plain SQL, forward only. A migration of the database that this binary does not have is no error: a deploy
/// that is rolled back leaves its migrations in the database.
fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("../../infra/migrations");
    migrations.set_ignore_missing(true);
    migrations
}

/// Time for data that SQL alone cannot migrate. What is left over is found as before.
const FOLD_TIMEOUT: Duration = Duration::from_mins(1);

/// Applies the missing migrations, lets functions use the tables, and folds the titles that were stored before.
async fn migrate(pool: &DataApiPool, role: &FunctionsRole) -> Result<(), MigrateError> {
    migrations().run(pool).await?;
    role.apply(pool).await?;
    let folded = fold_missing(pool, FOLD_TIMEOUT).await?;
    tracing::info!(folded, "search terms were added to conversations");
    Ok(())
}

/// Reasons for which the schema is not ready.
#[derive(Debug, thiserror::Error)]
enum MigrateError {
    #[error(transparent)]
    Sql(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Role(#[from] RoleError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reasons for which an invocation fails.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// CloudFormation waits for its answer in vain.
    #[error(transparent)]
    Respond(#[from] RespondError),
    /// The event says that it is CloudFormation's, and is not.
    #[error("the event of CloudFormation cannot be read")]
    Event(#[from] serde_json::Error),
    /// An operator's invocation failed; CloudFormation gets failures in its answer.
    #[error("the migrations failed: {0}")]
    Migrations(String),
}

/// Applies the missing migrations, and reports the outcome to CloudFormation, or to the operator who invoked the function.
///
/// Deleting a stack deletes its database, so there is nothing to undo.
pub async fn handle(
    pool: &DataApiPool,
    role: &FunctionsRole,
    responder: &Responder,
    event: Value,
) -> Result<(), HandleError> {
    let event: Option<Event> =
        if event.get("RequestType").is_some() { Some(serde_json::from_value(event)?) } else { None };
    let result = match &event {
        None | Some(Event::Create(_) | Event::Update(_)) => migrate(pool, role).await,
        Some(Event::Delete(_)) => Ok(()),
        Some(_) => return Err(RespondError::UnknownRequest.into()),
    };
    if let Err(error) = &result {
        tracing::error!(error = causes(error), "the migrations failed");
    }
    let failure = result.err().map(|error| error.to_string());
    match (event, failure) {
        (Some(event), failure) => Ok(responder.respond(&event, failure).await?),
        (None, Some(failure)) => Err(HandleError::Migrations(failure)),
        (None, None) => Ok(()),
    }
}
