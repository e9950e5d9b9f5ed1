//! HTTP endpoints of the issuer.

use std::io;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use local_aws::Admission;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Issuer, TokenRequest, TokenRequestError, client_credentials};

/// Serves discovery, keys and tokens until `shutdown` fires:
///
/// - `GET /{pool id}/.well-known/openid-configuration` and `GET /{pool id}/.well-known/jwks.json`, at the paths below
///   `cognito-idp.<region>.amazonaws.com` that Cognito has them at;
/// - `POST /token` with a [`TokenRequest`] as JSON answers with a [`Token`](super::Token), or 400 with `error` and
///   `error_description` as OAuth 2.0 words errors;
/// - `POST /oauth2/token` with `grant_type=client_credentials` as a form, at the path that Cognito has it at.
///
/// Pages of loopback may call it, on any port. Others could act as any user.
pub async fn serve(listener: TcpListener, issuer: Issuer, shutdown: CancellationToken) -> io::Result<()> {
    let routes = Router::new()
        .route("/{pool}/.well-known/openid-configuration", get(discovery))
        .route("/{pool}/.well-known/jwks.json", get(keys))
        .route("/token", post(token).options(preflight))
        .route("/oauth2/token", post(client_credentials::answer))
        .layer(middleware::map_response(allow_any_origin))
        .layer(middleware::from_fn(|request, next| Admission::local().layer(request, next)))
        .with_state(issuer);
    axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn discovery(State(issuer): State<Issuer>, Path(pool): Path<String>) -> Response {
    let Some(pool) = issuer.pool(&pool) else {
        return unknown_pool(&pool);
    };
    Json(json!({
        "issuer": pool.issuer,
        "jwks_uri": format!("{}/.well-known/jwks.json", pool.issuer),
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "response_types_supported": ["token"],
    }))
    .into_response()
}

async fn keys(State(issuer): State<Issuer>, Path(pool): Path<String>) -> Response {
    if issuer.pool(&pool).is_none() {
        return unknown_pool(&pool);
    }
    Json(&issuer.key().public).into_response()
}

async fn token(State(issuer): State<Issuer>, body: Bytes) -> Response {
    let request: TokenRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            return refuse(StatusCode::BAD_REQUEST, "invalid_request", &error.to_string());
        }
    };
    match issuer.issue(&request) {
        Ok(token) => ([(header::CACHE_CONTROL, "no-store")], Json(token)).into_response(),
        Err(error @ (TokenRequestError::UnknownClient(_) | TokenRequestError::NoClient(_))) => {
            refuse(StatusCode::BAD_REQUEST, "invalid_client", &error.to_string())
        }
        Err(error @ TokenRequestError::Signing(_)) => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &error.to_string())
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, "invalid_request", &error.to_string()),
    }
}

async fn preflight() -> Response {
    let allowed =
        [(header::ACCESS_CONTROL_ALLOW_METHODS, "POST"), (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type")];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

async fn allow_any_origin(mut response: Response) -> Response {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Returns Cognito's answer for a pool that does not exist.
fn unknown_pool(id: &str) -> Response {
    let message = format!("User pool {id} does not exist.");
    let body = json!({ "code": "BadRequest", "message": message });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({ "error": error, "error_description": description }))).into_response()
}
