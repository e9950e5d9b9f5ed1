//! The engines that hold a cloud's data: tables, queues, buckets, indices and databases.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use local_aurora::postgres::Postgres;
use local_aurora::{Database, Login};
use local_aws::{ACCOUNT, REGION};
use local_dynamodb::Tables;
use local_lambda::asynchronous::Report;
use local_opensearch::OpenSearch;
use local_s3::Buckets;
use local_scheduler::Scheduler;
use local_secrets::Secrets;
use local_sqs::Sqs;
use local_template::model::Stack;

use crate::StartError;
use crate::data_dir::DataDir;

/// The engines behind the services. They work before anything listens.
pub(crate) struct Engines {
    pub(crate) sqs: Sqs,
    pub(crate) tables: Tables,
    pub(crate) buckets: Buckets,
    pub(crate) scheduler: Scheduler,
    pub(crate) secrets: Secrets,
    /// `None` without a collection, and once it serves.
    pub(crate) opensearch: Option<OpenSearch>,
    pub(crate) database: Option<Database>,
    /// `None` where there is no cluster, or where another server is used.
    postgres: Option<Postgres>,
}

impl Engines {
    /// Starts what the stack needs; `sqs` is the address that queue URLs begin with.
    pub(crate) async fn start(
        stack: &Stack,
        sqs: SocketAddr,
        data_dir: Option<&DataDir>,
        database: Option<Database>,
    ) -> Result<Self, StartError> {
        let tables_dir = data_dir.map(DataDir::dynamodb);
        let tables = Tables::open(tables_dir.as_deref(), &stack.tables)?;
        let buckets_dir = data_dir.map(DataDir::s3);
        let buckets = Buckets::open(buckets_dir.as_deref(), &stack.buckets)?;
        let secrets_file = data_dir.map(DataDir::secrets);
        let secrets = Secrets::open(secrets_file.as_deref(), &stack.secrets).map_err(StartError::Secrets)?;
        let sqs = Sqs::start(REGION, ACCOUNT, sqs, &stack.queues, data_dir.map(DataDir::sqs)).await?;
        let file = data_dir.map(DataDir::schedules);
        let scheduler = Scheduler::open(REGION, ACCOUNT, &stack.schedule_groups, sqs.clone(), file)?;
        let opensearch_dir = data_dir.map(DataDir::opensearch);
        let opensearch = match stack.collections.as_slice() {
            [] => None,
            _ => Some(OpenSearch::open(opensearch_dir.as_deref())?.as_collection()),
        };
        let (postgres, database) = match database {
            _ if stack.clusters.is_empty() => (None, None),
            Some(database) => (None, Some(database)),
            None => {
                tracing::info!("starting PostgreSQL");
                let folder = data_dir.map(DataDir::postgres);
                let postgres = Postgres::start(folder.as_deref()).await?;
                let database = postgres.database();
                (Some(postgres), Some(database))
            }
        };
        let logins = secrets.clone();
        let find = move |arn: &str| Login::of_secret(&logins.value(arn)?);
        let database = database.map(|database| database.with_logins(Arc::new(find)));
        Ok(Self { sqs, tables, buckets, scheduler, secrets, opensearch, database, postgres })
    }

    /// How functions' failures reach queues, by logical id.
    pub(crate) fn report(&self, stack: &Stack) -> Report {
        let queues = stack.queues.iter().map(|queue| (queue.logical_id.clone(), queue.url.clone()));
        let (queues, sqs): (BTreeMap<_, _>, _) = (queues.collect(), self.sqs.clone());
        Arc::new(move |queue, text| {
            let (url, sqs) = (queues.get(&queue).cloned().unwrap_or_default(), sqs.clone());
            Box::pin(async move {
                if let Err(error) = sqs.send_text(&url, text).await {
                    tracing::error!(queue, %error, "a failure cannot be reported");
                }
            })
        })
    }

    /// Shuts PostgreSQL down; everything else is on the disk. Problems are logged: nothing is left that could act on them.
    pub(crate) async fn stop(self) {
        if let Some(postgres) = self.postgres
            && let Err(error) = postgres.stop().await
        {
            tracing::error!(%error, "PostgreSQL did not stop cleanly");
        }
    }
}
