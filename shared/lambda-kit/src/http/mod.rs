//! Functions behind the HTTP API: payload format 2.0 in, JSON or problem details out.

mod request;
mod response;

use domain::ApiError;
use lambda_runtime::{LambdaEvent, service_fn};
use tracing::Instrument;

pub use request::Request;
pub use response::{Response, no_such_route};

use crate::{deadline, spans};

/// Serves requests until Lambda ends the process. Only this function converts an [`ApiError`] to an HTTP response.
pub async fn run<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(Request) -> Result<Response, ApiError>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        let request_id = &event.context.request_id;
        let span = spans::request(request_id, &event.payload);
        let respond = async {
            let result = match Request::new(event.payload) {
                Ok(request) => {
                    spans::record("user_id", request.user_id());
                    deadline::within(deadline::of(&event.context), handle(request)).await
                }
                Err(error) => Err(error),
            };
            result.unwrap_or_else(|error| Response::problem(&error, request_id))
        };
        Ok::<_, std::convert::Infallible>(respond.instrument(span).await)
    }))
    .await
}
