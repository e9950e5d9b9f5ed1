//! The service's wire protocol: JSON 1.1, the operation in `X-Amz-Target`.

use std::io;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use local_aws::body::{self, BodyError};
use local_aws::{Access, Admission, Denied, Permission, Signable, SignatureError};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Secrets;

/// Largest request: a value has 64 KB, and JSON may write each of its bytes as six.
const MAX_REQUEST_BYTES: usize = 512 * 1024;

/// Largest value of a secret.
const MAX_VALUE_BYTES: usize = 65_536;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    secret_id: String,
    secret_string: Option<String>,
}

/// An error of the service, with AWS's code and words.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    fn internal(error: &io::Error) -> Self {
        let message = format!("the value cannot be kept: {error}");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "InternalServiceError", message }
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        let reason = match error {
            BodyError::TooLarge => "the request is too large",
            BodyError::Broken => "the request ended before its body was complete",
        };
        Self::bad("SerializationException", reason)
    }
}

impl From<SignatureError> for Refused {
    fn from(error: SignatureError) -> Self {
        Self::bad(error.code(), error.to_string())
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        Self::bad("AccessDeniedException", denied.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"__type": self.code, "Message": self.message}))).into_response()
    }
}

#[derive(Clone)]
struct Service {
    secrets: Secrets,
    access: Access,
}

pub(crate) async fn serve(
    secrets: Secrets,
    access: Access,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let admission = Admission::signed(&["secretsmanager"]).with_content_type("application/x-amz-json-1.1");
    let router = Router::new().fallback(call).with_state(Service { secrets, access });
    let router = router.layer(from_fn(move |request, next| admission.layer(request, next)));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn call(State(service): State<Service>, request: Request) -> Result<Json<Value>, Refused> {
    let Service { secrets, access } = service;
    let (head, body) = request.into_parts();
    let body = body::read(body, MAX_REQUEST_BYTES).await?;
    let signed = Signable { method: &head.method, uri: &head.uri, headers: &head.headers, body: &body };
    let caller = access.authenticate(signed)?;
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let Some(operation @ ("GetSecretValue" | "PutSecretValue")) = target.strip_prefix("secretsmanager.") else {
        return Err(Refused::bad("UnknownOperationException", format!("{target} is not emulated")));
    };
    let input: Input =
        serde_json::from_slice(&body).map_err(|error| Refused::bad("SerializationException", error.to_string()))?;
    let found = secrets.find(&input.secret_id);
    // A denial does not tell whether there is the secret.
    let resource = found.as_ref().map_or(&input.secret_id, |found| &found.arn);
    access.authorize(&caller, &[Permission::new(format!("secretsmanager:{operation}"), resource)])?;
    let missing = || Refused::bad("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    let found = found.ok_or_else(missing)?;
    let version = if operation == "GetSecretValue" {
        found.version
    } else {
        let text = input.secret_string.filter(|text| !text.is_empty() && text.len() <= MAX_VALUE_BYTES);
        let wrong =
            || Refused::bad("InvalidParameterException", "You must provide a SecretString of 1 to 65536 bytes.");
        secrets.put(&found.arn, text.ok_or_else(wrong)?).map_err(|error| Refused::internal(&error))?
    };
    let mut answer = json!({
        "ARN": found.arn, "Name": found.name, "VersionId": version.id, "VersionStages": ["AWSCURRENT"],
    });
    if operation == "GetSecretValue" {
        answer["SecretString"] = Value::String(version.text);
    }
    Ok(Json(answer))
}
