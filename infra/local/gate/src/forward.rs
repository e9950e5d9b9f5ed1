//! The gate as a server of its own, in front of a service that has an HTTP server already.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderName;
use axum::http::uri::{Authority, Scheme, Uri};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::serve::ListenerExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local_aws::call::Owner;
use local_aws::{Admission, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Gate;

/// Time that a request in progress may delay the shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Headers of one connection, not of the request or response on it.
const HOP_BY_HOP: [&str; 4] = ["connection", "keep-alive", "transfer-encoding", "upgrade"];

#[derive(Clone)]
struct Forward {
    gate: Gate,
    service: Service,
    owner: Option<Owner>,
    upstream: SocketAddr,
    client: Client<HttpConnector, Full<bytes::Bytes>>,
}

/// Lets the requests to `listener` through the gate to the service at `upstream`, until `shutdown` fires.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    upstream: SocketAddr,
    gate: Gate,
    shutdown: CancellationToken,
) -> io::Result<()> {
    forward(listener, service, None, upstream, gate, shutdown).await
}

/// The same for OpenSearch, whose indices belong to a collection or a domain.
pub async fn serve_opensearch(
    listener: TcpListener,
    owner: Owner,
    upstream: SocketAddr,
    gate: Gate,
    shutdown: CancellationToken,
) -> io::Result<()> {
    forward(listener, Service::Opensearch, Some(owner), upstream, gate, shutdown).await
}

async fn forward(
    listener: TcpListener,
    service: Service,
    owner: Option<Owner>,
    upstream: SocketAddr,
    gate: Gate,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let signed = Admission::signed(service.signing_names());
    let admission = match service {
        Service::RdsData | Service::Scheduler => signed.with_content_type("application/json"),
        Service::Dynamodb | Service::Sqs => signed.with_content_type("application/x-amz-json-1."),
        // The engine looks at the type of a body, where there is one.
        Service::Apigatewaymanagementapi | Service::Opensearch => signed,
    };
    let router = Router::new().fallback(answer).with_state(Forward { gate, service, owner, upstream, client });
    let router = router.layer(from_fn(move |request, next| admission.layer(request, next)));
    // Small requests must not wait for the acknowledgement of earlier ones.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
    };
    tokio::select! {
        result = server.into_future() => result,
        // Half a request is not worth waiting for.
        () = overdue => Ok(()),
    }
}

/// Answers one request. It is carried out whole even if its client goes away, as it would be by a service that has read it.
async fn answer(State(forward): State<Forward>, request: Request) -> Response {
    let Forward { service, .. } = forward;
    tokio::spawn(carried_out(forward, request)).await.unwrap_or_else(|error| {
        tracing::error!(%service, %error, "a request was not carried out");
        super::cut()
    })
}

async fn carried_out(forward: Forward, request: Request) -> Response {
    let Forward { gate, service, owner, upstream, client } = forward;
    gate.pass(service, owner, request, |request, view| async move {
        let request = redirect(request, view.address().unwrap_or(upstream));
        match client.request(request).await {
            Ok(mut response) => {
                strip(response.headers_mut());
                response.map(Body::new)
            }
            Err(error) => {
                tracing::debug!(%service, %error, "the service closed the connection");
                super::cut()
            }
        }
    })
    .await
}

fn redirect(request: super::Request, upstream: SocketAddr) -> http::Request<Full<bytes::Bytes>> {
    let mut request = request.map(Full::new);
    let mut uri = request.uri().clone().into_parts();
    uri.scheme = Some(Scheme::HTTP);
    // An address is an authority.
    uri.authority = Authority::try_from(upstream.to_string()).ok();
    if let Ok(uri) = Uri::from_parts(uri) {
        *request.uri_mut() = uri;
    }
    strip(request.headers_mut());
    // The gate may have made the body longer.
    request.headers_mut().remove(http::header::CONTENT_LENGTH);
    request
}

fn strip(headers: &mut http::HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(HeaderName::from_static(name));
    }
}
