//! Functions behind the HTTP API: payload format 2.0 in, JSON or problem details out.

mod request;
mod response;

use domain::ApiError;
use lambda_runtime::{LambdaEvent, service_fn};

pub use request::Request;
pub use response::{Response, no_such_route};

use crate::deadline;

/// Serves requests until Lambda ends the process. Only this function converts an [`ApiError`] to an HTTP response.
pub async fn run<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(Request) -> Result<Response, ApiError>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        let result = match Request::new(event.payload) {
            Ok(request) => deadline::within(deadline::of(&event.context), handle(request)).await,
            Err(error) => Err(error),
        };
        let request_id = event.context.request_id;
        Ok::<_, std::convert::Infallible>(result.unwrap_or_else(|error| Response::problem(&error, &request_id)))
    }))
    .await
}
