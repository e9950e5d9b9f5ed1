//! One PostgreSQL for all tests, one database and one endpoint for each.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_rdsdata::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_rdsdata::config::{BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_rdsdata::error::BoxError;
use aws_sdk_rdsdata::{Client, Config};
use local_aurora::data_api::{self, Limits};
use local_aurora::postgres::Postgres;
use local_template::model::Cluster;
use sqlx_data_api::{DataApiConnectOptions, DataApiConnection, DataApiPool};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

pub(crate) const RESOURCE_ARN: &str = "arn:aws:rds:us-east-1:000000000000:cluster:test";
pub(crate) const SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:test";

/// The server of all tests. Stopped by its own watchdog when the test binary ends.
pub(crate) async fn postgres() -> &'static Postgres {
    static POSTGRES: OnceCell<Postgres> = OnceCell::const_new();
    POSTGRES.get_or_init(async || Postgres::start(None).await.unwrap()).await
}

/// A database of one test.
pub(crate) struct Database {
    pub(crate) options: DataApiConnectOptions,
    pub(crate) address: SocketAddr,
    sent: Sent,
}

impl Database {
    pub(crate) async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        static DATABASES: AtomicUsize = AtomicUsize::new(0);
        let postgres = postgres().await;
        let cluster = Cluster {
            logical_id: "Cluster".to_owned(),
            arn: RESOURCE_ARN.to_owned(),
            secret_arn: SECRET_ARN.to_owned(),
            database: format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed)),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        // The endpoint ends with the test's runtime.
        tokio::spawn(data_api::serve_with(
            listener,
            postgres.database(),
            vec![cluster],
            limits,
            CancellationToken::new(),
        ));
        let sent = Sent::default();
        let client = client(address, sent.clone());
        Self { options: DataApiConnectOptions::new(client, RESOURCE_ARN, SECRET_ARN), address, sent }
    }

    pub(crate) async fn connect(&self) -> DataApiConnection {
        sqlx::ConnectOptions::connect(&self.options).await.unwrap()
    }

    pub(crate) async fn pool(&self) -> DataApiPool {
        DataApiPool::connect_with(self.options.clone()).await.unwrap()
    }

    /// Returns the number of requests since the last call.
    pub(crate) fn requests(&self) -> usize {
        self.sent.0.swap(0, Ordering::SeqCst)
    }
}

pub(crate) fn client(address: SocketAddr, sent: Sent) -> Client {
    Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(format!("http://{address}"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .interceptor(sent)
            .build(),
    )
}

/// Counts what goes out, repetitions by the SDK included.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sent(pub(crate) Arc<AtomicUsize>);

impl Intercept for Sent {
    fn name(&self) -> &'static str {
        "Sent"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}
