//! Functions of the `$connect` and `$disconnect` routes.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::ApiError;
use lambda_runtime::LambdaEvent;
use tracing::Instrument;

use super::{Caller, Response};
use crate::error::log_once;
use crate::{deadline, serve, spans};

/// The subprotocol that clients offer in front of their token.
const SUBPROTOCOL: &str = "bearer";

/// Serves `$connect` or `$disconnect` until Lambda ends the process. An error refuses the connection.
pub async fn run_lifecycle<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(Caller) -> Result<(), ApiError>,
{
    serve(async |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        let deadline = deadline::of_request(&event.context, event.payload.request_context.request_time_epoch);
        let request_id = event.context.request_id;
        let span = spans::frame(&request_id, &event.payload.request_context);
        let event = event.payload;
        let respond = async {
            let result = match Caller::new(&event.request_context, &request_id) {
                Ok(caller) => {
                    spans::record("user_id", caller.user_id);
                    deadline::within(deadline, handle(caller)).await
                }
                Err(error) => Err(error),
            };
            response(offers_bearer(&event), result)
        };
        Ok::<_, std::convert::Infallible>(respond.instrument(span).await)
    })
    .await
}

/// Returns true if the client offered the subprotocol, which then has to be accepted, or browsers close the connection.
fn offers_bearer(event: &ApiGatewayWebsocketProxyRequest) -> bool {
    let offered = event.headers.get_all("sec-websocket-protocol").into_iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offered.any(|name| name.trim() == SUBPROTOCOL)
}

fn response(offers_bearer: bool, result: Result<(), ApiError>) -> Response {
    let mut headers = BTreeMap::new();
    if offers_bearer {
        headers.insert("Sec-WebSocket-Protocol", SUBPROTOCOL.to_owned());
    }
    let status_code = match result {
        Ok(()) => 200,
        Err(error) => {
            log_once(&error);
            error.code.status()
        }
    };
    Response { status_code, headers, body: None }
}
