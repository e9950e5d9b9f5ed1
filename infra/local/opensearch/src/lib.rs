//! OpenSearch: indices, aliases, documents with versions and queries, on an index of this process, behind the real wire format.
//!
//! Written to the documents of OpenSearch 2.19. A part that is not emulated is an error with status 400 that names it. With a
//! folder, an accepted write is on the disk before its answer. The service does not look who asks: its gate does.
//!
//! Not emulated, among others: dynamic mappings, objects in documents, scripts, aggregations, highlighting, patterns in names,
//! several shards, and forgetting the versions of deleted documents (`index.gc_deletes`).

#![warn(missing_docs)]

mod analysis;
mod bulk;
mod cluster;
mod engine;
mod error;
mod http;
mod mapping;
mod search;

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use cluster::{Cluster, Index};

pub use engine::OpenError;

/// The name of the node, which answers have.
pub(crate) const NODE: &str = "local";

/// The name of the cluster.
pub(crate) const CLUSTER: &str = "local";

/// The service that an engine is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A domain, or a cluster of one's own.
    #[default]
    Domain,
    /// A collection of OpenSearch Serverless for searches.
    Collection,
}

/// The search engine of a stack.
#[derive(Debug)]
pub struct OpenSearch {
    cluster: Arc<Cluster>,
    kind: Kind,
    /// Indices that have something to make searchable.
    refreshes: UnboundedReceiver<Arc<Index>>,
}

impl OpenSearch {
    /// Opens the indices of a folder, which is made where it does not exist. Without a folder nothing is kept.
    ///
    /// # Errors
    /// A file cannot be read or written, or an index is damaged.
    pub fn open(folder: Option<&Path>) -> Result<Self, OpenError> {
        let (sender, refreshes) = unbounded_channel();
        Ok(Self { cluster: Arc::new(Cluster::open(folder, sender)?), kind: Kind::default(), refreshes })
    }

    /// Makes the engine refuse what a collection of OpenSearch Serverless of the type `SEARCH` refuses.
    #[must_use]
    pub fn as_collection(self) -> Self {
        Self { kind: Kind::Collection, ..self }
    }

    /// Serves the API, and makes writes searchable, until the token fires.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let Self { cluster, kind, refreshes } = self;
        tokio::select! {
            served = http::serve(cluster, kind, listener, shutdown) => served,
            () = refresh(refreshes) => Ok(()),
        }
    }
}

/// Refreshes indices, each its interval after a write.
async fn refresh(mut refreshes: UnboundedReceiver<Arc<Index>>) {
    let mut waiting = std::collections::BTreeSet::new();
    let mut due = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            index = refreshes.recv() => {
                let Some(index) = index else { return };
                let Some(interval) = index.settings().refresh_interval() else { continue };
                // One wait makes all writes until its end searchable.
                if waiting.insert(index.uuid.clone()) {
                    due.spawn(async move {
                        tokio::time::sleep(interval).await;
                        index
                    });
                }
            }
            Some(Ok(index)) = due.join_next() => {
                waiting.remove(&index.uuid);
                let name = index.name.clone();
                match tokio::task::spawn_blocking(move || index.refresh()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::error!(index = name, %error, "writes are not searchable"),
                    Err(error) => tracing::error!(index = name, %error, "writes are not searchable"),
                }
            }
        }
    }
}
