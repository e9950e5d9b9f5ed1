//! Invocations of functions, as an operator makes them.

use std::time::SystemTime;

use aws_sdk_dynamodb::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use serde_json::Value;

use crate::Cloud;
use crate::test_user::client;

/// An answer of the Invoke API.
#[derive(Debug)]
pub struct Invoked {
    /// The header that a failed invocation has.
    pub function_error: Option<String>,
    pub result: Value,
}

/// Invokes a function and waits for its end.
///
/// # Panics
///
/// If the Invoke API does not answer, or refuses.
pub async fn invoke(cloud: &Cloud, function: &str, event: String) -> Invoked {
    let url = format!("{}/2015-03-31/functions/{function}/invocations", cloud.endpoints.aws.lambda);
    let identity = Credentials::new("local", "local", None, None, "tests").into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("lambda")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("all parameters are set");
    let signable = SignableRequest::new("POST", &url, std::iter::empty(), SignableBody::Bytes(event.as_bytes()));
    let (instructions, _) = sign(signable.expect("a request"), &parameters.into()).expect("a signature").into_parts();
    let mut request = client().post(&url);
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    let answer = request.body(event).send().await.expect("the Invoke API answers");
    assert_eq!(answer.status(), 200, "{function}: {}", answer.text().await.unwrap_or_default());
    let function_error = answer.headers().get("x-amz-function-error").map(|error| format!("{error:?}"));
    Invoked { function_error, result: answer.json().await.expect("a result is JSON") }
}
