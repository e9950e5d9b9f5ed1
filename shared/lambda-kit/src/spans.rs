//! Spans of invocations: their fields are the ids that every log line of an invocation has. Their level is `ERROR`, so that no
//! filter drops the ids.

use std::fmt::Display;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayWebsocketProxyRequestContext};
use tracing::Span;
use tracing::field::Empty;

/// An HTTP request. The caller records `user_id`, and the `client_id` of a backend, once the token's claims are read. The path has the ids of what is requested;
/// the query is left out.
pub(crate) fn request(request_id: &str, event: &ApiGatewayV2httpRequest) -> Span {
    let route = event.route_key.as_deref().unwrap_or_default();
    let of_conversation = route.contains("/conversations/{id}");
    let conversation_id = of_conversation.then(|| event.path_parameters.get("id").map(String::as_str)).flatten();
    tracing::error_span!(
        "request",
        request_id,
        route,
        path = event.raw_path,
        conversation_id,
        user_id = Empty,
        client_id = Empty
    )
}

/// A frame, or the beginning or end of a connection. The caller records `user_id` and `conversation_id` once they are read.
pub(crate) fn frame(request_id: &str, context: &ApiGatewayWebsocketProxyRequestContext) -> Span {
    let (route, connection_id) = (context.route_key.as_deref(), context.connection_id.as_deref());
    tracing::error_span!("frame", request_id, route, connection_id, conversation_id = Empty, user_id = Empty)
}

/// Records an id that was read within the current span, which [`request`] or [`frame`] made.
pub(crate) fn record(name: &'static str, id: impl Display) {
    Span::current().record(name, tracing::field::display(id));
}

/// A batch of queue messages or stream records. Lines about one of them name its ids.
pub(crate) fn batch(request_id: &str, records: usize) -> Span {
    tracing::error_span!("batch", request_id, records)
}

/// An event of an object in the bucket.
pub(crate) fn object(request_id: &str, key: &str) -> Span {
    tracing::error_span!("object", request_id, key)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::EnvFilter;

    use super::*;
    use crate::telemetry;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns the line that is written for a warning within the span.
    fn line(span: impl FnOnce() -> Span) -> Value {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = telemetry::subscriber(EnvFilter::new("warn"), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || span().in_scope(|| tracing::warn!(seq = 7, "late")));
        let line = lines.0.lock().unwrap().clone();
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn a_line_of_a_request_has_its_ids() {
        let event: ApiGatewayV2httpRequest = serde_json::from_value(json!({
            "routeKey": "GET /v1/conversations/{id}/members", "rawPath": "/v1/conversations/c/members",
            "rawQueryString": "token=secret", "pathParameters": {"id": "c"}, "headers": {}, "isBase64Encoded": false,
            "requestContext": {"http": {"method": "GET"}}
        }))
        .unwrap();
        let line = line(|| {
            let span = request("r", &event);
            span.in_scope(|| record("user_id", "u"));
            span
        });
        let ids = json!({
            "name": "request", "request_id": "r", "route": "GET /v1/conversations/{id}/members",
            "path": "/v1/conversations/c/members", "conversation_id": "c", "user_id": "u"
        });
        assert_eq!((&line["span"], &line["seq"], &line["message"]), (&ids, &json!(7), &json!("late")));
        assert!(!line.to_string().contains("secret"), "{line}");
    }

    #[test]
    fn a_line_of_a_frame_has_its_ids() {
        let event =
            json!({"routeKey": "send", "connectionId": "x", "connectedAt": 0, "requestTimeEpoch": 0, "authorizer": {}});
        let context = serde_json::from_value(event).unwrap();
        let line = line(|| {
            let span = frame("r", &context);
            span.record("user_id", "u");
            span.record("conversation_id", "c");
            span
        });
        let ids = json!({
            "name": "frame", "request_id": "r", "route": "send", "connection_id": "x", "conversation_id": "c", "user_id": "u"
        });
        assert_eq!(line["span"], ids);
    }
}
