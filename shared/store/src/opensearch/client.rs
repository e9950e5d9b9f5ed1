//! Signed requests to OpenSearch over pooled connections.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde_json::Value;

use super::answer::{Answer, Refused, busy, failed};
use crate::StoreError;
use crate::signed_requests::{BodyHash, SignedRequests};

/// Builds requests and sends them.
#[derive(Clone, Debug)]
pub(super) struct Client {
    signed: Arc<SignedRequests>,
    /// Without a slash at its end.
    endpoint: String,
}

impl Client {
    pub(super) fn new(
        config: &SdkConfig,
        http: SharedHttpConnector,
        endpoint: &str,
        service: &str,
    ) -> Result<Self, StoreError> {
        let signed = SignedRequests::new(config, http, service, BodyHash::Sent).map_err(failed)?;
        Ok(Self { signed: Arc::new(signed), endpoint: endpoint.trim_end_matches('/').to_owned() })
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
        let answer = self.signed.send(request, timeout).await;
        let answer = answer.map_err(|error| if error.is_of_service() { busy(error) } else { failed(error) })?;
        let status = StatusCode::from_u16(answer.status).map_err(failed)?;
        let answer = Answer { status, body: answer.body.map_err(busy)? };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(busy(Refused::of(&answer)));
        }
        Ok(answer)
    }
}
