//! Files. The announcement and its answer are in [`crate::file`].

use serde::{Deserialize, Serialize};

use crate::file::SignedPart;

/// Answer to `POST /v1/files/{id}/parts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedParts {
    /// One request for each part, in the order of the request.
    pub parts: Vec<SignedPart>,
}
