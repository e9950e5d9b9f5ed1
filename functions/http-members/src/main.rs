//! Wires [`http_members`] and serves its routes.

use http_members::Handler;
use lambda_kit::{Error, Wiring, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    wiring.log()?.warm_up().await;
    let (membership, connections) = (wiring.limited_membership()?, wiring.connections()?);
    let handler = Handler { membership, connections, notifier: wiring.notifier()? };
    http::run(async |request| handler.handle(request).await).await
}
