//! Imports of a backend.

use std::time::Duration;

use domain::ImportId;
use domain::import::{Import, ImportState, ImportedUsers};
use domain::protocol::http::NewImportRequest;
use reqwest::Method;
use serde_json::Value;

use crate::api::NO_BODY;
use crate::{ApiError, Server};

/// Time between two questions for the state of an import.
const POLL_DELAY: Duration = Duration::from_millis(500);

impl Server {
    /// Imports conversations out of a file in the format of exports, and returns the import once it has ended. `source` names the place that
    /// the file comes from: the same file from the same source changes nothing the second time.
    pub async fn import(&self, source: &str, users: ImportedUsers, file: Vec<u8>) -> Result<Import, ApiError> {
        let new = NewImportRequest { source: source.to_owned(), size: file.len() as u64, users };
        let import = self.create_import(&new).await?;
        if let Some(upload) = &import.upload {
            self.system().put(upload, file).await?;
        }
        let mut import = self.start_import(import.import_id).await?;
        while import.state == ImportState::Running {
            tokio::time::sleep(POLL_DELAY).await;
            import = self.get_import(import.import_id).await?;
        }
        Ok(import)
    }

    /// Begins an import, which waits for its file: send that as its `upload` says.
    pub async fn create_import(&self, new: &NewImportRequest) -> Result<Import, ApiError> {
        self.system().ask(Method::POST, "/v1/imports", Some(new)).await
    }

    /// Starts an import whose file is uploaded.
    pub async fn start_import(&self, import: ImportId) -> Result<Import, ApiError> {
        self.system().ask(Method::POST, &format!("/v1/imports/{import}/start"), NO_BODY).await
    }

    /// Returns an import with its numbers and errors.
    pub async fn get_import(&self, import: ImportId) -> Result<Import, ApiError> {
        self.system().ask(Method::GET, &format!("/v1/imports/{import}"), NO_BODY).await
    }

    /// Cancels an import. Conversations that are whole by then stay.
    pub async fn cancel_import(&self, import: ImportId) -> Result<(), ApiError> {
        self.system().ask::<Value>(Method::DELETE, &format!("/v1/imports/{import}"), NO_BODY).await.map(drop)
    }
}
