//! API Gateway's WebSocket APIs: routes messages to functions, and lets functions post to connections.
//!
//! One listener is one API. `GET /{stage}` with an upgrade opens a connection; `/{stage}/@connections/{id}` is the API
//! Gateway Management API. Of each connection lives one task, a bounded queue of what goes to the client, and a
//! few hundred bytes of what every event says of it.

mod authorizer;
mod connect;
mod connections;
mod end;
mod event;
mod gateway;
mod integration;
mod limits;
mod management;
mod reply;
mod routing;
mod session;
mod stats;

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use local_aws::call::Owner;
use local_aws::{Admission, Service};
use local_gate::Gate;
use local_lambda::Lambda;
use local_template::model::WebSocketApi;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::throttle::Throttle;
use connections::Connections;
use gateway::Gateway;
pub use limits::Limits;
use routing::Selector;
pub use stats::Stats;

/// Number of concurrent `$disconnect` routes. AWS documents only that the event is delivered on a best-effort basis.
const MAX_CONCURRENT_DISCONNECTS: usize = 64;

/// Serves one WebSocket API with AWS's limits until `shutdown` fires; see [`serve_with`].
pub async fn serve(
    listener: TcpListener,
    api: WebSocketApi,
    lambda: Lambda,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let gate = Gate::new(lambda.clone(), None);
    serve_with(listener, api, lambda, gate, Limits::default(), Arc::default(), shutdown).await
}

/// Serves one WebSocket API until `shutdown` fires; calls to `@connections` go through `gate`. Then every connection is closed
/// with 1001, and this returns when all `$disconnect` routes and invocations under way have ended.
///
/// A route selection expression or identity source that API Gateway has no such form of is
/// [`io::ErrorKind::InvalidInput`].
pub async fn serve_with(
    listener: TcpListener,
    api: WebSocketApi,
    lambda: Lambda,
    gate: Gate,
    limits: Limits,
    stats: Arc<Stats>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let invalid = |message| io::Error::new(io::ErrorKind::InvalidInput, message);
    let selector = Selector::parse(&api.route_selection_expression).map_err(invalid)?;
    if let Some(authorizer) = &api.authorizer {
        authorizer::check_identity_sources(&authorizer.identity_sources).map_err(invalid)?;
    }
    let port = listener.local_addr()?.port();
    let tasks = TaskTracker::new();
    let throttle = Throttle::new(limits.account.clone(), &api.route_limits);
    let gateway = Gateway {
        api,
        selector,
        lambda,
        gate,
        limits,
        throttle,
        stats,
        connections: Connections::default(),
        disconnects: Semaphore::new(MAX_CONCURRENT_DISCONNECTS),
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
        port,
    };

    let service = Router::new().fallback(answer).with_state(Arc::new(gateway));
    let service = service.layer(from_fn(|request, next| Admission::public().layer(request, next)));
    // Small frames must not wait for the acknowledgement of earlier ones.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await?;
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
    let Some(below_stage) = path.strip_prefix('/').and_then(|path| path.strip_prefix(gateway.api.stage.as_str()))
    else {
        return connect::wrong_stage();
    };
    if let Some(connection) = below_stage.strip_prefix("/@connections/") {
        let admission = Admission::signed(Service::Apigatewaymanagementapi.signing_names());
        if let Err(refusal) = admission.check(request.method(), request.uri(), request.headers()) {
            return refusal.into_response();
        }
        let answer = |request, _| ready(management::answer(&gateway, connection, request));
        let owner = Some(Owner::Api(format!("{}/{}", gateway.api.logical_id, gateway.api.stage)));
        return gateway.gate.pass(Service::Apigatewaymanagementapi, owner, request, answer).await;
    }
    if !below_stage.is_empty() {
        return connect::wrong_stage();
    }
    connect::answer(gateway, client, request).await
}
