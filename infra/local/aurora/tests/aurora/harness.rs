//! A PostgreSQL for the whole test binary, and an endpoint with a database of its own for each test.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_rdsdata::Client;
use aws_sdk_rdsdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder;
use aws_sdk_rdsdata::types::{Field, SqlParameter, TypeHint};
use local_aurora::data_api;
use local_aurora::data_api::Limits;
use local_aurora::postgres::Postgres;
use local_template::model::Cluster;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

/// One server for all tests; each has its own database. Its watchdog shuts it down when the test binary ends, however
/// that comes about.
static POSTGRES: OnceCell<Postgres> = OnceCell::const_new();

pub(crate) struct DataApi {
    pub(crate) client: Client,
    pub(crate) cluster: Cluster,
    pub(crate) address: SocketAddr,
    pub(crate) serving: JoinHandle<io::Result<()>>,
    pub(crate) shutdown: DropGuard,
}

impl DataApi {
    pub(crate) async fn start() -> Self {
        Self::with_limits(Limits::default()).await
    }

    /// With one connection, so that each call gets the one that the call before had.
    pub(crate) async fn with_one_connection() -> Self {
        Self::with_limits(Limits { connections: 1, ..Limits::default() }).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::with_clusters(limits, vec![cluster("local")]).await
    }

    /// Calls go to the first of `clusters` unless they say otherwise.
    pub(crate) async fn with_clusters(limits: Limits, clusters: Vec<Cluster>) -> Self {
        let postgres = POSTGRES.get_or_init(async || Postgres::start(None).await.unwrap()).await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(data_api::serve_with(
            listener,
            postgres.database(),
            clusters.clone(),
            limits,
            shutdown.clone(),
        ));
        Self {
            client: client(address),
            cluster: clusters.into_iter().next().unwrap(),
            address,
            serving,
            shutdown: shutdown.drop_guard(),
        }
    }

    pub(crate) fn execute(&self, sql: &str) -> ExecuteStatementFluentBuilder {
        self.client.execute_statement().resource_arn(&self.cluster.arn).secret_arn(&self.cluster.secret_arn).sql(sql)
    }

    pub(crate) async fn run(&self, sql: &str) -> ExecuteStatementOutput {
        self.execute(sql).send().await.unwrap()
    }

    pub(crate) async fn begin(&self) -> String {
        let begun = self
            .client
            .begin_transaction()
            .resource_arn(&self.cluster.arn)
            .secret_arn(&self.cluster.secret_arn)
            .send()
            .await
            .unwrap();
        begun.transaction_id.unwrap()
    }

    pub(crate) async fn commit(&self, id: &str) -> Result<String, Refusal> {
        let committing = self
            .client
            .commit_transaction()
            .resource_arn(&self.cluster.arn)
            .secret_arn(&self.cluster.secret_arn)
            .transaction_id(id)
            .send();
        committing.await.map(|output| output.transaction_status.unwrap()).map_err(refusal)
    }

    pub(crate) async fn rollback(&self, id: &str) -> Result<String, Refusal> {
        let rolling_back = self
            .client
            .rollback_transaction()
            .resource_arn(&self.cluster.arn)
            .secret_arn(&self.cluster.secret_arn)
            .transaction_id(id)
            .send();
        rolling_back.await.map(|output| output.transaction_status.unwrap()).map_err(refusal)
    }

    /// Returns the number of a table's rows, as seen from outside of any transaction.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let output = self.run(&format!("SELECT count(*) FROM {table}")).await;
        *output.records()[0][0].as_long_value().unwrap()
    }
}

/// An error as the wire has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

#[track_caller]
pub(crate) fn refusal<E: ProvideErrorMetadata + std::fmt::Debug>(error: SdkError<E>) -> Refusal {
    let SdkError::ServiceError(error) = error else {
        panic!("not an answer of the service: {error:?}");
    };
    Refusal {
        status: error.raw().status().as_u16(),
        code: error.err().code().unwrap().to_owned(),
        message: error.err().message().unwrap_or_default().to_owned(),
    }
}

pub(crate) async fn refused(call: ExecuteStatementFluentBuilder) -> Refusal {
    refusal(call.send().await.unwrap_err())
}

pub(crate) fn parameter(name: &str, value: Field) -> SqlParameter {
    SqlParameter::builder().name(name).value(value).build()
}

pub(crate) fn hinted(name: &str, value: &str, hint: TypeHint) -> SqlParameter {
    SqlParameter::builder().name(name).value(text(value)).type_hint(hint).build()
}

pub(crate) fn text(value: &str) -> Field {
    Field::StringValue(value.into())
}

/// A cluster with a database that no other test has.
pub(crate) fn cluster(name: &str) -> Cluster {
    static DATABASES: AtomicUsize = AtomicUsize::new(0);
    Cluster {
        logical_id: name.into(),
        arn: format!("arn:aws:rds:us-east-1:000000000000:cluster:{name}"),
        secret_arn: format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}"),
        database: format!("test {}", DATABASES.fetch_add(1, Ordering::Relaxed)),
    }
}

fn client(address: SocketAddr) -> Client {
    Client::new(&local_testing::sdk_without_retries(format!("http://{address}"), "local"))
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "this never became true");
        sleep(Duration::from_millis(10)).await;
    }
}
