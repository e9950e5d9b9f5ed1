//! The RDS Data API, as Aurora Serverless v2 with PostgreSQL speaks it.
//!
//! `POST /Execute`, `/BatchExecute`, `/BeginTransaction`, `/CommitTransaction` and `/RollbackTransaction`, REST-JSON.
//! Signatures are not checked. Rules and limits are those of the *Amazon Aurora User Guide*, chapters "Using the Data
//! API" and "Comparing Data API behaviors"; what the guide leaves open follows reports of live clusters, and where those
//! are missing, too, the stricter reading: what works here works there.
//!
//! So `:1` and `:name` inside of dollar quotes are parameters, `COMMIT` and the like are refused in a transaction, as is `COPY` from
//! and to the client, and a statement ends with its time limit, whether its client is still there or not.
//!
//! Left out: `ExecuteSql` (Serverless v2 has none) and the 10 MB limit of `formattedRecords` (the response's own limit
//! comes first). The sets of a batch without a transaction are committed one by one.

mod calendar;
mod commands;
mod endpoint;
mod errors;
mod field;
mod formatted;
mod hints;
mod job;
mod limits;
mod metadata;
mod numeric;
mod parameters;
mod pool;
mod records;
mod request;
mod response;
mod session;
mod transactions;
mod types;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use local_aws::Admission;
use local_template::model::Cluster;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;

use self::endpoint::Endpoint;
use self::errors::DataApiError;
use self::pool::Pool;
use self::session::Session;
use self::transactions::Transactions;
use super::Database;

pub use self::limits::Limits;

/// Serves the Data API for `clusters` until `shutdown`, with AWS's limits.
///
/// All clusters share the one server, so their databases need different names; missing ones are created first. On
/// shutdown, statements under way are cancelled and open transactions rolled back.
pub async fn serve(
    listener: TcpListener,
    database: Database,
    clusters: Vec<Cluster>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    serve_with(listener, database, clusters, Limits::default(), shutdown).await
}

/// [`serve`] with other limits.
pub async fn serve_with(
    listener: TcpListener,
    database: Database,
    clusters: Vec<Cluster>,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    create_databases(&database, &clusters).await?;
    let endpoint = Arc::new(Endpoint {
        clusters,
        pool: Pool::new(database.config().clone(), limits.connections, limits.statement),
        transactions: Transactions::default(),
        database,
        limits,
        shutdown: shutdown.clone(),
    });
    let router = Router::new().fallback(call).with_state(Arc::clone(&endpoint));
    let admission = Admission::signed(&["rds-data"]).with_content_type("application/json");
    let router = router.layer(from_fn(move |request, next| admission.layer(request, next)));
    let server = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
    let (result, ()) = tokio::join!(server.into_future(), endpoint.expire_transactions());
    result
}

async fn create_databases(database: &Database, clusters: &[Cluster]) -> io::Result<()> {
    let names: BTreeSet<&str> = clusters.iter().map(|cluster| cluster.database.as_str()).collect();
    if names.len() != clusters.len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "two clusters have the same DatabaseName: they would share their tables",
        ));
    }
    if names.is_empty() {
        return Ok(());
    }
    let maintenance = database.config().get_dbname().unwrap_or("postgres");
    let refused = |error| io::Error::other(database.refused(error));
    let session = Session::connect(database.config(), maintenance, None).await.map_err(refused)?;
    for name in names {
        let quoted = name.replace('"', "\"\"");
        match session.command(&format!("CREATE DATABASE \"{quoted}\"")).await {
            Ok(()) => tracing::info!(database = name, "created"),
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(())
}

async fn call(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    match dispatch(endpoint, request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn dispatch(endpoint: Arc<Endpoint>, request: Request) -> Result<Bytes, DataApiError> {
    let (head, body) = request.into_parts();
    let operation = head.uri.path();
    if head.method != Method::POST {
        return Err(DataApiError::UnknownOperation(format!("{} {operation}", head.method)));
    }
    let limit = endpoint.limits.request_bytes;
    // A client that hangs up half-way is an error here, too, but then the answer is not read.
    let body = to_bytes(body, limit).await.map_err(|_| DataApiError::RequestTooLarge(limit))?;
    match operation {
        "/Execute" => endpoint.execute(parse(&body)?).await,
        "/BatchExecute" => endpoint.batch_execute(parse(&body)?).await,
        "/BeginTransaction" => endpoint.begin(parse(&body)?).await,
        "/CommitTransaction" => endpoint.commit(parse(&body)?).await,
        "/RollbackTransaction" => endpoint.rollback(parse(&body)?).await,
        "/ExecuteSql" => Err(DataApiError::BadRequest("The ExecuteSQL operation isn't supported.".to_owned())),
        _ => Err(DataApiError::UnknownOperation(operation.to_owned())),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, DataApiError> {
    serde_json::from_slice(body).map_err(|error| DataApiError::Serialization(error.to_string()))
}
