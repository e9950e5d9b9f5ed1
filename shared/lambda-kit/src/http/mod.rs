//! Functions behind the HTTP API: payload format 2.0 in, JSON or problem details out.

mod request;
mod response;

use domain::ApiError;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Deserialize, Deserializer};

pub use request::Request;
pub use response::{Response, no_such_route};

use crate::deadline;

/// For `deserialize_with` beside `default`: a field that is `null` is something else than one that is not there.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Serves requests until Lambda ends the process. The one place where an [`ApiError`] becomes an HTTP response.
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
