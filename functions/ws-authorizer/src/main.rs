//! Wires [`ws_authorizer`] and serves its route.

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Event;
use lambda_kit::config::required;
use lambda_kit::{Error, serve, telemetry};
use lambda_runtime::{Diagnostic, LambdaEvent};
use ws_authorizer::{Keys, Verifier, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    // Fails only if a provider is already set; this process sets one only here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let issuer = required("OIDC_ISSUER")?;
    let keys = Keys::new(issuer.clone())?;
    keys.warm_up().await;
    let verifier = Verifier::new(keys, issuer, required("OIDC_AUDIENCE")?);
    serve(async |event: LambdaEvent<Event>| {
        handle(&verifier, &event.payload)
            .await
            .map_err(|error| Diagnostic { error_type: "KeyError".to_owned(), error_message: error.to_string() })
    })
    .await
}
