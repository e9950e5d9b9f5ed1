//! Invocations of functions, as an operator makes them.

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
    let request = local_testing::signed(client().post(&url).body(event), "lambda");
    let answer = request.send().await.expect("the Invoke API answers");
    assert_eq!(answer.status(), 200, "{function}: {}", answer.text().await.unwrap_or_default());
    let function_error = answer.headers().get("x-amz-function-error").map(|error| format!("{error:?}"));
    Invoked { function_error, result: answer.json().await.expect("a result is JSON") }
}
