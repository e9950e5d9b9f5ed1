//! Wires the function and serves its route.

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Event;
use lambda_kit::config::required;
use lambda_kit::{Error, telemetry};
use lambda_runtime::{Diagnostic, LambdaEvent};

use crate::{Expected, Keys, Verifier, handle};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    telemetry::init();
    // Fails only if a provider is already set; this process sets one only here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let issuer = required("OIDC_ISSUER")?;
    let keys = Keys::new(issuer.clone())?;
    keys.warm_up().await;
    let (audience, server_scope) = (required("OIDC_AUDIENCE")?, required("SERVER_SCOPE")?);
    let verifier = Verifier::new(keys, Expected { issuer, audience, server_scope });
    lambda_kit::serve(async |event: LambdaEvent<Event>| {
        handle(&verifier, &event.payload)
            .await
            .map_err(|error| Diagnostic { error_type: "KeyError".to_owned(), error_message: error.to_string() })
    })
    .await
}
