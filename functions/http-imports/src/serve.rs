//! Wires the function and serves its routes.

use lambda_kit::{Error, Wiring, http};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let requests = wiring.import_requests()?;
    http::run_with_backends(wiring.audit()?, async |request| crate::handle(&requests, request).await).await
}
