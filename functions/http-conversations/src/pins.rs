//! `GET /v1/conversations/{id}/pins`, `PUT` and `DELETE …/pins/{seq}`: messages that are pinned for everybody.

use domain::membership::Action;
use domain::protocol::http::{PageQuery, PinsPage, pages};
use domain::protocol::read::page;
use domain::{ApiError, Seq};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Returns the pinned messages that the caller, a member, may see.
    pub(crate) async fn pins(&self, request: &Request) -> Result<Response, ApiError> {
        let PageQuery::<Seq> { limit, cursor } = request.query()?;
        let (limit, before) = page(limit, cursor, pages::PINS)?;
        let log = &self.inbox.log;
        let (messages, cursor) = log.pinned(request.id("id")?, request.user_id(), before, limit).await?;
        Response::ok(&PinsPage { messages, cursor: cursor.map(|seq| seq.to_string()) })
    }

    /// Pins a message for everybody, or ends that.
    pub(crate) async fn pin(&self, request: &Request, on: bool) -> Result<Response, ApiError> {
        let (conversation, seq, user) = (request.id("id")?, request.seq()?, request.user_id());
        let gone = if on { self.inbox.log.gone_pins(conversation, user, seq).await? } else { Vec::new() };
        self.change(conversation, user, &[Action::Pin { seq, on, gone }]).await?;
        Ok(Response::no_content())
    }
}
