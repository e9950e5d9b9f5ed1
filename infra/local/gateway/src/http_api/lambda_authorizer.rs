//! Lambda authorizers: a function decides on a request, by a simple response or by an IAM policy.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use local_aws::REGION;
use local_aws::policy::Verdict;
use local_lambda::{Lambda, Outcome};
use local_template::model::{AuthorizerFormat, LambdaAuthorizer};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

use super::event::{ACCOUNT, Call, query_parameters, text};
use super::reply::Refusal;
use crate::iam_policy::Policy;

/// Timeout of an authorizer, a quota of HTTP APIs that cannot be raised.
const AUTHORIZER_TIMEOUT: Duration = Duration::from_secs(10);

/// The results of an API's Lambda authorizers that are still good.
#[derive(Default)]
pub(super) struct LambdaAuthorizers {
    results: Mutex<HashMap<Key, Kept>>,
}

/// The authorizer's name and the values of its identity sources.
type Key = (String, Vec<String>);

struct Kept {
    until: Instant,
    answer: Answer,
}

/// An authorizer's result. A policy is kept and evaluated for every request: it may allow one route and not another.
#[derive(Clone)]
struct Answer {
    decision: Decision,
    context: Map<String, Value>,
}

#[derive(Clone)]
enum Decision {
    Simple(bool),
    Policy(Arc<Policy>),
}

impl LambdaAuthorizers {
    /// The event's `requestContext.authorizer` for a request that may pass.
    pub(super) async fn authorize(
        &self,
        lambda: &Lambda,
        authorizer: &LambdaAuthorizer,
        call: &Call<'_>,
    ) -> Result<Value, Refusal> {
        let identity = identity(authorizer, call).ok_or(Refusal::Unauthorized(None))?;
        let key = (authorizer.name.clone(), identity);
        let answer = if let Some(answer) = self.kept(&key) {
            answer
        } else {
            let answer = ask(lambda, authorizer, &key.1, call).await?;
            self.keep(key, &answer, authorizer.result_ttl);
            answer
        };
        let allowed = match &answer.decision {
            Decision::Simple(allowed) => *allowed,
            Decision::Policy(policy) => policy.evaluate(&route_arn(call)) == Verdict::Allow,
        };
        if allowed { Ok(json!({ "lambda": answer.context })) } else { Err(Refusal::Forbidden) }
    }

    fn kept(&self, key: &Key) -> Option<Answer> {
        let mut results = self.results();
        let now = Instant::now();
        results.retain(|_, kept| kept.until > now);
        results.get(key).map(|kept| kept.answer.clone())
    }

    fn keep(&self, key: Key, answer: &Answer, ttl: Duration) {
        if !ttl.is_zero() {
            self.results().insert(key, Kept { until: Instant::now() + ttl, answer: answer.clone() });
        }
    }

    fn results(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values of the identity sources; `None` if one is missing or empty.
fn identity(authorizer: &LambdaAuthorizer, call: &Call<'_>) -> Option<Vec<String>> {
    let value = |source: &String| {
        if let Some(name) = source.strip_prefix("$request.header.") {
            text(&call.head.headers, name)
        } else if let Some(name) = source.strip_prefix("$request.querystring.") {
            query_parameters(call.head.uri.query().unwrap_or_default()).remove(name)
        } else {
            // The template lets no other source pass.
            Some(call.route_key.to_owned())
        }
    };
    authorizer.identity_sources.iter().map(|source| value(source).filter(|value| !value.is_empty())).collect()
}

/// Returns the ARN in policies: `arn:aws:execute-api:<region>:<account>:<api>/$default/<method>/<path>`.
fn route_arn(call: &Call<'_>) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/$default/{}{}", call.api_id, call.head.method, call.path)
}

fn event(authorizer: &LambdaAuthorizer, identity: &[String], call: &Call<'_>) -> Value {
    let mut event = call.event();
    if authorizer.format != AuthorizerFormat::One {
        if let Some(event) = event.as_object_mut() {
            event.remove("body");
            event.remove("isBase64Encoded");
        }
        event["type"] = json!("REQUEST");
        event["routeArn"] = json!(route_arn(call));
        event["identitySource"] = if identity.is_empty() { Value::Null } else { json!(identity) };
        return event;
    }
    let identity = (!identity.is_empty()).then(|| identity.join(","));
    let resource = call.route_key.split_once(' ').map_or(call.route_key, |(_, path)| path);
    let http = &event["requestContext"]["http"];
    json!({
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": route_arn(call),
        "identitySource": identity,
        "authorizationToken": identity,
        "resource": resource,
        "path": call.path,
        "httpMethod": call.head.method.as_str(),
        "headers": call.headers(),
        "queryStringParameters": event.get("queryStringParameters").cloned().unwrap_or_else(|| json!({})),
        "pathParameters": event.get("pathParameters").cloned().unwrap_or_else(|| json!({})),
        "stageVariables": {},
        "requestContext": {
            "path": call.path,
            "accountId": ACCOUNT,
            "resourceId": "",
            "stage": "$default",
            "requestId": call.stamp.id,
            "identity": { "sourceIp": http["sourceIp"], "userAgent": http["userAgent"] },
            "resourcePath": resource,
            "httpMethod": call.head.method.as_str(),
            "apiId": call.api_id,
        },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Simple {
    is_authorized: bool,
    context: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WithPolicy {
    #[serde(rename = "principalId")]
    _principal_id: String,
    policy_document: Policy,
    context: Option<Map<String, Value>>,
}

async fn ask(
    lambda: &Lambda,
    authorizer: &LambdaAuthorizer,
    identity: &[String],
    call: &Call<'_>,
) -> Result<Answer, Refusal> {
    let function = &authorizer.function;
    let payload = Bytes::from(event(authorizer, identity, call).to_string());
    let payload = match timeout(AUTHORIZER_TIMEOUT, lambda.invoke(function, payload)).await {
        Ok(Ok(Outcome::Success(payload))) => payload,
        Ok(Ok(Outcome::FunctionError(error))) => {
            tracing::warn!(function, error = %String::from_utf8_lossy(&error), "authorizer failed");
            return Err(Refusal::InternalServerError);
        }
        Ok(Err(error)) => {
            tracing::warn!(function, %error, "authorizer not invoked");
            return Err(Refusal::InternalServerError);
        }
        Err(_elapsed) => {
            tracing::warn!(function, "no answer of the authorizer within {AUTHORIZER_TIMEOUT:?}");
            return Err(Refusal::InternalServerError);
        }
    };
    read(authorizer.format, &payload).map_err(|error| {
        tracing::warn!(function, %error, "malformed authorizer result");
        Refusal::InternalServerError
    })
}

fn read(format: AuthorizerFormat, payload: &[u8]) -> Result<Answer, serde_json::Error> {
    let (decision, context) = match format {
        AuthorizerFormat::TwoSimple => {
            let simple: Simple = serde_json::from_slice(payload)?;
            (Decision::Simple(simple.is_authorized), simple.context)
        }
        AuthorizerFormat::One | AuthorizerFormat::Two => {
            let result: WithPolicy = serde_json::from_slice(payload)?;
            (Decision::Policy(result.policy_document.into()), result.context)
        }
    };
    Ok(Answer { decision, context: context.unwrap_or_default() })
}
