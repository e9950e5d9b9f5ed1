//! Wires the function and serves its routes.

use lambda_kit::{Error, Wiring, http};

use crate::Handler;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    wiring.newest_log()?.warm_up().await;
    let (membership, connections) = (wiring.limited_membership()?, wiring.connections()?);
    let handler = Handler { membership, connections, notifier: wiring.notifier()? };
    http::run_with_backends(wiring.audit()?, async |request| handler.handle(request).await).await
}
