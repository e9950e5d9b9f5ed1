//! `GET /v1/conversations/{id}/messages`: history, page by page.

use chat::log::{Page, PageRequest, Surroundings};
use domain::protocol::http::{AroundPage, HistoryPage, HistoryQuery, pages};
use domain::protocol::read::page_size;
use domain::{ApiError, ConversationId, Seq};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    pub(crate) async fn history(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation: ConversationId = request.id("id")?;
        let HistoryQuery { limit, after_seq, before_seq, around_seq } = request.query()?;
        let limit = page_size(limit, pages::HISTORY)?;
        let page = match (after_seq, before_seq, around_seq) {
            (Some(after), None, None) => PageRequest::After(after),
            (None, before, None) => PageRequest::Before(before.unwrap_or(Seq::MAX)),
            (None, None, Some(seq)) => {
                let Surroundings { messages, more_before, more_after, expired_seq } =
                    self.log.around(conversation, request.user_id(), seq, limit).await?;
                return Response::ok(&AroundPage { messages, more_before, more_after, expired_seq });
            }
            _ => return Err(ApiError::invalid("Use only one of `after_seq`, `before_seq` and `around_seq`.")),
        };
        let Page { messages, next, expired_seq } =
            self.log.history(conversation, request.user_id(), page, limit).await?;
        Response::ok(&HistoryPage { messages, more: next.is_some(), next, expired_seq })
    }
}
