//! Wires [`http_conversations`] and serves its routes.

use http_conversations::Handler;
use lambda_kit::{Error, Wiring, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (membership, inbox) = (wiring.limited_membership()?, wiring.inbox()?);
    inbox.log.warm_up().await;
    let handler = Handler { membership, inbox, connections: wiring.connections()?, notifier: wiring.notifier()? };
    http::run(async |request| handler.handle(request).await).await
}
