//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, http};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let audit = wiring.audit()?;
    http::run_with_backends(audit.clone(), async |request| crate::handle(&audit, request).await).await
}
