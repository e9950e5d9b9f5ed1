//! Answers of OpenSearch, and its errors.

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::OPENSEARCH;
use crate::StoreError;

/// An answer that has come in whole, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: bytes::Bytes,
}

impl Answer {
    /// Reads the body of a success; anything else is an error.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        self.succeeded()?;
        Ok(serde_json::from_slice(&self.body)?)
    }

    pub(super) fn succeeded(&self) -> Result<(), StoreError> {
        if self.status.is_success() { Ok(()) } else { Err(failed(Refused::of(self))) }
    }

    /// Returns true for an error of this type.
    pub(super) fn is_refused_as(&self, kind: &str) -> bool {
        !self.status.is_success() && Refused::of(self).kind == kind
    }
}

/// OpenSearch refused. Its reason is left out: it may quote a document.
#[derive(Debug, thiserror::Error)]
#[error("OpenSearch answered {status} ({kind})")]
pub(super) struct Refused {
    status: StatusCode,
    kind: String,
}

impl Refused {
    pub(super) fn of(answer: &Answer) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: ErrorType,
        }
        let body = serde_json::from_slice::<Body>(&answer.body);
        let kind = body.map_or_else(|_| "no error of OpenSearch".to_owned(), |body| body.error.kind);
        Self { status: answer.status, kind }
    }
}

/// The type of an error, such as `version_conflict_engine_exception`.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorType {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

pub(super) fn busy(source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Busy { service: OPENSEARCH, source: Box::new(source) }
}

pub(super) fn failed(source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Service { service: OPENSEARCH, source: Box::new(source) }
}
