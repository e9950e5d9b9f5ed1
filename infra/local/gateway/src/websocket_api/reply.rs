//! Answers one message: invokes its route and sends what goes back to the client.

use serde::Serialize;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::connections::{Connection, PushError};
use super::end::End;
use super::event::Events;
use super::gateway::Gateway;
use super::integration;
use crate::http_api::Stamp;
use crate::throttle::TOO_MANY_REQUESTS;

/// The gateway's own message, in a frame or as the body of a refused handshake.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GatewayError<'a> {
    pub(super) message: &'a str,
    pub(super) connection_id: &'a str,
    pub(super) request_id: &'a str,
}

impl GatewayError<'_> {
    pub(super) fn to_json(&self) -> String {
        // Three strings always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Runs the route that `message` selects.
///
/// A failure reaches the client on every route. The function's own body does only on a route that has a route response
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html>), whatever
/// the status code. A response without a body is reported to reach it as an empty frame.
pub(super) async fn answer(gateway: &Gateway, connection: &Connection, message: Utf8Bytes) {
    let stamp = Stamp::now();
    let selected = gateway.selector.select(&gateway.api.routes, &message);
    let throttle = &gateway.throttle;
    if !selected.map_or_else(|| throttle.account().admits_request(), |(key, _)| throttle.admits(key)) {
        return refuse(connection, &stamp);
    }
    let body = match selected {
        None => Err("Forbidden"),
        Some((key, route)) => {
            let event = Events { api: &gateway.api, origin: &connection.origin, stamp: &stamp }.message(key, &message);
            match integration::invoke(&gateway.lambda, route, event).await {
                Ok(response) if route.responds => response.into_body().map(Some),
                Ok(_) => Ok(None),
                Err(failure) => Err(failure),
            }
            .and_then(|body| within(gateway.limits.message, body, route.function.as_str()))
            .map_err(integration::Failure::message)
        }
    };
    let text = match body {
        Ok(None) => return,
        Ok(Some(text)) => text,
        Err(message) => error(message, connection, &stamp),
    };
    connection.push(Message::text(text)).await;
}

/// Refuses a route response that is larger than a message may be, as a post to `@connections` is refused.
fn within(limit: usize, body: Option<String>, function: &str) -> Result<Option<String>, integration::Failure> {
    match body {
        Some(body) if body.len() > limit => {
            tracing::warn!(function, bytes = body.len(), limit, "the route response is larger than a message may be");
            Err(integration::Failure::Failed)
        }
        body => Ok(body),
    }
}

/// Sends the client an error because it sends too much, and disconnects a client that does not read it.
fn refuse(connection: &Connection, stamp: &Stamp) {
    let refusal = Message::text(error(TOO_MANY_REQUESTS, connection, stamp));
    if connection.try_push(refusal) == Err(PushError::Full) {
        connection.end(End::throttled());
    }
}

fn error(message: &str, connection: &Connection, stamp: &Stamp) -> String {
    let connection_id = &connection.origin.connection_id;
    GatewayError { message, connection_id, request_id: &stamp.id }.to_json()
}
