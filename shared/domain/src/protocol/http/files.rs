//! Files. The announcement and its answer are in [`crate::file`].

use serde::{Deserialize, Serialize};

use crate::file::SignedPart;
use crate::{ConversationId, Seq};

/// Query of `GET /v1/files/{id}` and its content: the message that references the file, or nothing for the owner.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    pub conversation_id: Option<ConversationId>,
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub seq: Option<Seq>,
}

/// Query of `GET /v1/files/{id}/thumbnail`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThumbnailQuery {
    /// Longest side in pixels.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = crate::file::ThumbnailSize::ALL.map(crate::file::ThumbnailSize::pixels))))]
    pub size: u32,
    pub conversation_id: Option<ConversationId>,
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub seq: Option<Seq>,
}

/// Answer to `POST /v1/files/{id}/parts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedParts {
    /// One request for each part, in the order of the request.
    pub parts: Vec<SignedPart>,
}
