//! The Data API endpoint through AWS's own client, on a real PostgreSQL.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_rdsdata::Client;
use aws_sdk_rdsdata::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder;
use aws_sdk_rdsdata::types::Field;
use local_cloud::aurora::data_api::{self, Limits};
use local_cloud::aurora::postgres::Postgres;
use local_cloud::template::model::Cluster;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

/// One server for all tests; each has its own database. Its watchdog shuts it down when the test binary ends, however
/// that comes about.
static POSTGRES: OnceCell<Postgres> = OnceCell::const_new();

struct DataApi {
    client: Client,
    cluster: Cluster,
    _shutdown: DropGuard,
}

impl DataApi {
    async fn start() -> Self {
        Self::with_limits(Limits::default()).await
    }

    async fn with_limits(limits: Limits) -> Self {
        static DATABASES: AtomicUsize = AtomicUsize::new(0);
        let postgres = POSTGRES.get_or_init(async || Postgres::start(None).await.unwrap()).await;
        let database = format!("test {}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let cluster = Cluster {
            logical_id: "Cluster".into(),
            arn: "arn:aws:rds:us-east-1:000000000000:cluster:local".into(),
            secret_arn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:local".into(),
            database,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(data_api::serve_with(
            listener,
            postgres.database(),
            vec![cluster.clone()],
            limits,
            shutdown.clone(),
        ));
        Self { client: client(address), cluster, _shutdown: shutdown.drop_guard() }
    }

    fn execute(&self, sql: &str) -> ExecuteStatementFluentBuilder {
        self.client.execute_statement().resource_arn(&self.cluster.arn).secret_arn(&self.cluster.secret_arn).sql(sql)
    }

    async fn run(&self, sql: &str) -> ExecuteStatementOutput {
        self.execute(sql).send().await.unwrap()
    }
}

fn client(address: SocketAddr) -> Client {
    Client::from_conf(
        aws_sdk_rdsdata::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .endpoint_url(format!("http://{address}"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build(),
    )
}

#[tokio::test]
async fn select() {
    let api = DataApi::start().await;
    let output = api.run("SELECT 1").await;
    assert_eq!(output.records(), [[Field::LongValue(1)]]);
}
