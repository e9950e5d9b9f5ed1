//! Functions behind the HTTP API: payload format 2.0 in, JSON or problem details out.

mod backend;
mod caller;
mod request;
mod response;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{ApiError, UserId};
use lambda_runtime::LambdaEvent;
use store::dynamodb::Audit;
use tracing::Instrument;

pub use caller::Backend;
pub use request::Request;
pub use response::{Response, no_such_route};

use self::caller::Caller;
use crate::config::{ConfigError, required};
use crate::{deadline, serve, spans};

/// Serves requests of users until Lambda ends the process.
pub async fn run<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(Request) -> Result<Response, ApiError>,
{
    let server_scope = server_scope()?;
    respond(async |event, request_id| match Caller::of(&event, &server_scope)? {
        Caller::User(user_id) => of_user(event, user_id, request_id, &handle).await,
        Caller::Backend(_) => Err(no_such_route()),
    })
    .await
}

/// Serves requests of users and of backends until Lambda ends the process. The audit has each of the latter.
pub async fn run_with_backends<F>(audit: Audit, handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(Request) -> Result<Response, ApiError>,
{
    let server_scope = server_scope()?;
    respond(async |event, request_id| match Caller::of(&event, &server_scope)? {
        Caller::User(user_id) => of_user(event, user_id, request_id, &handle).await,
        Caller::Backend(backend) => backend::answer(&audit, event, backend, request_id, &handle).await,
    })
    .await
}

/// Returns the scope that makes a token a server token.
fn server_scope() -> Result<String, ConfigError> {
    required("SERVER_SCOPE")
}

async fn of_user<F>(
    event: ApiGatewayV2httpRequest,
    user_id: UserId,
    request_id: String,
    handle: &F,
) -> Result<Response, ApiError>
where
    F: AsyncFn(Request) -> Result<Response, ApiError>,
{
    spans::record("user_id", user_id);
    handle(Request::of_user(event, user_id, request_id)).await
}

/// Serves a route without an authorizer until Lambda ends the process. The handler gets method and path alone.
pub async fn run_open<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(&str, &str) -> Result<Response, ApiError>,
{
    respond(async |event: ApiGatewayV2httpRequest, _| {
        let path = event.raw_path.as_deref().unwrap_or_default();
        handle(event.request_context.http.method.as_str(), path).await
    })
    .await
}

/// Only this function converts an [`ApiError`] to an HTTP response.
async fn respond<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(ApiGatewayV2httpRequest, String) -> Result<Response, ApiError>,
{
    serve(async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        let request_id = &event.context.request_id;
        let span = spans::request(request_id, &event.payload);
        let respond = async {
            let deadline = deadline::of_request(&event.context, event.payload.request_context.time_epoch);
            let result = deadline::within(deadline, handle(event.payload, request_id.clone())).await;
            result.unwrap_or_else(|error| Response::problem(&error, request_id))
        };
        Ok::<_, std::convert::Infallible>(respond.instrument(span).await)
    })
    .await
}
