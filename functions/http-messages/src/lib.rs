//! `GET /v1/conversations/{id}/messages`: history, page by page.

use domain::{ApiError, ConversationId, ErrorCode, Message, Seq};
use lambda_kit::http::{Request, Response};
use serde::Serialize;
use store::dynamodb::Connections;
use store::log::{Log, PageRequest};

/// Messages of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 50;

/// Most messages of a page.
const MAX_LIMIT: usize = 100;

/// A page of history.
#[derive(Debug, Serialize)]
struct Body {
    /// Oldest first.
    messages: Vec<Message>,
    /// Whether there are more in the direction that was asked for.
    more: bool,
}

/// Answers one request. `connections` knows who is deleted.
pub async fn handle(log: &Log, connections: &Connections, request: Request) -> Result<Response, ApiError> {
    match request.route() {
        "GET /v1/conversations/{id}/messages" => {
            connections.unless_deleted(request.user_id(), history(log, &request)).await
        }
        _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
    }
}

async fn history(log: &Log, request: &Request) -> Result<Response, ApiError> {
    let conversation: ConversationId = request.id("id")?;
    let limit = request.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let seq = |name: &str| Ok::<_, ApiError>(request.query::<u64>(name)?.map(|seq| Seq(seq).min(Seq::MAX)));
    let page = match (seq("after_seq")?, seq("before_seq")?) {
        (Some(after), None) => PageRequest::After(after),
        (None, before) => PageRequest::Before(before.unwrap_or(Seq::MAX)),
        (Some(_), Some(_)) => return Err(ApiError::invalid("Give `after_seq` or `before_seq`, not both.")),
    };
    let page = log.history(conversation, request.user_id(), page, limit).await?;
    Response::ok(&Body { messages: page.messages, more: page.more })
}
