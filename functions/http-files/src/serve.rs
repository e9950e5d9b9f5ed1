//! Wires the function and serves its routes.

use lambda_kit::{Error, Wiring, http};

use crate::Handler;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let handler = Handler { log: wiring.log()?, uploads: wiring.uploads()?, connections: wiring.connections()? };
    handler.log.warm_up().await;
    http::run(async |request| handler.handle(request).await).await
}
