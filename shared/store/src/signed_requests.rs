//! Requests to AWS services that are signed here: where there is no SDK for a service, or it costs more than the service's work.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningError, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::{AggregatedBytes, ByteStream, error::Error as ByteStreamError};
use bytes::Bytes;

use crate::clock::{Elapsed, timeout};

/// Time before their end at which credentials are asked for again.
const RENEWED_BEFORE: Duration = Duration::from_mins(5);

/// A request that was not answered.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("the configuration has no {0}")]
    Lacking(&'static str),
    #[error("there are no credentials")]
    Credentials(#[from] CredentialsError),
    #[error("the request cannot be signed")]
    Sign(#[from] SigningError),
    #[error("the signature lacks a part")]
    Parameters(#[from] v4::signing_params::BuildError),
    #[error("the request cannot be built")]
    Request(#[from] HttpError),
    #[error("the service cannot be reached")]
    Connector(#[from] ConnectorError),
    #[error("the service did not answer")]
    Silent(#[from] Elapsed),
}

impl RequestError {
    /// Returns true for a failure of the service or of the way to it.
    pub fn is_of_service(&self) -> bool {
        matches!(self, Self::Connector(_) | Self::Silent(_))
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The whole body, unless the connection ended within it.
    pub body: Result<Bytes, ByteStreamError>,
}

/// Whether a signed request has the header `x-amz-content-sha256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyHash {
    /// OpenSearch Serverless asks for it.
    Sent,
    NotSent,
}

/// Returns the endpoint to which the environment leads the clients of a service, or all: `AWS_ENDPOINT_URL_<SERVICE>`, as the SDK reads it.
pub fn endpoint_elsewhere(service: &str) -> Option<String> {
    let names = [format!("AWS_ENDPOINT_URL_{service}"), "AWS_ENDPOINT_URL".to_owned()];
    names.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()))
}

/// Sends requests to a service, signed with version 4 of AWS's signatures.
#[derive(Debug)]
pub struct SignedRequests {
    http: SharedHttpConnector,
    service: String,
    region: String,
    credentials: SharedCredentialsProvider,
    body_hash: BodyHash,
    /// The newest credentials, which are renewed before they expire.
    identity: Mutex<Option<Identity>>,
}

impl SignedRequests {
    /// Signs for a service with the region and credentials of the configuration, and sends over the connections of `http`.
    pub fn new(
        config: &SdkConfig,
        http: SharedHttpConnector,
        service: &str,
        body_hash: BodyHash,
    ) -> Result<Self, RequestError> {
        Ok(Self {
            http,
            service: service.to_owned(),
            region: config.region().ok_or(RequestError::Lacking("region"))?.to_string(),
            credentials: config.credentials_provider().ok_or(RequestError::Lacking("credentials"))?,
            body_hash,
            identity: Mutex::default(),
        })
    }

    /// Sends a request once, and reads the answer, which has to be whole within `limit`.
    pub async fn send(&self, request: http::Request<Vec<u8>>, limit: Duration) -> Result<Answer, RequestError> {
        timeout(limit, self.exchange(request)).await?
    }

    async fn exchange(&self, mut request: http::Request<Vec<u8>>) -> Result<Answer, RequestError> {
        self.sign(&mut request).await?;
        let response = self.http.call(HttpRequest::try_from(request.map(SdkBody::from))?).await?;
        let status = response.status().as_u16();
        // A connection can be used again only once the body has been read.
        let body = ByteStream::new(response.into_body()).collect().await.map(AggregatedBytes::into_bytes);
        Ok(Answer { status, body })
    }

    /// Adds the signature to a request.
    async fn sign(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), RequestError> {
        let identity = self.identity().await?;
        let mut settings = SigningSettings::default();
        if self.body_hash == BodyHash::Sent {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()?;
        let uri = request.uri().to_string();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, body)?;
        let (instructions, _) = sign(signable, &params.into())?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }

    /// Returns the credentials, which are asked for once as long as they last.
    async fn identity(&self) -> Result<Identity, RequestError> {
        let known = self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lasts_until = |time: SystemTime| move |known: &Identity| known.expiration().is_none_or(|end| end > time);
        let now = SystemTime::now();
        if let Some(known) = known.clone().filter(lasts_until(now + RENEWED_BEFORE)) {
            return Ok(known);
        }
        match self.credentials.provide_credentials().await {
            Ok(credentials) => {
                let identity = Identity::from(credentials);
                *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity.clone());
                Ok(identity)
            }
            Err(error) => known.filter(lasts_until(now)).ok_or_else(|| error.into()),
        }
    }
}
