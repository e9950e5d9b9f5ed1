//! OpenSearch: the index of messages, on OpenSearch Serverless or a domain.
//!
//! One index for each version of the mapping, behind two aliases: [`READ_ALIAS`] for searches and [`WRITE_ALIAS`] for changes. While a
//! new index is being filled, the first has both indexes and the second only the new one.
//!
//! The id of a document is `<conversation_id>#<seq>`, its version that of [`Document::version`], which the engine compares
//! (`external`): a late or repeated change does nothing. Terms come from [`domain::search::Analysis`]; the index matches them and
//! analyses nothing.

mod answer;
mod bulk;
mod client;
mod document;
mod find;
mod indexes;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;

use crate::StoreError;

pub use bulk::{Change, Written};
pub use document::{Document, DocumentId};
pub use find::{Find, Found, Scope};
pub use indexes::{Aliases, INDEX, READ_ALIAS, WRITE_ALIAS};

use client::Client;

/// Name of the service in errors.
const OPENSEARCH: &str = "OpenSearch";

/// Time limit of a search.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Time limit of a batch of changes, and of a change of indexes.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The index of messages.
#[derive(Clone, Debug)]
pub struct MessageIndex {
    client: Client,
}

impl MessageIndex {
    /// The index at this endpoint, an URL. `service` is the name by which requests are signed: `aoss` for a collection of OpenSearch
    /// Serverless, `es` for a domain.
    pub fn new(
        config: &SdkConfig,
        http: SharedHttpConnector,
        endpoint: &str,
        service: &str,
    ) -> Result<Self, StoreError> {
        Ok(Self { client: Client::new(config, http, endpoint, service)? })
    }
}
