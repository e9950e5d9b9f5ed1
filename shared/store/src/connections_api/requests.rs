//! Requests to `@connections`.
//!
//! A message of a large group is a hundred of them, and the SDK spends twice the work of one on its own layers. So they are signed
//! and sent here: three attempts within five seconds, after 429, 5xx and failures of the connection.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>

use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use domain::error::causes;
use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::StoreError;
use crate::clock::{Elapsed, sleep, timeout};
use crate::signed_requests::{BodyHash, SignError, Signer};

/// Attempts of a request.
const ATTEMPTS: u32 = 3;

/// Longest wait before the second attempt. It doubles.
const BACKOFF: Duration = Duration::from_millis(50);

/// Time limit of an attempt.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Time limit of a request with all its attempts.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Variables that lead every client of the SDK, or those of `@connections`, elsewhere.
const ENDPOINT_VARIABLES: [&str; 2] = ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "AWS_ENDPOINT_URL"];

/// Characters of a connection id that are escaped in a path: all but the unreserved ones of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Sends requests to the connections of one WebSocket API.
#[derive(Debug)]
pub(super) struct Requests {
    http: SharedHttpConnector,
    /// Ends with `/@connections/`.
    base: String,
    signer: Signer,
}

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The connection is not open.
    #[error("the connection is gone")]
    Gone,
    #[error("API Gateway answered {0}")]
    Status(StatusCode),
    #[error("API Gateway did not answer")]
    Silent(#[from] Elapsed),
    #[error("API Gateway cannot be reached")]
    Connector(#[from] ConnectorError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("the request cannot be built")]
    Request(#[from] http::Error),
    #[error("the request cannot be built")]
    Http(#[from] HttpError),
}

impl Requests {
    /// For the API at this endpoint, unless the environment names another.
    pub(super) fn new(config: &SdkConfig, http: SharedHttpConnector, endpoint: String) -> Result<Self, StoreError> {
        let failed = |error: SignError| StoreError::Service { service: "@connections", source: error.into() };
        let given = ENDPOINT_VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
        let endpoint = given.unwrap_or(endpoint);
        Ok(Self {
            http,
            base: format!("{}/@connections/", endpoint.trim_end_matches('/')),
            signer: Signer::new(config, "execute-api", BodyHash::NotSent).map_err(failed)?,
        })
    }

    /// Posts a frame to a connection.
    pub(super) async fn post(&self, connection_id: &str, json: &str) -> Result<(), Failure> {
        self.request(Method::POST, connection_id, json).await
    }

    /// Closes a connection.
    pub(super) async fn delete(&self, connection_id: &str) -> Result<(), Failure> {
        self.request(Method::DELETE, connection_id, "").await
    }

    async fn request(&self, method: Method, connection_id: &str, body: &str) -> Result<(), Failure> {
        timeout(TOTAL_TIMEOUT, self.attempts(method, connection_id, body)).await?
    }

    async fn attempts(&self, method: Method, connection_id: &str, body: &str) -> Result<(), Failure> {
        let mut attempt = 1;
        loop {
            let answer = timeout(TIMEOUT, self.attempt(&method, connection_id, body)).await;
            let Err(failure) = answer.unwrap_or_else(|elapsed| Err(elapsed.into())) else { return Ok(()) };
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
        self.signer.sign(&mut request).await?;
        let response = self.http.call(HttpRequest::try_from(request.map(SdkBody::from))?).await?;
        let status = StatusCode::from_u16(response.status().as_u16()).map_err(http::Error::from)?;
        // The connection can be used again once the body has been read. Nothing in it matters.
        let _ = ByteStream::new(response.into_body()).collect().await;
        match status {
            StatusCode::GONE => Err(Failure::Gone),
            status if status.is_success() => Ok(()),
            status => Err(Failure::Status(status)),
        }
    }
}

impl Failure {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Silent(_) | Self::Connector(_) => true,
            Self::Gone | Self::Sign(_) | Self::Request(_) | Self::Http(_) => false,
        }
    }
}
