//! Creates custom resources as CloudFormation does: the function is invoked with a `Create` event and puts its answer
//! at the event's `ResponseURL`.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html>. A cloud has no memory of
//! what it created, so every start is a `Create`; CloudFormation asks such functions to be idempotent, too. Nothing is
//! deleted on stop. An invocation is over when it returns: an answer that only comes later is not waited for.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::put;
use bytes::Bytes;
use local_aws::Admission;
use local_lambda::{InvokeError, Lambda, Outcome};
use local_template::deferred::{CustomValues, UnknownValue};
use local_template::model::{CustomResource, Stack};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Reasons for which a custom resource was not created.
#[derive(Debug, thiserror::Error)]
pub enum CustomResourceError {
    /// There is no socket for answers.
    #[error("cannot listen for the responses of custom resources: {0}")]
    Listen(#[from] io::Error),
    /// The function was not run.
    #[error("custom resource `{id}`: the function `{function}` was not run: {source}")]
    Invoke {
        /// Logical id of the resource.
        id: String,
        /// Logical id of the function.
        function: String,
        source: InvokeError,
    },
    /// The function failed without an answer.
    #[error("custom resource `{id}`: the function `{function}` failed: {message}")]
    Function {
        /// Logical id of the resource.
        id: String,
        /// Logical id of the function.
        function: String,
        /// `errorType: errorMessage`, as Lambda reports them.
        message: String,
    },
    /// The function returned and had put no answer.
    #[error("custom resource `{id}`: the function `{function}` sent no response to `ResponseURL`")]
    NoAnswer {
        /// Logical id of the resource.
        id: String,
        /// Logical id of the function.
        function: String,
    },
    /// The answer is not one that CloudFormation would take.
    #[error("custom resource `{id}`: the function `{function}` sent a response that CloudFormation refuses: {reason}")]
    InvalidAnswer {
        /// Logical id of the resource.
        id: String,
        /// Logical id of the function.
        function: String,
        /// The reason, as the function or the parser gives it.
        reason: String,
    },
    /// Something refers to what no answer has.
    #[error("cannot resolve a value of `{user}`: {unknown}")]
    Unknown {
        /// Logical id of the function or resource that refers to it.
        user: String,
        unknown: UnknownValue,
    },
    /// The function answered `FAILED`.
    #[error("custom resource `{id}`: the function `{function}` answered FAILED: {reason}")]
    Failed {
        /// Logical id of the resource.
        id: String,
        /// Logical id of the function.
        function: String,
        reason: String,
    },
}

/// The body that the function puts at `ResponseURL`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    status: Status,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    physical_resource_id: Option<String>,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    #[serde(default)]
    data: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Success,
    Failed,
}

/// Creates the stack's resources one after the other, and adds what they answer to the values; the first failure ends it.
pub(crate) async fn create(
    stack: &Stack,
    stack_id: &str,
    lambda: &Lambda,
    values: &CustomValues,
) -> Result<(), CustomResourceError> {
    if stack.custom_resources.is_empty() {
        return Ok(());
    }
    let answers = Answers::listen().await?;
    for resource in &stack.custom_resources {
        let unknown = |unknown| CustomResourceError::Unknown { user: resource.logical_id.clone(), unknown };
        let resource =
            CustomResource { properties: values.fill_json(&resource.properties).map_err(unknown)?, ..resource.clone() };
        tracing::info!("creating {}", resource.logical_id);
        let (physical_id, data) = create_one(&resource, stack_id, lambda, &answers).await?;
        values.add(&resource.logical_id, &physical_id, &data);
    }
    for function in &stack.functions {
        let missing = function.environment.values().find_map(|text| values.fill(text).err());
        if let Some(unknown) = missing {
            return Err(CustomResourceError::Unknown { user: function.logical_id.clone(), unknown });
        }
    }
    Ok(())
}

/// The physical id and the data of an answer.
type Created = (String, Map<String, Value>);

async fn create_one(
    resource: &CustomResource,
    stack_id: &str,
    lambda: &Lambda,
    answers: &Answers,
) -> Result<Created, CustomResourceError> {
    let (id, function) = (resource.logical_id.clone(), resource.function.clone());
    let request_id = Uuid::new_v4();
    let event = json!({
        "RequestType": "Create",
        "ServiceToken": resource.properties.get("ServiceToken"),
        "ResponseURL": answers.url(request_id),
        "StackId": stack_id,
        "RequestId": request_id,
        "LogicalResourceId": resource.logical_id,
        "ResourceType": resource.resource_type,
        "ResourceProperties": resource.properties,
    });
    let outcome = lambda.invoke(&resource.function, Bytes::from(event.to_string())).await;
    match (answers.take(request_id), outcome) {
        // CloudFormation sees the answer only, whatever the function does afterwards.
        (Some(body), _) => check(&body, resource, stack_id, request_id),
        (None, Ok(Outcome::Success(_))) => Err(CustomResourceError::NoAnswer { id, function }),
        (None, Ok(Outcome::FunctionError(error))) => {
            Err(CustomResourceError::Function { id, function, message: describe(&error) })
        }
        (None, Err(source)) => Err(CustomResourceError::Invoke { id, function, source }),
    }
}

fn check(
    body: &Bytes,
    resource: &CustomResource,
    stack_id: &str,
    request_id: Uuid,
) -> Result<Created, CustomResourceError> {
    let (id, function) = (resource.logical_id.clone(), resource.function.clone());
    let answer: Answer = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(error) => {
            return Err(CustomResourceError::InvalidAnswer { id, function, reason: error.to_string() });
        }
    };
    if answer.status == Status::Failed {
        let reason = answer.reason.unwrap_or_else(|| "no reason given".to_owned());
        return Err(CustomResourceError::Failed { id, function, reason });
    }
    let wrong = if answer.stack_id != stack_id {
        Some("StackId is not the request's")
    } else if answer.request_id != request_id.to_string() {
        Some("RequestId is not the request's")
    } else if answer.logical_resource_id != resource.logical_id {
        Some("LogicalResourceId is not the request's")
    } else {
        None
    };
    match (wrong, answer.physical_resource_id.filter(|id| !id.is_empty())) {
        (None, Some(physical_id)) => Ok((physical_id, answer.data.unwrap_or_default())),
        (wrong, _) => {
            let reason = wrong.unwrap_or("PhysicalResourceId is missing").to_owned();
            Err(CustomResourceError::InvalidAnswer { id, function, reason })
        }
    }
}

/// Lambda's error object in words.
fn describe(error: &Bytes) -> String {
    let parsed: Option<Value> = serde_json::from_slice(error).ok();
    let text = |key: &str| parsed.as_ref()?.get(key)?.as_str();
    match (text("errorType"), text("errorMessage")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, Some(message)) => message.to_owned(),
        _ => String::from_utf8_lossy(error).into_owned(),
    }
}

/// A loopback server that takes answers, as S3 does for CloudFormation. It stops when this is dropped.
struct Answers {
    address: SocketAddr,
    received: Received,
    _running: tokio_util::sync::DropGuard,
}

type Received = Arc<Mutex<HashMap<Uuid, Bytes>>>;

impl Answers {
    async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let received = Received::default();
        let shutdown = CancellationToken::new();
        let router = Router::new().route("/{request}", put(receive)).with_state(Arc::clone(&received));
        let router = router.layer(from_fn(|request, next| Admission::local().layer(request, next)));
        let server = axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Ok(Self { address, received, _running: shutdown.drop_guard() })
    }

    fn url(&self, request: Uuid) -> String {
        format!("http://{}/{request}", self.address)
    }

    fn take(&self, request: Uuid) -> Option<Bytes> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).remove(&request)
    }
}

async fn receive(State(received): State<Received>, Path(request): Path<Uuid>, body: Bytes) -> StatusCode {
    // A presigned URL takes what it is given; the content is looked at afterwards.
    received.lock().unwrap_or_else(PoisonError::into_inner).insert(request, body);
    StatusCode::OK
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest;

    use local_lambda::Handler;
    use local_testing::recorded::{assert_kept, assert_like, fixture};

    use super::*;

    /// Creates a resource with a function that puts this answer at `ResponseURL`; returns its event.
    async fn create_with(answer: Value) -> (Value, Result<CustomValues, CustomResourceError>) {
        // Ignore a second call: another test of this process has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seen = Arc::<Mutex<Value>>::default();
        let handler: Handler = {
            let seen = Arc::clone(&seen);
            Arc::new(move |payload| {
                let event: Value = serde_json::from_slice(&payload).unwrap();
                *seen.lock().unwrap() = event.clone();
                let mut answer = answer.clone();
                for id in ["StackId", "RequestId", "LogicalResourceId"] {
                    answer[id] = event[id].clone();
                }
                Box::pin(async move {
                    let url = event["ResponseURL"].as_str().unwrap();
                    reqwest::Client::new().put(url).body(answer.to_string()).send().await.unwrap();
                    Ok(Outcome::Success("null".into()))
                })
            })
        };
        let lambda = Lambda::from_handlers([("F".to_owned(), handler)].into());
        let properties =
            json!({ "ServiceToken": "arn", "Key1": "string", "Key2": ["list"], "Key3": { "Key4": "map" } });
        let resource = CustomResource {
            logical_id: "Thing".to_owned(),
            resource_type: "Custom::Thing".to_owned(),
            function: "F".to_owned(),
            properties,
        };
        let stack = Stack { custom_resources: vec![resource], ..Stack::default() };
        let values = CustomValues::default();
        let created = create(&stack, "arn:aws:cloudformation:stack", &lambda, &values).await.map(|()| values);
        let event = seen.lock().unwrap().take();
        (event, created)
    }

    #[tokio::test]
    async fn the_event_equals_cloudformations() {
        let (event, created) = create_with(json!({ "Status": "SUCCESS", "PhysicalResourceId": "thing-1" })).await;
        created.unwrap();
        assert_like(&event, &fixture("cloudformation-custom-resource-create-request"), &[]);
        assert_kept::<CloudFormationCustomResourceRequest>(&event, &[]);
        assert_eq!((&event["RequestType"], &event["ResourceType"]), (&json!("Create"), &json!("Custom::Thing")));
    }
}
