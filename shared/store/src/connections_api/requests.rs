//! Requests to `@connections`.
//!
//! A message of a large group is a hundred of them, and the SDK spends twice the work of one on its own layers. So they are signed
//! and sent here: three attempts within five seconds, after 429, 5xx and failures of the connection.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>

use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use domain::error::causes;
use http::{HeaderValue, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::StoreError;
use crate::clock::{Elapsed, sleep, timeout};
use crate::signed_requests::{BodyHash, RequestError, SignedRequests, endpoint_elsewhere};

/// Attempts of a request.
const ATTEMPTS: u32 = 3;

/// Longest wait before the second attempt. It doubles.
const BACKOFF: Duration = Duration::from_millis(50);

/// Time limit of an attempt.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Time limit of a request with all its attempts.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Characters of a connection id that are escaped in a path: all but the unreserved ones of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Sends requests to the connections of one WebSocket API.
#[derive(Debug)]
pub(super) struct Requests {
    signed: SignedRequests,
    /// URL that a connection id completes; ends with `/@connections/`.
    base: String,
}

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The connection is not open.
    #[error("the connection is gone")]
    Gone,
    #[error("API Gateway answered {0}")]
    Status(u16),
    #[error("API Gateway did not answer any attempt in time")]
    Silent(#[from] Elapsed),
    #[error("the request cannot be built")]
    Invalid(#[from] http::Error),
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Requests {
    /// For the API at this endpoint, unless the environment names another.
    pub(super) fn new(config: &SdkConfig, http: SharedHttpConnector, endpoint: String) -> Result<Self, StoreError> {
        let failed = |error: RequestError| StoreError::Service { service: "@connections", source: error.into() };
        let endpoint = endpoint_elsewhere("APIGATEWAYMANAGEMENTAPI").unwrap_or(endpoint);
        Ok(Self {
            signed: SignedRequests::new(config, http, "execute-api", BodyHash::NotSent).map_err(failed)?,
            base: format!("{}/@connections/", endpoint.trim_end_matches('/')),
        })
    }

    /// Posts a frame to a connection.
    pub(super) async fn post(&self, connection_id: &str, json: &str) -> Result<(), Failure> {
        self.request(Method::POST, connection_id, json).await
    }

    pub(super) async fn delete(&self, connection_id: &str) -> Result<(), Failure> {
        self.request(Method::DELETE, connection_id, "").await
    }

    async fn request(&self, method: Method, connection_id: &str, body: &str) -> Result<(), Failure> {
        timeout(TOTAL_TIMEOUT, self.attempts(method, connection_id, body)).await?
    }

    async fn attempts(&self, method: Method, connection_id: &str, body: &str) -> Result<(), Failure> {
        let mut attempt = 1;
        loop {
            let Err(failure) = self.attempt(&method, connection_id, body).await else { return Ok(()) };
            if attempt == ATTEMPTS || !failure.is_retryable() {
                return Err(failure);
            }
            let attempts = attempt;
            tracing::debug!(connection_id, attempts, error = causes(&failure), "a request to @connections is repeated");
            sleep(BACKOFF.mul_f64(f64::from(1 << (attempt - 1)) * fastrand::f64())).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, method: &Method, connection_id: &str, body: &str) -> Result<(), Failure> {
        let uri = format!("{}{}", self.base, utf8_percent_encode(connection_id, ESCAPED));
        let mut request = http::Request::builder().method(method).uri(uri).body(body.as_bytes().to_vec())?;
        if !body.is_empty() {
            let content = HeaderValue::from_static("application/octet-stream");
            request.headers_mut().insert(header::CONTENT_TYPE, content);
        }
        match self.signed.send(request, TIMEOUT).await?.status {
            200..=299 => Ok(()),
            410 => Err(Failure::Gone),
            status => Err(Failure::Status(status)),
        }
    }
}

impl Failure {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 429 | 500..=599),
            Self::Request(error) => error.is_of_service(),
            Self::Gone | Self::Silent(_) | Self::Invalid(_) => false,
        }
    }
}
