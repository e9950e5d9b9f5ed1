//! Imports, for backends: `POST /v1/server/imports`, `POST …/{id}/start`, `GET` and `DELETE …/{id}`.

mod serve;

use chat::imports::ImportRequests;
use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response, no_such_route};

pub use serve::serve;

/// Answers one request. No user imports anything, so a backend does it as the system alone.
pub async fn handle(requests: &ImportRequests, request: Request) -> Result<Response, ApiError> {
    let backend = request.backend().ok_or_else(no_such_route)?;
    if !request.user_id().is_system() {
        return Err(ApiError::new(ErrorCode::NotAllowed, "Only the system imports conversations."));
    }
    let client = backend.client_id.as_str();
    match request.route() {
        "POST /v1/imports" => Response::created(&requests.create(client, &backend.issuer, request.json()?).await?),
        "POST /v1/imports/{id}/start" => Response::accepted(&requests.start(client, request.id("id")?).await?),
        "GET /v1/imports/{id}" => Response::ok(&requests.get(client, request.id("id")?).await?),
        "DELETE /v1/imports/{id}" => {
            requests.cancel(client, request.id("id")?).await?;
            Ok(Response::no_content())
        }
        _ => Err(no_such_route()),
    }
}
