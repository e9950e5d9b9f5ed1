//! Wires [`reconcile`] and serves the operators who invoke it.

use lambda_kit::{Error, Wiring, deadline, serve};
use lambda_runtime::LambdaEvent;
use reconcile::{Request, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let reconciliation = Wiring::start().await.reconciliation()?;
    serve(async |event: LambdaEvent<Request>| {
        let deadline = deadline(&event.context);
        handle(&reconciliation, event.payload, deadline).await.map_err(Error::from)
    })
    .await
}
