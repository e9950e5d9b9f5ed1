//! Wires [`ws_send`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};
use ws_send::Send;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let send = Send { log: wiring.sending_log()?, files: wiring.file_items()?, notifier: wiring.notifier()? };
    send.notifier.warm_up().await;
    websocket::run(send.notifier.api(), async |caller, request| send.handle(caller, request).await).await
}
