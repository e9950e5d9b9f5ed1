//! `GET /v1/conversations/{id}/messages`: history, page by page.

use chat::log::{PageRequest, Surroundings};
use domain::{ApiError, ConversationId, Message, Seq};
use lambda_kit::http::{Request, Response};
use serde::Serialize;

use crate::Handler;

/// Messages of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 50;

/// Most messages of a page.
const MAX_LIMIT: usize = 100;

/// A page of history.
#[derive(Debug, Serialize)]
struct Body {
    messages: Vec<Message>,
    /// True if there are more in the requested direction.
    more: bool,
    /// The `after_seq` or `before_seq` of the next page.
    next: Option<Seq>,
}

/// The history around a message.
#[derive(Debug, Serialize)]
struct Around {
    messages: Vec<Message>,
    /// True if there are earlier messages.
    more_before: bool,
    /// True if there are later messages.
    more_after: bool,
}

impl Handler {
    pub(crate) async fn history(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation: ConversationId = request.id("id")?;
        let limit = request.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
        let seq = |name: &str| Ok::<_, ApiError>(request.query::<u64>(name)?.map(|seq| Seq(seq).min(Seq::MAX)));
        let page = match (seq("after_seq")?, seq("before_seq")?, seq("around_seq")?) {
            (Some(after), None, None) => PageRequest::After(after),
            (None, before, None) => PageRequest::Before(before.unwrap_or(Seq::MAX)),
            (None, None, Some(seq)) => {
                let Surroundings { messages, more_before, more_after } =
                    self.log.around(conversation, request.user_id(), seq, limit).await?;
                return Response::ok(&Around { messages, more_before, more_after });
            }
            _ => return Err(ApiError::invalid("Give one of `after_seq`, `before_seq` and `around_seq`.")),
        };
        let page = self.log.history(conversation, request.user_id(), page, limit).await?;
        Response::ok(&Body { messages: page.messages, more: page.next.is_some(), next: page.next })
    }
}
