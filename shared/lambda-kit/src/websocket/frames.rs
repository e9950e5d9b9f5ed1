//! Frames in, replies out.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::protocol::{Answer, ErrorBody, Reply};
use domain::{ApiError, ErrorCode, Timestamp};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::connections_api::ConnectionsApi;

use super::{Caller, Response};
use crate::deadline;
use crate::error::{log_once, parse};

/// Longest `id` of a frame, in bytes: it is echoed, so it is bounded.
const MAX_ID_BYTES: usize = 128;

/// The part of a frame that is read first, so that an error in the rest can be answered with its `id`.
#[derive(Deserialize)]
struct Envelope {
    id: Option<String>,
}

/// Serves a route's frames until Lambda ends the process. The one place where an [`ApiError`] becomes a reply.
///
/// A success is answered only if the frame has an `id` (each frame is billed); errors and pongs always are. A frame after the
/// token's end gets `token_expired`, and its connection is closed.
pub async fn run<T, F>(pusher: &ConnectionsApi, handle: F) -> Result<(), lambda_runtime::Error>
where
    T: DeserializeOwned,
    F: AsyncFn(Caller, T) -> Result<Answer, ApiError>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        let (reply_to, frame) = read(&event.payload);
        let answer = match frame {
            Ok((caller, body)) => deadline::within(deadline::of(&event.context), handle(caller, body)).await,
            Err(error) => Err(error),
        };
        let request_id = event.context.request_id;
        let expired = matches!(&answer, Err(error) if error.code == ErrorCode::TokenExpired);
        let mut response = reply(reply_to, answer, &request_id);
        if let (true, Some(connection)) = (expired, &event.payload.request_context.connection_id) {
            // The farewell has to be out before the connection is closed, so it cannot wait for the route's response.
            pusher.close_with_frame(connection, &response.body.take().unwrap_or_default()).await;
        }
        Ok::<_, std::convert::Infallible>(response)
    }))
    .await
}

type Frame<T> = Result<(Caller, T), ApiError>;

/// The frame's `id`, as far as it can be read, and the frame.
fn read<T: DeserializeOwned>(event: &ApiGatewayWebsocketProxyRequest) -> (Option<String>, Frame<T>) {
    let text = event.body.as_deref().unwrap_or_default();
    let id = match parse::<Envelope>(text) {
        Ok(Envelope { id }) if id.as_ref().is_none_or(|id| id.len() <= MAX_ID_BYTES) => id,
        Ok(_) => return (None, Err(ApiError::invalid(format!("`id` has at most {MAX_ID_BYTES} bytes.")))),
        Err(error) => return (None, Err(error)),
    };
    let frame = Caller::new(&event.request_context)
        .and_then(|caller| caller.check_expiry(Timestamp::now()).map(|()| caller))
        .and_then(|caller| Ok((caller, parse(text)?)));
    (id, frame)
}

fn reply(reply_to: Option<String>, answer: Result<Answer, ApiError>, request_id: &str) -> Response {
    let answer = answer.unwrap_or_else(|error| {
        log_once(&error);
        Answer::Error { error: ErrorBody::new(&error, request_id) }
    });
    let wanted = reply_to.is_some() || matches!(answer, Answer::Error { .. } | Answer::Pong { .. });
    let body = wanted.then(|| serde_json::to_string(&Reply { reply_to, answer })).transpose();
    match body {
        Ok(body) => Response { status_code: 200, headers: BTreeMap::new(), body },
        Err(error) => {
            tracing::error!(%error, "a reply cannot be written");
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
    fn broken_json_and_invalid_fields_have_different_codes() {
        assert_eq!(parse::<Envelope>("{").err().map(|error| error.code), Some(ErrorCode::BadJson));
        assert_eq!(parse::<Envelope>(r#"{"id":7}"#).err().map(|error| error.code), Some(ErrorCode::InvalidRequest));
    }
}
