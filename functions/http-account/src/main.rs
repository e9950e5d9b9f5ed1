//! Wires [`http_account`] and serves its routes.

use http_account::Handler;
use lambda_kit::{Error, Wiring, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let handler = Handler { deletion: wiring.deletion()?, notifier: wiring.notifier()? };
    http::run(async |request| handler.handle(request).await).await
}
