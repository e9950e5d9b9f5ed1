//! Reasons for which a request on a file is refused.

use domain::{ApiError, ErrorCode};
use store::StoreError;
use store::sql::files::AnnounceError;

/// Missing parts that an error names.
const MAX_NAMED_PARTS: usize = 10;

/// Reasons for which a request on a file is refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The file does not exist, or it belongs to another user. The two cases are indistinguishable on purpose.
    #[error("the file does not exist or belongs to another user")]
    NotFound,
    /// The file is uploaded in one piece.
    #[error("the file is not uploaded in parts")]
    NotInParts,
    /// The upload has ended: it was accepted, rejected or cancelled.
    #[error("the upload has ended")]
    Over,
    /// These parts, numbered from 1, are missing or have another size than announced.
    #[error("{} parts are missing", .0.len())]
    Incomplete(Vec<u64>),
    /// A message references the file.
    #[error("a message references the file")]
    InUse,
    /// The request itself is not valid.
    #[error(transparent)]
    Invalid(ApiError),
    /// The owner may not announce the file.
    #[error(transparent)]
    Announce(#[from] AnnounceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::NotFound => Self::new(ErrorCode::FileNotFound, "The file does not exist."),
            UploadError::NotInParts => Self::invalid("This file is not uploaded in parts."),
            UploadError::Over => Self::new(ErrorCode::UploadOver, "The upload of this file has ended."),
            UploadError::Incomplete(missing) => {
                let named: Vec<String> = missing.iter().take(MAX_NAMED_PARTS).map(u64::to_string).collect();
                let count = missing.len();
                let message = format!("{count} parts are missing or have another size: {} …", named.join(", "));
                Self::new(ErrorCode::UploadIncomplete, message)
            }
            UploadError::InUse => {
                Self::new(ErrorCode::FileInUse, "A message references this file. Delete the message instead.")
            }
            UploadError::Invalid(error) => error,
            UploadError::Announce(error) => error.into(),
            UploadError::Store(error) => error.into(),
        }
    }
}
