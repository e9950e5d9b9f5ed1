//! The request of an HTTP handler.

use std::str::FromStr;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::protocol::read::{Json, Query};
use domain::{ApiError, ErrorCode, Idempotency, Seq, UserId};
use serde::de::DeserializeOwned;

use super::caller::Backend;

/// A request whose token API Gateway has verified.
#[derive(Debug)]
pub struct Request {
    event: ApiGatewayV2httpRequest,
    route: String,
    user_id: UserId,
    /// The program that makes the request for the user; `None` if the user does.
    backend: Option<Backend>,
    invocation_id: String,
}

impl Request {
    /// Creates the request that a user makes.
    pub(super) fn of_user(event: ApiGatewayV2httpRequest, user_id: UserId, request_id: String) -> Self {
        let route = event.route_key.clone().unwrap_or_default();
        Self { event, route, user_id, backend: None, invocation_id: request_id }
    }

    /// Creates the request that a backend makes as this user, as if it were for the route of users.
    pub(super) fn of_backend(
        event: ApiGatewayV2httpRequest,
        backend: Backend,
        route: String,
        user_id: UserId,
        request_id: String,
    ) -> Self {
        Self { event, route, user_id, backend: Some(backend), invocation_id: request_id }
    }

    /// The route as the template has it: `GET /v1/users/{id}`. A backend's `GET /v1/server/users/{id}` is the same.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Returns the program that makes the request with a server token; `None` if a user makes it.
    pub const fn backend(&self) -> Option<&Backend> {
        self.backend.as_ref()
    }

    /// Returns the user as whom the request acts, or the system.
    pub const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// Returns the id of the invocation in the log.
    pub fn request_id(&self) -> &str {
        &self.invocation_id
    }

    /// Returns a path parameter unparsed; empty if the route has none of that name.
    pub fn segment(&self, name: &str) -> &str {
        self.event.path_parameters.get(name).map_or("", String::as_str)
    }

    /// An id in the path.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T, ApiError> {
        let id = self.segment(name).parse();
        id.map_err(|_| ApiError::new(ErrorCode::InvalidUuid, format!("The {name} in the path is not a UUID.")))
    }

    /// Returns the seq of a message in the path. Anything else names no message.
    pub fn seq(&self) -> Result<Seq, ApiError> {
        let seq = self.segment("seq").parse().ok().filter(|seq| *seq != Seq::ZERO);
        seq.ok_or_else(|| ApiError::new(ErrorCode::MessageNotFound, "The message does not exist."))
    }

    /// Reads the query parameters, from the raw query: payload format 2.0 joins repeated parameters by commas elsewhere.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        Query::parse(self.event.raw_query_string.as_deref().unwrap_or_default())?.read()
    }

    /// Returns a header; `None` if it is absent.
    pub fn header(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let value = self.event.headers.get(name);
        value.map(|value| value.to_str().map_err(|_| ApiError::invalid(format!("`{name}` is malformed.")))).transpose()
    }

    /// Returns the `Idempotency-Key` with the digest of the request; `None` if it is absent.
    pub fn idempotency(&self) -> Result<Option<Idempotency>, ApiError> {
        let Some(key) = self.header("idempotency-key")? else { return Ok(None) };
        let path = self.event.raw_path.as_deref().unwrap_or_default();
        Idempotency::new(key, path, &self.text()?).map(Some)
    }

    /// Returns the body as text; empty if there is none.
    pub fn text(&self) -> Result<String, ApiError> {
        text(&self.event)
    }

    /// Returns the body as bytes; empty if there is none.
    pub fn bytes(&self) -> Result<Vec<u8>, ApiError> {
        let body = self.event.body.as_deref().unwrap_or_default();
        if !self.event.is_base64_encoded {
            return Ok(body.as_bytes().to_vec());
        }
        BASE64_STANDARD.decode(body).map_err(|_| ApiError::invalid("The body cannot be read."))
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        Json::parse(&self.text()?)?.read()
    }
}

/// Returns the body of an event as text; empty if there is none.
pub(super) fn text(event: &ApiGatewayV2httpRequest) -> Result<String, ApiError> {
    let body = event.body.clone().unwrap_or_default();
    if !event.is_base64_encoded {
        return Ok(body);
    }
    let not_text = || ApiError::new(ErrorCode::BadJson, "The body is not UTF-8 text.");
    String::from_utf8(BASE64_STANDARD.decode(body).map_err(|_| not_text())?).map_err(|_| not_text())
}
