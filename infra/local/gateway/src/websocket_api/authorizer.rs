//! The Lambda REQUEST authorizer on `$connect`.

use axum::http::request::Parts;
use bytes::Bytes;
use local_aws::policy::Verdict;
use local_lambda::{Lambda, Outcome};
use local_template::model::RequestAuthorizer;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::event::{query, text};
use crate::iam_policy::Policy;

/// The largest authorizer result that API Gateway takes, in bytes.
const MAX_RESULT_BYTES: usize = 8 * 1024;

/// Reasons for which a handshake is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// An identity source is missing, or the function failed with the message `Unauthorized`.
    Unauthorized,
    /// A statement of the policy denies.
    ExplicitDeny,
    /// No statement of the policy allows.
    ImplicitDeny,
    /// The function failed in another way, or what it returned is no authorizer result.
    Failed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerResult {
    principal_id: String,
    policy_document: Policy,
    context: Option<Map<String, Value>>,
}

/// A place in the handshake that has to hold a value.
enum IdentitySource<'a> {
    Header(&'a str),
    QueryString(&'a str),
}

impl<'a> IdentitySource<'a> {
    fn parse(expression: &'a str) -> Option<Self> {
        let place = expression.strip_prefix("route.request.")?;
        let (kind, name) = place.split_once('.')?;
        match kind {
            "header" => Some(Self::Header(name)),
            "querystring" => Some(Self::QueryString(name)),
            _ => None,
        }
    }

    fn is_present(&self, head: &Parts) -> bool {
        match self {
            Self::Header(name) => text(&head.headers, name).is_some_and(|value| !value.is_empty()),
            Self::QueryString(name) => {
                query(head).get(*name).is_some_and(|values| values.iter().any(|value| !value.is_empty()))
            }
        }
    }
}

/// Refuses identity sources that could not be looked up when a client comes.
pub(super) fn check_identity_sources(sources: &[String]) -> Result<(), String> {
    match sources.iter().find(|source| IdentitySource::parse(source).is_none()) {
        Some(source) => Err(format!(
            "the identity source `{source}` is neither route.request.header.name nor route.request.querystring.name"
        )),
        None => Ok(()),
    }
}

/// Returns true if the handshake has every identity source of the authorizer. Otherwise it is refused without an invocation.
pub(super) fn has_identity(authorizer: &RequestAuthorizer, head: &Parts) -> bool {
    authorizer
        .identity_sources
        .iter()
        .filter_map(|source| IdentitySource::parse(source))
        .all(|source| source.is_present(head))
}

/// Asks the function. Its answer, when the policy allows `method_arn`, is the `authorizer` of every event of the
/// connection: the context with its values as strings, and `principalId`.
pub(super) async fn authorize(
    lambda: &Lambda,
    function: &str,
    event: Vec<u8>,
    method_arn: &str,
) -> Result<Map<String, Value>, Refused> {
    let payload = match lambda.invoke(function, Bytes::from(event)).await {
        Ok(Outcome::Success(payload)) => payload,
        Ok(Outcome::FunctionError(error)) if error_message(&error).as_deref() == Some("Unauthorized") => {
            return Err(Refused::Unauthorized);
        }
        Ok(Outcome::FunctionError(error)) => {
            tracing::warn!(function, error = %String::from_utf8_lossy(&error), "authorizer failed");
            return Err(Refused::Failed);
        }
        Err(error) => {
            tracing::warn!(function, %error, "authorizer not invoked");
            return Err(Refused::Failed);
        }
    };
    read_result(&payload, method_arn).unwrap_or_else(|reason| {
        tracing::warn!(function, reason, "malformed authorizer result");
        Err(Refused::Failed)
    })
}

/// The inner result is the policy's word, the outer one whether there was one to read.
fn read_result(payload: &[u8], method_arn: &str) -> Result<Result<Map<String, Value>, Refused>, String> {
    if payload.len() > MAX_RESULT_BYTES {
        return Err(format!("{} bytes are more than {MAX_RESULT_BYTES}", payload.len()));
    }
    let result: AuthorizerResult = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    match result.policy_document.evaluate(method_arn) {
        Verdict::Allow => {}
        Verdict::ExplicitDeny => return Ok(Err(Refused::ExplicitDeny)),
        Verdict::ImplicitDeny => return Ok(Err(Refused::ImplicitDeny)),
    }
    let mut context = Map::new();
    for (name, value) in result.context.unwrap_or_default() {
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => {
                return Err(format!("`{name}` in the context is no scalar"));
            }
        };
        context.insert(name, Value::String(value));
    }
    context.insert("principalId".to_owned(), Value::String(result.principal_id));
    Ok(Ok(context))
}

fn error_message(error: &[u8]) -> Option<String> {
    let error: Value = serde_json::from_slice(error).ok()?;
    error.get("errorMessage")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(result: &Value) -> Result<Result<Map<String, Value>, Refused>, String> {
        read_result(result.to_string().as_bytes(), "arn/$connect")
    }

    fn allowing(context: &Value) -> Value {
        let statement = json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn/$connect" });
        json!({ "principalId": "me", "policyDocument": { "Statement": [statement] }, "context": context })
    }

    #[test]
    fn context_values_become_strings() {
        let context = read(&allowing(&json!({ "text": "a", "number": 1.5, "flag": true, "nothing": null })));
        let expected = json!({ "text": "a", "number": "1.5", "flag": "true", "principalId": "me" });
        assert_eq!(context.unwrap().unwrap(), *expected.as_object().unwrap());
    }

    #[test]
    fn malformed_results_are_distinguished_from_refusals() {
        assert!(read(&allowing(&json!({ "list": [] }))).is_err());
        assert!(read(&allowing(&json!({ "long": "x".repeat(MAX_RESULT_BYTES) }))).is_err());
        assert!(read(&json!({ "statusCode": 401 })).is_err());
        let mut without_principal = allowing(&json!({}));
        without_principal.as_object_mut().unwrap().remove("principalId");
        assert!(read(&without_principal).is_err());
        let silent = json!({ "principalId": "me", "policyDocument": { "Statement": [] } });
        assert_eq!(read(&silent), Ok(Err(Refused::ImplicitDeny)));
    }

    #[test]
    fn identity_sources_are_headers_or_parameters() {
        assert!(
            check_identity_sources(&["route.request.header.Auth".into(), "route.request.querystring.t".into()]).is_ok()
        );
        assert!(check_identity_sources(&["$request.header.Auth".into()]).is_err());
        assert!(check_identity_sources(&["stageVariables.x".into()]).is_err());
    }
}
