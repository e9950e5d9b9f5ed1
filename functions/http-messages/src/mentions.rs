//! `GET /v1/mentions`: the messages that mention the caller.

use domain::protocol::http::{MentionsPage, PageQuery, pages};
use domain::protocol::read::page;
use domain::{ApiError, MentionPosition};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    pub(crate) async fn mentions(&self, request: &Request) -> Result<Response, ApiError> {
        let PageQuery::<MentionPosition> { limit, cursor } = request.query()?;
        let (limit, before) = page(limit, cursor, pages::MENTIONS)?;
        let (messages, cursor) = self.mention_list.page(request.user_id(), before, limit).await?;
        Response::ok(&MentionsPage { messages, cursor: cursor.map(|position| position.to_string()) })
    }
}
