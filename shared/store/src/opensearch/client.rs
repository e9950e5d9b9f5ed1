//! Signed requests to OpenSearch over pooled connections.

use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::answer::{Answer, Refused, busy, failed};
use crate::StoreError;

/// Time limit of opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Signs and sends.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Without a slash at its end.
    endpoint: String,
    service: String,
    region: Region,
    credentials: SharedCredentialsProvider,
}

/// The configuration lacks a region or credentials.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has no {0}")]
struct Lacking(&'static str);

impl Client {
    pub(super) fn new(config: &SdkConfig, endpoint: &str, service: String) -> Result<Self, StoreError> {
        let lacking = |what| failed(Lacking(what));
        Ok(Self {
            http: reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build().map_err(failed)?,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            service,
            region: config.region().cloned().ok_or_else(|| lacking("region"))?,
            credentials: config.credentials_provider().ok_or_else(|| lacking("credentials"))?,
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
        self.sign(&mut request).await?;
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

    /// Adds a signature of version 4 with the hash of the body, which OpenSearch Serverless asks for.
    async fn sign(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), StoreError> {
        let identity = self.credentials.provide_credentials().await.map_err(failed)?.into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_ref())
            .name(&self.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(failed)?;
        let uri = request.uri().to_string();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable =
            SignableRequest::new(request.method().as_str(), uri, headers, SignableBody::Bytes(request.body()))
                .map_err(failed)?;
        let (instructions, _) = sign(signable, &params.into()).map_err(failed)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
