//! The application's page for browsers: built beside the start of the cloud, and served once the addresses are known.
//!
//! A page that cannot be built is a warning and never stops a cloud.

mod build;
mod serve;
mod sources;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use serve::{Files, serve};

/// Where a page comes from and where its files are kept.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The folder of the npm package. `npm run bundle -- --outDir FOLDER` builds it.
    pub(crate) package: PathBuf,
    /// Folders with all that the page is made of.
    pub(crate) folders: Vec<PathBuf>,
    /// The folder for the built files.
    pub(crate) output: PathBuf,
}

/// The addresses that the page reads from `/deployment.json`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Deployment {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) websocket: Option<String>,
    /// The endpoint where any name gets a token.
    pub(crate) local_issuer: String,
    /// Where files are, which the page loads as well.
    #[serde(skip)]
    pub(crate) files: Option<String>,
}

/// The state of a page.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// The page is being built.
    Building,
    /// The page is there.
    Built(Arc<Files>),
    /// The page is missing, for this reason.
    Missing(Arc<str>),
}

/// A build that goes on. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) state: watch::Receiver<State>,
    _task: AbortOnDropHandle<()>,
}

impl Build {
    /// Begins to build a page with this program, unless the files of an earlier build are of the same sources.
    pub(crate) fn begin(source: Source, npm: &'static str) -> Self {
        let (sender, state) = watch::channel(State::Building);
        let task = tokio::spawn(async move {
            let state = match build::files(&source, npm).await {
                Ok(files) => State::Built(Arc::new(files)),
                Err(reason) => State::Missing(reason.to_string().into()),
            };
            sender.send_replace(state);
        });
        Self { state, _task: AbortOnDropHandle::new(task) }
    }
}
