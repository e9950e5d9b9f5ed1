//! Reasons for which a cloud did not start.

use std::io;
use std::path::PathBuf;

use local_lambda::build::BuildError;
use local_lambda::watch::WatchError;
use local_template::TemplateError;

use crate::custom_resource::CustomResourceError;
use crate::listeners::BindError;
use crate::stage::ServiceError;

/// Reasons for which a cloud did not start. Each text is a sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template is wrong or not supported.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A port cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}: {source}", folder.display())]
    DataDir { folder: PathBuf, source: io::Error },
    /// Another local cloud runs on the same data.
    #[error("another local cloud uses {}: stop it, or use another `--data-dir`, or `--ephemeral`", folder.display())]
    DataDirInUse { folder: PathBuf },
    /// The server of `--database-url` cannot be used.
    #[error(transparent)]
    Database(#[from] local_aurora::DatabaseError),
    /// `--per` names no function.
    #[error("`--per`: the template has no function `{function}`; it has {}", known.join(", "))]
    UnknownFunction { function: String, known: Vec<String> },
    /// Several things are in the way, each with its own sentence.
    #[error("{} things are in the way:{}", .0.len(), lines(.0))]
    Several(Vec<StartError>),
    /// The functions could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The functions' sources cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The environment for functions that run elsewhere cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    Environment { file: PathBuf, source: io::Error },
    /// The permissions that functions need cannot be recorded.
    #[error("cannot append to {}: {source}", file.display())]
    Permissions { file: PathBuf, source: io::Error },
    /// PostgreSQL did not start.
    #[error(transparent)]
    Postgres(#[from] local_aurora::postgres::PostgresError),
    /// A table could not be created.
    #[error("DynamoDB: {0}")]
    Tables(#[from] local_dynamodb::TablesError),
    /// A queue could not be created.
    #[error("SQS: {0}")]
    Queues(#[from] local_sqs::QueuesError),
    /// An index cannot be opened.
    #[error("OpenSearch: {0}")]
    OpenSearch(#[from] local_opensearch::OpenError),
    /// The schedules cannot be read.
    #[error("EventBridge Scheduler: {0}")]
    Schedules(#[from] local_scheduler::SchedulesError),
    /// The values of secrets cannot be kept.
    #[error("Secrets Manager: {0}")]
    Secrets(io::Error),
    /// A bucket could not be created.
    #[error("S3: {0}")]
    Buckets(#[from] local_s3::BucketsError),
    /// The issuer of tokens has no key.
    #[error("the issuer of tokens: {0}")]
    Issuer(#[from] local_gateway::oidc::IssuerError),
    /// A custom resource was not created.
    #[error(transparent)]
    CustomResource(#[from] CustomResourceError),
    /// A service ended right after its start.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The caller asked to stop while the cloud was starting.
    #[error("interrupted")]
    Interrupted,
}

fn lines(errors: &[StartError]) -> String {
    errors.iter().fold(String::new(), |lines, error| lines + "\n  - " + &error.to_string())
}
