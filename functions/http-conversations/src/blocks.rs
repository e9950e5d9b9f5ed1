//! `GET /v1/blocks`, and `PUT` and `DELETE /v1/blocks/{user_id}`: the users whom the caller blocks.

use domain::protocol::Push;
use domain::protocol::http::{BlocksPage, PageQuery, pages};
use domain::protocol::read::page;
use domain::{ApiError, UserId};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Lists the users whom the caller blocks. Cost: one request.
    pub(crate) async fn blocks(&self, request: &Request) -> Result<Response, ApiError> {
        let PageQuery::<UserId> { limit, cursor } = request.query()?;
        let (limit, after) = page(limit, cursor, pages::BLOCKS)?;
        let (user_ids, cursor) = self.membership.blocked_by(request.user_id(), after, limit).await?;
        Response::ok(&BlocksPage { user_ids, cursor })
    }

    /// Blocks a user, or ends the block, and tells the caller's devices. Safe to repeat.
    pub(crate) async fn block(&self, request: &Request, blocked: bool) -> Result<Response, ApiError> {
        let (caller, user_id) = (request.user_id(), request.id("user_id")?);
        if user_id == caller {
            return Err(ApiError::invalid("You cannot block yourself."));
        }
        let applied = self.membership.set_block(caller, user_id, blocked).await?;
        self.user_notifier.push(caller, &Push::Block { user_id, blocked }).await;
        self.notifier.changes(&applied).await?;
        Ok(Response::no_content())
    }
}
