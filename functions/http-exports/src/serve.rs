//! Wires the function and serves its routes.

use lambda_kit::{Error, Wiring, http};

use crate::Handler;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let handler = Handler { requests: wiring.export_requests()?, connections: wiring.connections()? };
    http::run_with_backends(wiring.audit()?, async |request| handler.handle(request).await).await
}
