//! Lets a client in: authorizer, `$connect`, upgrade.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::authorizer::{self, Refused};
use super::event::{Events, Origin, text};
use super::gateway::Gateway;
use super::integration::{self, Failure, ProxyResponse};
use super::reply::GatewayError;
use super::session;
use crate::http_api::{Stamp, new_id};
use crate::throttle::TOO_MANY_REQUESTS;

/// A handshake that fails.
struct Refusal {
    status: StatusCode,
    message: &'static str,
}

impl Refusal {
    const fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, message }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unauthorized => Self::new(StatusCode::UNAUTHORIZED, "Unauthorized"),
            Refused::ExplicitDeny => {
                Self::new(StatusCode::FORBIDDEN, "User is not authorized to access this resource with an explicit deny")
            }
            Refused::ImplicitDeny => Self::new(StatusCode::FORBIDDEN, "User is not authorized to access this resource"),
            Refused::Failed => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = match failure {
            Failure::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Failure::Failed => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, failure.message())
    }
}

/// Returns the answer to a path that is neither the stage nor below its `@connections`.
pub(super) fn wrong_stage() -> Response {
    refuse(&Refusal::new(StatusCode::FORBIDDEN, "Forbidden"), &new_id(), &Stamp::now())
}

/// Answers a handshake. The work is a task of its own: a client that gives up does not stop a `$connect` that has begun,
/// so the `$disconnect` that follows finds what it did.
pub(super) async fn answer(gateway: Arc<Gateway>, client: SocketAddr, mut request: Request) -> Response {
    let stamp = Stamp::now();
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let origin = Origin {
        connection_id: new_id(),
        connected_at: stamp.time_epoch,
        source_ip: client.ip().to_string(),
        user_agent: text(&head.headers, USER_AGENT.as_str()),
        domain_name: text(&head.headers, HOST.as_str()).unwrap_or_default(),
        authorizer: None,
    };
    let id = origin.connection_id.clone();
    let handshake = Handshake { gateway: gateway.clone(), client, head, stamp: stamp.clone(), origin };
    let result = gateway.tasks.spawn(handshake.run(upgrade)).await;
    match result {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refuse(&refusal, &id, &stamp),
        Err(error) => {
            tracing::error!(%error, "a handshake ended without an answer");
            refuse(&Refusal::from(Failure::Failed), &id, &stamp)
        }
    }
}

struct Handshake {
    gateway: Arc<Gateway>,
    client: SocketAddr,
    head: Parts,
    stamp: Stamp,
    origin: Origin,
}

impl Handshake {
    async fn run(mut self, upgrade: OnUpgrade) -> Result<Response, Refusal> {
        let mut response = self.switching_protocols()?;
        let throttle = &self.gateway.throttle;
        if !throttle.account().admits_connection() || !throttle.admits("$connect") {
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, TOO_MANY_REQUESTS));
        }
        self.origin.authorizer = self.authorize().await?;
        if let Some(connected) = self.connect().await? {
            if !(200..300).contains(&connected.status_code) {
                let status = StatusCode::from_u16(connected.status_code).unwrap_or(StatusCode::BAD_GATEWAY);
                return Ok(status_only(status));
            }
            if let Some(protocol) = chosen_protocol(&self.head.headers, &connected) {
                response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
            }
        }
        let (connection, queue) = self.gateway.connections.open(self.origin, self.gateway.limits.queue);
        self.gateway.tasks.spawn(session::run(self.gateway.clone(), connection, queue, upgrade));
        Ok(response)
    }

    /// The 101, if this is a WebSocket handshake at all.
    fn switching_protocols(&self) -> Result<Response, Refusal> {
        let mut request = http::Request::new(());
        *request.method_mut() = self.head.method.clone();
        *request.version_mut() = self.head.version;
        *request.headers_mut() = self.head.headers.clone();
        match create_response(&request) {
            Ok(response) => Ok(response.map(|()| Body::empty())),
            Err(error) => {
                tracing::debug!(%error, "not a WebSocket handshake");
                Err(Refusal::new(StatusCode::FORBIDDEN, "Missing Authentication Token"))
            }
        }
    }

    async fn authorize(&self) -> Result<Option<serde_json::Map<String, serde_json::Value>>, Refusal> {
        let Some(authorizer) = &self.gateway.api.authorizer else {
            return Ok(None);
        };
        if !authorizer::has_identity(authorizer, &self.head) {
            return Err(Refused::Unauthorized.into());
        }
        let arn = self.events().method_arn();
        let event = self.events().authorizer(&arn, &self.head, self.client, self.gateway.port);
        let context = authorizer::authorize(&self.gateway.lambda, &authorizer.function, event, &arn).await?;
        Ok(Some(context))
    }

    /// The answer of the `$connect` route, `None` on an API without one.
    async fn connect(&self) -> Result<Option<ProxyResponse>, Refusal> {
        let Some(route) = self.gateway.api.routes.get("$connect") else {
            return Ok(None);
        };
        let event = self.events().connect(&self.head, self.client, self.gateway.port);
        Ok(Some(integration::invoke(&self.gateway.lambda, route, event).await?))
    }

    fn events(&self) -> Events<'_> {
        Events { api: &self.gateway.api, origin: &self.origin, stamp: &self.stamp }
    }
}

/// The subprotocol that the function chose, if the client offered it.
fn chosen_protocol(headers: &HeaderMap, response: &ProxyResponse) -> Option<HeaderValue> {
    let chosen = response.header(SEC_WEBSOCKET_PROTOCOL.as_str())?;
    let offered = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|protocol| protocol.trim() == chosen);
    if !offered {
        tracing::warn!(chosen, "$connect chose a subprotocol that the client did not offer");
        return None;
    }
    HeaderValue::from_str(chosen).ok()
}

fn refuse(refusal: &Refusal, connection_id: &str, stamp: &Stamp) -> Response {
    let body = GatewayError { message: refusal.message, connection_id, request_id: &stamp.id }.to_json();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = refusal.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn status_only(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
