//! How the bytes of a file get to S3: by requests that are signed for exactly these bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::File;
use crate::Timestamp;

/// Answer to an announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The file.
    pub file: File,
    /// What to do; `None` where there is nothing left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// How a file is uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Upload {
    /// All at once.
    Whole(SignedRequest),
    /// In parts, whose requests `POST /v1/files/{id}/parts` gives.
    Parts {
        /// Bytes of every part but the last.
        part_size: u64,
        /// How many there are.
        part_count: u64,
    },
}

/// A request that anybody may send as it is until it expires, as often as they like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    /// Always `PUT`.
    pub method: String,
    /// Where to.
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
    /// How it is uploaded.
    #[serde(flatten)]
    pub request: SignedRequest,
}

/// Answer to a request for content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// Where it is.
    pub url: String,
    /// Until when.
    pub expires_at: Timestamp,
}
