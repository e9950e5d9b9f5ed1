//! Body of the route that begins an import. Its answer is [`crate::import::Import`].

use serde::{Deserialize, Serialize};

use crate::import::ImportedUsers;
use crate::protocol::or_default;

/// Body of `POST /v1/server/imports`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewImportRequest {
    /// Name of the place that the file comes from: the ids of what is imported follow from it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::import::MAX_SOURCE_BYTES), regex(pattern = "^[!-~]+$")))]
    pub source: String,
    /// Number of bytes of the file.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::import::MAX_IMPORT_BYTES)))]
    pub size: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub users: ImportedUsers,
}
