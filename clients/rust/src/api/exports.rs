//! Exports: what the user may see, or a conversation, as a ZIP file.

use domain::export::{Export, ExportedMessages};
use domain::protocol::http::{ConversationExportRequest, UserExportRequest};
use domain::{ConversationId, ExportId};
use reqwest::Method;
use serde_json::Value;

use super::{Api, ApiError, NO_BODY};

impl Api {
    /// Requests an export of the messages that the user sent, or of all that the user may see; with `files` also of the user's files. A
    /// repetition while it is under way returns the same one. [`Event::Export`](crate::Event::Export) tells when it is ready.
    pub async fn export_user(&self, messages: ExportedMessages, files: bool) -> Result<Export, ApiError> {
        self.ask(Method::POST, "/v1/users/me/export", Some(&UserExportRequest { messages, files })).await
    }

    /// Requests an export of a group or public conversation, which its owners may have; with `files` also of the files in it.
    pub async fn export_conversation(&self, conversation: ConversationId, files: bool) -> Result<Export, ApiError> {
        let path = format!("/v1/conversations/{conversation}/export");
        self.ask(Method::POST, &path, Some(&ConversationExportRequest { files })).await
    }

    /// Returns an export of the user; with a link, good for an hour, once it is ready.
    pub async fn export(&self, export: ExportId) -> Result<Export, ApiError> {
        self.ask(Method::GET, &format!("/v1/exports/{export}"), NO_BODY).await
    }

    /// Cancels an export of the user, or deletes a finished one.
    pub async fn cancel_export(&self, export: ExportId) -> Result<(), ApiError> {
        self.ask::<Value>(Method::DELETE, &format!("/v1/exports/{export}"), NO_BODY).await.map(drop)
    }
}
