//! Wires [`reconcile`] and serves the operators who invoke it.

use lambda_kit::{Error, Wiring, deadline};
use lambda_runtime::{LambdaEvent, service_fn};
use reconcile::{Request, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let reconciliation = Wiring::start().await.reconciliation()?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Request>| {
        let deadline = deadline(&event.context);
        handle(&reconciliation, event.payload, deadline).await.map_err(Error::from)
    }))
    .await
}
