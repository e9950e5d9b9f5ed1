//! The answer that CloudFormation waits for: a PUT to the URL that its request names.

use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest as Event;
use serde::Serialize;

/// One schema per stack: an id that never changes keeps CloudFormation from replacing the resource.
const PHYSICAL_RESOURCE_ID: &str = "migrations";

/// Reasons for which CloudFormation does not receive the outcome.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    /// The request is of a type that did not exist when this was written.
    #[error("the type of the request is unknown")]
    UnknownRequest,
    /// The answer did not get through.
    #[error("CloudFormation did not accept the response")]
    Http(#[from] reqwest::Error),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    status: &'static str,
    reason: String,
    physical_resource_id: &'static str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

#[derive(Clone, Debug, Default)]
pub struct Responder {
    client: reqwest::Client,
}

impl Responder {
    /// Responds with `SUCCESS`, or `FAILED` and the reason.
    pub async fn respond(&self, event: &Event, failure: Option<String>) -> Result<(), RespondError> {
        macro_rules! fields {
            ($request:expr) => {
                (&$request.response_url, &$request.stack_id, &$request.request_id, &$request.logical_resource_id)
            };
        }
        let (url, stack_id, request_id, logical_resource_id) = match event {
            Event::Create(request) => fields!(request),
            Event::Update(request) => fields!(request),
            Event::Delete(request) => fields!(request),
            _ => return Err(RespondError::UnknownRequest),
        };
        let answer = Answer {
            status: if failure.is_none() { "SUCCESS" } else { "FAILED" },
            reason: failure.unwrap_or_default(),
            physical_resource_id: PHYSICAL_RESOURCE_ID,
            stack_id,
            request_id,
            logical_resource_id,
        };
        // The presigned URL is signed for an empty content type.
        let body = serde_json::to_vec(&answer).unwrap_or_default();
        self.client.put(url).header("content-type", "").body(body).send().await?.error_for_status()?;
        Ok(())
    }
}
