//! Wires the function and serves its routes.

use lambda_kit::{Error, Wiring, http};

use crate::Handler;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let handler = Handler { users: wiring.users()?, objects: wiring.objects()? };
    http::run(async |request| handler.handle(request).await).await
}
