//! Uploads to S3, by requests that are signed for exactly the announced bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::File;
use crate::Timestamp;

/// Answer to an announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    pub file: File,
    /// The requests to send; `None` if the upload is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// The requests that upload a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Upload {
    Whole(SignedRequest),
    /// In parts, whose requests `POST /v1/files/{id}/parts` gives.
    Parts {
        /// Bytes of every part but the last.
        part_size: u64,
        part_count: u64,
    },
}

/// A signed request. It can be sent by anybody, unchanged, any number of times until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    pub method: String,
    pub url: String,
    /// Headers that it must have. HTTP clients set `content-length` themselves.
    pub headers: BTreeMap<String, String>,
    /// Until when it can be sent.
    pub expires_at: Timestamp,
}

/// One part, on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedPart {
    /// Its number, counted from 1.
    pub part_number: u64,
    #[serde(flatten)]
    pub request: SignedRequest,
}

/// Answer to a request for content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    pub url: String,
    pub expires_at: Timestamp,
}
