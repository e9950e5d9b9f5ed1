//! Signed requests to OpenSearch over pooled connections.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::answer::{Answer, Refused, busy, failed};
use crate::StoreError;
use crate::signed_requests::{BodyHash, Signer};

/// Time limit of opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Signs and sends.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Without a slash at its end.
    endpoint: String,
    signer: Arc<Signer>,
}

impl Client {
    pub(super) fn new(config: &SdkConfig, endpoint: &str, service: &str) -> Result<Self, StoreError> {
        Ok(Self {
            http: reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build().map_err(failed)?,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            signer: Arc::new(Signer::new(config, service, BodyHash::Sent).map_err(failed)?),
        })
    }

    /// Sends a request without a body.
    pub(super) async fn ask(&self, method: Method, path: &str, timeout: Duration) -> Result<Answer, StoreError> {
        self.send(method, path, None, Vec::new(), timeout).await
    }

    /// Sends a request with a JSON body.
    pub(super) async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<Answer, StoreError> {
        self.send(method, path, Some("application/json"), serde_json::to_vec(body)?, timeout).await
    }

    /// Sends a request and reads the answer, whatever its status, unless the service is busy. Nothing is tried again.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&'static str>,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Answer, StoreError> {
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.endpoint).parse().map_err(failed)?;
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        self.signer.sign(&mut request).await.map_err(failed)?;
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        *request.timeout_mut() = Some(timeout);
        let response = self.http.execute(request).await.map_err(busy)?;
        let status = response.status();
        let body = response.bytes().await.map_err(busy)?;
        let answer = Answer { status, body };
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            return Err(busy(Refused::of(&answer)));
        }
        Ok(answer)
    }
}
