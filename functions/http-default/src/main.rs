//! Serves [`http_default`].

use lambda_kit::{Error, http, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    http::run_open(async |method, path| http_default::handle(method, path)).await
}
