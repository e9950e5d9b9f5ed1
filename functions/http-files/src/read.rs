//! `GET /v1/files/{id}`, `…/content` and `…/thumbnail`: for the owner, and for every user who sees a message that references
//! the file.

use chat::files::UploadError;
use domain::file::ThumbnailSize;
use domain::protocol::http::{FileQuery, ThumbnailQuery};
use domain::{ApiError, Attachment, ConversationId, Seq};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Returns the file with its status to its owner, or the attachment of the message to a user who sees the message.
    pub(crate) async fn metadata(&self, request: &Request) -> Result<Response, ApiError> {
        match message(&request.query()?)? {
            Some((conversation, seq)) => Response::ok(&self.referenced(request, conversation, seq).await?),
            None => Response::ok(&self.uploads.get(request.user_id(), request.id("id")?).await?.file),
        }
    }

    pub(crate) async fn content(&self, request: &Request) -> Result<Response, ApiError> {
        let Attachment { file_id, name, content_type, .. } = self.readable(request, &request.query()?).await?;
        Response::download(request, self.uploads.sign_download(file_id, &name, &content_type).await?)
    }

    pub(crate) async fn thumbnail(&self, request: &Request) -> Result<Response, ApiError> {
        let ThumbnailQuery { size, conversation_id, seq } = request.query()?;
        let size = ThumbnailSize::of_pixels(size).ok_or_else(|| ApiError::invalid("`size` must be 320 or 1280."))?;
        let file = self.readable(request, &FileQuery { conversation_id, seq }).await?;
        if file.width.is_none() {
            return Err(UploadError::NotFound.into());
        }
        Response::download(request, self.uploads.sign_thumbnail(file.file_id, size).await?)
    }

    /// The file, if the caller may read it. No SQL.
    async fn readable(&self, request: &Request, query: &FileQuery) -> Result<Attachment, ApiError> {
        if let Some((conversation, seq)) = message(query)? {
            return self.referenced(request, conversation, seq).await;
        }
        Ok(self.uploads.ready(request.user_id(), request.id("id")?).await?)
    }

    async fn referenced(
        &self,
        request: &Request,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Attachment, ApiError> {
        let attachment = self.log.attachment(conversation, request.user_id(), seq, request.id("id")?).await?;
        attachment.ok_or_else(|| UploadError::NotFound.into())
    }
}

/// The message that the request names.
fn message(query: &FileQuery) -> Result<Option<(ConversationId, Seq)>, ApiError> {
    match (query.conversation_id, query.seq) {
        (None, None) => Ok(None),
        (Some(_), Some(Seq::ZERO)) => Err(ApiError::invalid("`seq` must be at least 1.")),
        (Some(conversation), Some(seq)) => Ok(Some((conversation, seq))),
        _ => Err(ApiError::invalid("`conversation_id` and `seq` must be given together.")),
    }
}
