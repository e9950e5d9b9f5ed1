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
use aws_smithy_runtime_api::client::identity::Identity;

/// Time before their end at which credentials are asked for again.
const RENEWED_BEFORE: Duration = Duration::from_mins(5);

/// A request that cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("the configuration has no {0}")]
    Lacking(&'static str),
    #[error("there are no credentials")]
    Credentials(#[from] CredentialsError),
    #[error("a request cannot be signed")]
    Request(#[from] SigningError),
    #[error("the signature lacks a part")]
    Parameters(#[from] v4::signing_params::BuildError),
}

/// Whether a signed request has the header `x-amz-content-sha256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyHash {
    /// OpenSearch Serverless asks for it.
    Sent,
    NotSent,
}

/// Signs requests to a service with version 4 of AWS's signatures.
#[derive(Debug)]
pub struct Signer {
    service: String,
    region: String,
    credentials: SharedCredentialsProvider,
    body_hash: BodyHash,
    /// The newest credentials.
    identity: Mutex<Option<Identity>>,
}

impl Signer {
    /// Signs for a service with the region and credentials of the configuration.
    pub fn new(config: &SdkConfig, service: &str, body_hash: BodyHash) -> Result<Self, SignError> {
        Ok(Self {
            service: service.to_owned(),
            region: config.region().ok_or(SignError::Lacking("region"))?.to_string(),
            credentials: config.credentials_provider().ok_or(SignError::Lacking("credentials"))?,
            body_hash,
            identity: Mutex::default(),
        })
    }

    /// Adds the signature to a request.
    pub async fn sign(&self, request: &mut http::Request<Vec<u8>>) -> Result<(), SignError> {
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
    async fn identity(&self) -> Result<Identity, SignError> {
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
