//! Wires the function and serves its routes.

use lambda_kit::{Error, Wiring, http};

use crate::Handler;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (deletion, erasure) = (wiring.deletion()?, wiring.erasure_requests()?);
    let handler = Handler { deletion, erasure, notifier: wiring.notifier()? };
    http::run_with_backends(wiring.audit()?, async |request| handler.handle(request).await).await
}
