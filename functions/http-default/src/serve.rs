//! Serves the routes of the function.

use lambda_kit::{Error, http, telemetry};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    telemetry::init();
    http::run_open(async |method, path| crate::handle(method, path)).await
}
