//! The request of an HTTP handler.

use std::str::FromStr;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{ApiError, ErrorCode, Idempotency, UserId};
use serde::de::DeserializeOwned;

use crate::error::parse;

/// A request whose token API Gateway has verified.
#[derive(Debug)]
pub struct Request {
    event: ApiGatewayV2httpRequest,
    user_id: UserId,
}

impl Request {
    /// Refuses events without the claims of a verified token: no route may be open by accident.
    pub(super) fn new(event: ApiGatewayV2httpRequest) -> Result<Self, ApiError> {
        let claims = event.request_context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref());
        let claim = |name: &str| claims.and_then(|jwt| jwt.claims.get(name));
        let (Some(issuer), Some(subject)) = (claim("iss"), claim("sub")) else {
            return Err(ApiError::new(ErrorCode::Unauthorized, "A valid token is required."));
        };
        let user_id = UserId::from_token(issuer, subject);
        Ok(Self { event, user_id })
    }

    /// The route as the template has it: `GET /v1/users/{id}`.
    pub fn route(&self) -> &str {
        self.event.route_key.as_deref().unwrap_or_default()
    }

    pub const fn user_id(&self) -> UserId {
        self.user_id
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

    /// Returns a query parameter; `None` if it is absent.
    pub fn query<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let value = self.event.query_string_parameters.first(name);
        let parsed = value.map(|value| value.parse().map_err(|_| ApiError::invalid(format!("`{name}` is malformed."))));
        parsed.transpose()
    }

    /// Returns a query parameter that is a list: `a,b,c`, or the same name several times; `None` if it is absent. Payload
    /// format 2.0 does not distinguish the two, so a text with commas has to be joined again.
    pub fn values(&self, name: &str) -> Option<Vec<&str>> {
        self.event.query_string_parameters.all(name)
    }

    /// Returns the page size: `limit`, between 1 and `most`.
    pub fn limit(&self, default: usize, most: usize) -> Result<usize, ApiError> {
        let limit = self.query("limit")?.unwrap_or(default);
        if !(1..=most).contains(&limit) {
            return Err(ApiError::invalid(format!("`limit` must be between 1 and {most}.")));
        }
        Ok(limit)
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
        parse(&self.text()?)
    }
}
