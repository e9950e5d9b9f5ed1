//! Wires [`reconcile`] and serves the operators who invoke it.

use lambda_kit::{Error, Wiring};
use lambda_runtime::{LambdaEvent, service_fn};
use reconcile::{Request, deadline, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let reconciliation = Wiring::start().await.reconciliation()?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Request>| {
        let until = deadline(event.context.deadline);
        handle(&reconciliation, event.payload, until).await.map_err(Error::from)
    }))
    .await
}
