//! `GET /v1/server/audit`: what backends have done with server tokens.

mod serve;

use domain::page::{Page, Room};
use domain::protocol::http::{AuditDay, AuditEntry, AuditPage, AuditQuery, pages};
use domain::protocol::read::page;
use domain::{ApiError, Timestamp};
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Audit;

pub use serve::serve;

/// Answers one request: the entries of one client and day, oldest first, those of the request itself included.
pub async fn handle(audit: &Audit, request: Request) -> Result<Response, ApiError> {
    let ("GET /v1/audit", Some(backend)) = (request.route(), request.backend()) else { return Err(no_such_route()) };
    let AuditQuery { client_id, day, limit, cursor } = request.query()?;
    let (limit, after) = page(limit, cursor, pages::AUDIT)?;
    let client_id = client_id.as_deref().unwrap_or(&backend.client_id);
    let day = day.unwrap_or_else(|| AuditDay::of(Timestamp::now()));
    let entries = audit.page(client_id, day, after.as_ref(), limit + 1).await?;
    let page = Page::cut(entries, limit, Room::of_body()).map_err(ApiError::internal)?;
    let cursor = page.cursor(AuditEntry::cursor);
    Response::ok(&AuditPage { entries: page.items, cursor })
}
