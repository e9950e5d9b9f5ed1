//! API Gateway's HTTP APIs: routes requests to functions with payload format 2.0.
//!
//! One listener is one API on its `$default` stage. The gateway's own answers (no route, no valid token, a body that is too
//! large, a function that fails) have API Gateway's status, body and headers.

mod authorize;
mod cors;
mod event;
mod integration;
mod lambda_authorizer;
mod reply;
mod route;
mod stamp;
mod stats;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::middleware::from_fn;
use axum::response::Response;
use local_aws::{Admission, body};
use local_lambda::Lambda;
use local_template::model::{HttpApi, HttpAuthorizer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::oidc::Issuer;
use crate::throttle::{Account, Throttle};
use cors::Cors;
use event::Call;
use lambda_authorizer::LambdaAuthorizers;
use reply::Refusal;
use route::Routes;
pub use stamp::{Stamp, new_id};
pub use stats::Stats;

/// The largest request body in bytes (10 MB), an HTTP API quota that cannot be raised.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

struct Gateway {
    api_id: String,
    routes: Routes,
    cors: Option<Cors>,
    lambda: Lambda,
    issuer: Issuer,
    lambda_authorizers: LambdaAuthorizers,
    throttle: Throttle,
    stats: Arc<Stats>,
    port: u16,
}

/// Serves one HTTP API until `shutdown` fires; see [`serve_with`].
pub async fn serve(
    listener: TcpListener,
    api: HttpApi,
    lambda: Lambda,
    issuer: Issuer,
    shutdown: CancellationToken,
) -> io::Result<()> {
    serve_with(listener, api, lambda, issuer, Arc::default(), Arc::default(), shutdown).await
}

/// Serves one HTTP API until `shutdown` fires; requests under way are answered first. Throttled are requests beyond the limits
/// of their route or of the account.
///
/// An identity source that API Gateway has no such form of is [`io::ErrorKind::InvalidInput`].
pub async fn serve_with(
    listener: TcpListener,
    api: HttpApi,
    lambda: Lambda,
    issuer: Issuer,
    account: Arc<Account>,
    stats: Arc<Stats>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    for authorizer in api.routes.iter().filter_map(|route| match &route.authorizer {
        Some(HttpAuthorizer::Jwt { authorizer, .. }) => Some(authorizer),
        _ => None,
    }) {
        authorize::check_identity_source(authorizer)
            .map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
    }
    let port = listener.local_addr()?.port();
    let (routes, cors) = (Routes::new(api.routes), api.cors.map(Cors::new));
    let lambda_authorizers = LambdaAuthorizers::default();
    let throttle = Throttle::new(account, &api.route_limits);
    let gateway =
        Gateway { api_id: api.api_id, routes, cors, lambda, issuer, lambda_authorizers, throttle, stats, port };
    let service = Router::new().fallback(answer).with_state(Arc::new(gateway));
    let service = service.layer(from_fn(|request, next| Admission::public().layer(request, next)));
    axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let stamp = Stamp::now();
    let (head, body) = request.into_parts();
    let mut response = match gateway.handle(&stamp, client, &head, body).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    if let Some(cors) = &gateway.cors {
        cors.headers(&head).apply(&mut response);
    }
    if let Ok(id) = HeaderValue::from_str(&stamp.id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

impl Gateway {
    async fn handle(&self, stamp: &Stamp, client: SocketAddr, head: &Parts, body: Body) -> Result<Response, Refusal> {
        // The body is read before any answer: a client that is still sending would not see it.
        let body = body::read(body, MAX_BODY_BYTES).await?;
        self.stats.request(body.len());
        let path = event::decode_path(head.uri.path());
        let Some(matched) = self.routes.find(&head.method, &path) else {
            // A route that takes `OPTIONS` gets preflights, too: `ANY`, `$default` or its own.
            let preflight = self.cors.is_some() && cors::is_preflight(head);
            return if preflight { Ok(cors::preflight_response()) } else { Err(Refusal::NotFound) };
        };
        if !self.throttle.admits(matched.route_key) {
            return Err(Refusal::TooManyRequests);
        }
        let mut call = Call {
            api_id: &self.api_id,
            port: self.port,
            stamp,
            client,
            head,
            path: &path,
            body: &body,
            route_key: matched.route_key,
            path_parameters: matched.path_parameters,
            authorizer: None,
        };
        call.authorizer = match &matched.route.authorizer {
            None => None,
            Some(HttpAuthorizer::Jwt { authorizer, scopes }) => {
                Some(authorize::authorize(&self.issuer, authorizer, scopes, head)?)
            }
            Some(HttpAuthorizer::Lambda(authorizer)) => {
                Some(self.lambda_authorizers.authorize(&self.lambda, authorizer, &call).await?)
            }
        };
        let payload = integration::invoke(&self.lambda, &matched.route.function, call.event()).await?;
        reply::from_function(&payload).map_err(|reason| {
            tracing::warn!(function = matched.route.function, %reason, "malformed response of a function");
            Refusal::InternalServerError
        })
    }
}
