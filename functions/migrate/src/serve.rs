//! Wires the function and serves its custom resource.

use lambda_kit::config::{aws, max_concurrency, required};
use lambda_kit::{Error, telemetry};
use lambda_runtime::LambdaEvent;
use store::sql::Patience;

use crate::{FunctionsRole, Responder, handle};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    telemetry::init();
    // Fails only if a provider is already set; this process sets one only here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let aws = aws().await;
    let role = FunctionsRole::new(aws_sdk_secretsmanager::Client::new(&aws), required("FUNCTIONS_SECRET_ARN")?);
    let (cluster, secret, database) = (required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let patience = Patience::MIGRATIONS;
    let pool = store::sql::connect((&aws).into(), cluster, secret, database, patience, max_concurrency());
    let responder = Responder::default();
    lambda_kit::serve(async |event: LambdaEvent<_>| {
        handle(&pool, &role, &responder, event.payload).await.map_err(Error::from)
    })
    .await
}
