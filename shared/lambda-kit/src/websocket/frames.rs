//! Frames in, replies out.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use domain::wire::{Answer, ErrorBody, Reply};
use domain::{ApiError, Timestamp};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Caller, Response};
use crate::error::{log_once, parse};

/// Longest `id` of a frame, in bytes: it is echoed, so it is bounded.
const MAX_ID_BYTES: usize = 128;

/// What is read of a frame before anything else, so that even a refusal of the rest can be told apart.
#[derive(Deserialize)]
struct Envelope {
    id: Option<String>,
}

/// Serves a route's frames until Lambda ends the process. The one place where an [`ApiError`] becomes a reply.
///
/// A success is answered only where the frame has an `id` (each frame is billed); errors and pongs always are.
pub async fn run<T, F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    T: DeserializeOwned,
    F: AsyncFn(Caller, T) -> Result<Answer, ApiError>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        let text = event.payload.body.as_deref().unwrap_or_default();
        let id = serde_json::from_str::<Envelope>(text).ok().and_then(|envelope| envelope.id);
        let id = id.filter(|id| id.len() <= MAX_ID_BYTES);
        let answer = match read(&event.payload) {
            Ok((caller, body)) => handle(caller, body).await,
            Err(error) => Err(error),
        };
        Ok::<_, std::convert::Infallible>(reply(id, answer, &event.context.request_id))
    }))
    .await
}

fn read<T: DeserializeOwned>(event: &ApiGatewayWebsocketProxyRequest) -> Result<(Caller, T), ApiError> {
    let caller = Caller::new(&event.request_context)?;
    caller.check_expiry(Timestamp::now())?;
    let body = parse(event.body.as_deref().unwrap_or_default())?;
    Ok((caller, body))
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
    use domain::ErrorCode;

    use super::*;

    #[test]
    fn a_success_is_answered_only_where_it_was_asked_for() {
        assert_eq!(reply(None, Ok(Answer::Accepted), "q").body, None);
        assert_eq!(
            reply(Some("r1".into()), Ok(Answer::Accepted), "q").body.as_deref(),
            Some(r#"{"reply_to":"r1","type":"accepted"}"#)
        );
    }

    #[test]
    fn an_error_is_always_answered_and_says_nothing_of_its_cause() {
        let error = ApiError::internal(std::io::Error::other("secret"));
        let body = reply(None, Err(error), "q").body.unwrap();
        assert!(body.contains(r#""code":"internal""#) && body.contains(r#""request_id":"q""#), "{body}");
        assert!(!body.contains("secret"), "{body}");
    }

    #[test]
    fn broken_json_and_a_wrong_shape_are_told_apart() {
        assert_eq!(parse::<Envelope>("{").err().map(|error| error.code), Some(ErrorCode::BadJson));
        assert_eq!(parse::<Envelope>(r#"{"id":7}"#).err().map(|error| error.code), Some(ErrorCode::InvalidRequest));
    }
}
