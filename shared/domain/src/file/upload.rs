//! Uploads to S3, by requests that are signed for exactly the announced bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::File;
use crate::Timestamp;

/// Answer to an announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Announced {
    pub file: File,
    /// The requests to send; `None` if the upload has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// The requests that upload a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Upload {
    Whole(SignedRequest),
    /// An upload in parts; `POST /v1/files/{id}/parts` returns their requests.
    Parts {
        /// Bytes of every part but the last.
        part_size: u64,
        part_count: u64,
    },
}

/// A signed request. Any client can send it, unchanged and repeatedly, until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedRequest {
    pub method: String,
    pub url: String,
    /// Headers that the request must have. HTTP clients set `content-length` themselves.
    pub headers: BTreeMap<String, String>,
    /// Time at which S3 stops accepting the request.
    pub expires_at: Timestamp,
}

/// The signed request that uploads one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedPart {
    /// Number of the part, counted from 1.
    pub part_number: u64,
    #[serde(flatten)]
    pub request: SignedRequest,
}

/// Answer to a request for content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Download {
    pub url: String,
    pub expires_at: Timestamp,
}
