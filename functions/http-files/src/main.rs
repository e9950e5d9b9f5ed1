//! Wires [`http_files`] and serves its routes.

use http_files::Handler;
use lambda_kit::{Error, Wiring, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let handler = Handler { log: wiring.log()?, uploads: wiring.uploads()?, connections: wiring.connections()? };
    handler.log.warm_up().await;
    http::run(async |request| handler.handle(request).await).await
}
