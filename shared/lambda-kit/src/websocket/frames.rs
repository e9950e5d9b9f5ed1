//! Frames in, replies out.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::protocol::read::Json;
use domain::protocol::{Answer, ErrorBody, MAX_FRAME_ID_BYTES, Reply};
use domain::{ApiError, ConversationId, ErrorCode, Timestamp};
use lambda_runtime::LambdaEvent;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use store::connections_api::ConnectionsApi;
use tracing::Instrument;

use super::{Caller, Response};
use crate::error::log_once;
use crate::{deadline, serve, spans};

/// The part of a frame that is read first, so that an error in the rest can be answered with its `id`.
#[derive(Default, Deserialize)]
struct Envelope {
    id: Option<String>,
    /// For the log; `None` if it is absent or malformed, which the parser of the frame reports.
    #[serde(default, deserialize_with = "lenient")]
    conversation_id: Option<ConversationId>,
}

#[allow(clippy::unnecessary_wraps, reason = "the signature that serde requires")]
fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ConversationId>, D::Error> {
    // The reader stands on a value, so that a failure leaves nothing half read.
    Ok(ConversationId::deserialize(deserializer).ok())
}

/// Serves a route's frames until Lambda ends the process. Only this function converts an [`ApiError`] to a reply.
///
/// A success is answered only if the frame has an `id` (each frame is billed); errors and pongs always are. A frame after the
/// token's end gets `token_expired`, and its connection is closed.
pub async fn run<T, F>(connections_api: &ConnectionsApi, handle: F) -> Result<(), lambda_runtime::Error>
where
    T: DeserializeOwned,
    F: AsyncFn(Caller, T) -> Result<Answer, ApiError>,
{
    serve(async |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        let request_id = &event.context.request_id;
        let span = spans::frame(request_id, &event.payload.request_context);
        let respond = async {
            let arrived = event.payload.request_context.request_time_epoch;
            let (envelope, frame) = read(&event.payload, request_id);
            if let Some(conversation_id) = envelope.conversation_id {
                spans::record("conversation_id", conversation_id);
            }
            let answer = match frame {
                Ok((caller, body)) => {
                    spans::record("user_id", caller.user_id);
                    deadline::within(deadline::of_request(&event.context, arrived), handle(caller, body)).await
                }
                Err(error) => Err(error),
            };
            let expired = matches!(&answer, Err(error) if error.code == ErrorCode::TokenExpired);
            let mut response = reply(envelope.id, answer, request_id);
            if let (true, Some(connection)) = (expired, &event.payload.request_context.connection_id) {
                // The error must be sent before the connection is closed, so it cannot be the route's response.
                connections_api.close_with_frame(connection, &response.body.take().unwrap_or_default()).await;
            }
            response
        };
        Ok::<_, std::convert::Infallible>(respond.instrument(span).await)
    })
    .await
}

type Frame<T> = Result<(Caller, T), ApiError>;

/// Parses the envelope, which is empty if that fails, and the frame.
fn read<T: DeserializeOwned>(event: &ApiGatewayWebsocketProxyRequest, request_id: &str) -> (Envelope, Frame<T>) {
    let parsed = Json::parse(event.body.as_deref().unwrap_or_default());
    let parsed = parsed.and_then(|json| Ok((json.read::<Envelope>()?, json)));
    let (envelope, json) = match parsed {
        Ok((envelope, json)) if envelope.id.as_ref().is_none_or(|id| id.len() <= MAX_FRAME_ID_BYTES) => {
            (envelope, json)
        }
        Ok(_) => {
            let error = ApiError::invalid(format!("`id` can have at most {MAX_FRAME_ID_BYTES} bytes."));
            return (Envelope::default(), Err(error));
        }
        Err(error) => return (Envelope::default(), Err(error)),
    };
    let frame = Caller::new(&event.request_context, request_id)
        .and_then(|caller| caller.check_expiry(Timestamp::now()).map(|()| caller))
        .and_then(|caller| Ok((caller, json.read()?)));
    (envelope, frame)
}

fn reply(reply_to: Option<String>, answer: Result<Answer, ApiError>, request_id: &str) -> Response {
    let answer = answer.unwrap_or_else(|error| {
        log_once(&error);
        Answer::Error { error: ErrorBody::new(&error, request_id) }
    });
    let has_reply = reply_to.is_some() || matches!(answer, Answer::Error { .. } | Answer::Pong { .. });
    let body = has_reply.then(|| serde_json::to_string(&Reply { reply_to, answer })).transpose();
    match body {
        Ok(body) => Response { status_code: 200, headers: BTreeMap::new(), body },
        Err(error) => {
            tracing::error!(request_id, %error, "a reply could not be encoded");
            Response { status_code: 500, headers: BTreeMap::new(), body: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_answered_only_if_the_frame_has_an_id() {
        assert_eq!(reply(None, Ok(Answer::Accepted), "q").body, None);
        assert_eq!(
            reply(Some("r1".into()), Ok(Answer::Accepted), "q").body.as_deref(),
            Some(r#"{"reply_to":"r1","type":"accepted"}"#)
        );
    }

    #[test]
    fn errors_are_always_answered_without_their_cause() {
        let error = ApiError::internal(std::io::Error::other("secret"));
        let body = reply(None, Err(error), "q").body.unwrap();
        assert!(body.contains(r#""code":"internal""#) && body.contains(r#""request_id":"q""#), "{body}");
        assert!(!body.contains("secret"), "{body}");
    }

    #[test]
    fn id_is_known_whatever_the_other_fields_are() {
        for conversation in ["null", "7", "18446744073709551615", "1e400", "[]", "{\"a\":-1}", "\"x\""] {
            let text = format!(r#"{{"id":"r1","conversation_id":{conversation}}}"#);
            // A number that JSON cannot hold is no JSON.
            let Ok(json) = Json::parse(&text) else { continue };
            assert_eq!(json.read::<Envelope>().unwrap().id.as_deref(), Some("r1"), "{text}");
        }
    }

    #[test]
    fn broken_json_and_invalid_fields_have_different_codes() {
        let code = |text| Json::parse(text).and_then(|json| json.read::<Envelope>()).err().map(|error| error.code);
        for (text, expected) in [
            ("{", ErrorCode::BadJson),
            (r#"{"id":7}"#, ErrorCode::InvalidRequest),
            (r#"["r1"]"#, ErrorCode::InvalidRequest),
            (r#"{"id":"r1","id":"r2"}"#, ErrorCode::InvalidRequest),
        ] {
            assert_eq!(code(text), Some(expected), "{text}");
        }
    }
}
