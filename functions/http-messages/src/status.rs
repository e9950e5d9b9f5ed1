//! `GET …/messages/{seq}/status` and `GET …/receipts`.

use domain::protocol::http::{PageQuery, StatusPage, WatermarksPage, pages};
use domain::protocol::read::page;
use domain::{ApiError, UserId};
use lambda_kit::http::{Request, Response};
use store::dynamodb::members::Entry;

use crate::Handler;

impl Handler {
    /// Returns the recipients of a message with the times of delivery and read.
    pub(crate) async fn status(&self, request: &Request) -> Result<Response, ApiError> {
        let (conversation, seq) = (request.id("id")?, request.seq()?);
        let PageQuery::<Entry> { limit, cursor } = request.query()?;
        let (limit, after) = page(limit, cursor, pages::RECIPIENTS)?;
        let of_message =
            self.status_reader.of_message(conversation, request.user_id(), seq, after.as_ref(), limit).await?;
        let (recipients, cursor) = of_message;
        Response::ok(&StatusPage { recipients, cursor: cursor.map(|entry| entry.to_string()) })
    }

    /// Returns the watermarks of each member.
    pub(crate) async fn receipts(&self, request: &Request) -> Result<Response, ApiError> {
        let PageQuery::<UserId> { limit, cursor } = request.query()?;
        let (limit, after) = page(limit, cursor, pages::RECEIPTS)?;
        let (receipts, cursor) =
            self.status_reader.of_members(request.id("id")?, request.user_id(), after, limit).await?;
        Response::ok(&WatermarksPage { receipts, cursor })
    }
}
