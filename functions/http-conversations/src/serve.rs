//! Wires the function and serves its routes.

use lambda_kit::{Error, Wiring, http};

use crate::Handler;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (membership, inbox) = (wiring.limited_membership()?, wiring.inbox()?);
    inbox.log.warm_up().await;
    let handler = Handler {
        membership,
        inbox,
        connections: wiring.connections()?,
        notifier: wiring.notifier()?,
        user_notifier: wiring.user_notifier()?,
        retention_rows: wiring.retention_rows()?,
        retention_queue: wiring.retention_queue()?,
        erasure: wiring.erasure_requests()?,
        kept: wiring.kept()?,
    };
    http::run_with_backends(wiring.audit()?, async |request| handler.handle(request).await).await
}
