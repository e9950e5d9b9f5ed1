//! The request of an HTTP handler.

use std::str::FromStr;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::protocol::read::{Json, Query};
use domain::{ApiError, ErrorCode, Idempotency, UserId};
use serde::de::DeserializeOwned;

use crate::token;

/// A request whose token API Gateway has verified.
#[derive(Debug)]
pub struct Request {
    event: ApiGatewayV2httpRequest,
    user_id: UserId,
    invocation_id: String,
}

impl Request {
    /// Refuses events without the claims of a verified token: no route may be open by accident.
    pub(super) fn new(event: ApiGatewayV2httpRequest, request_id: String) -> Result<Self, ApiError> {
        let user_id = Self::user(&event);
        let user_id = user_id.ok_or_else(|| ApiError::new(ErrorCode::Unauthorized, "A valid token is required."))?;
        Ok(Self { event, user_id, invocation_id: request_id })
    }

    /// Returns the user of the token that API Gateway verified. The event has the claims as text, whatever their types are, so
    /// the types come from the token itself.
    fn user(event: &ApiGatewayV2httpRequest) -> Option<UserId> {
        let verified = &event.request_context.authorizer.as_ref()?.jwt.as_ref()?.claims;
        let token = token::of_authorization(event.headers.get("authorization")?.to_str().ok()?)?;
        let claims = token::unverified_claims(token)?;
        let is_verified = |name: &str| {
            let claim = claims.get(name).and_then(|claim| claim.as_str());
            claim.is_some() && claim == verified.get(name).map(String::as_str)
        };
        if is_verified("iss") && is_verified("sub") { token::user(&claims) } else { None }
    }

    /// The route as the template has it: `GET /v1/users/{id}`.
    pub fn route(&self) -> &str {
        self.event.route_key.as_deref().unwrap_or_default()
    }

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
        let body = self.event.body.clone().unwrap_or_default();
        if !self.event.is_base64_encoded {
            return Ok(body);
        }
        let not_text = || ApiError::new(ErrorCode::BadJson, "The body is not UTF-8 text.");
        String::from_utf8(BASE64_STANDARD.decode(body).map_err(|_| not_text())?).map_err(|_| not_text())
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        Json::parse(&self.text()?)?.read()
    }
}
