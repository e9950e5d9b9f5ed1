//! Wires the function and serves the operators who invoke it.

use lambda_kit::{Error, Wiring, deadline};
use lambda_runtime::LambdaEvent;

use crate::{Request, handle};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let reconciliation = Wiring::start().await.reconciliation()?;
    lambda_kit::serve(async |event: LambdaEvent<Request>| {
        let deadline = deadline(&event.context);
        handle(&reconciliation, event.payload, deadline).await.map_err(Error::from)
    })
    .await
}
