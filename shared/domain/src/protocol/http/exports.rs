//! Bodies of the routes of exports. Their answer is [`crate::export::Export`].

use serde::{Deserialize, Serialize};

use crate::export::ExportedMessages;
use crate::protocol::or_default;

/// Body of `POST /v1/users/me/export`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UserExportRequest {
    /// The messages of the export: `sent` by default.
    #[serde(default, deserialize_with = "or_default")]
    pub messages: ExportedMessages,
    /// True for an export with the bytes of the user's files.
    #[serde(default, deserialize_with = "or_default")]
    pub files: bool,
}

/// Body of `POST /v1/conversations/{id}/export`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConversationExportRequest {
    /// True for an export with the bytes of the files that messages reference.
    #[serde(default, deserialize_with = "or_default")]
    pub files: bool,
}
