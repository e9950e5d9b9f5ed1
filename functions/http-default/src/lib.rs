//! `$default`: requests that no other route of the HTTP API takes. The route has no authorizer, so it knows and does nothing.

mod serve;

use domain::{ApiError, ErrorCode};
use lambda_kit::http::Response;

pub use serve::serve;

/// Longest path that an error repeats, in characters.
const MAX_PATH_CHARS: usize = 100;

/// Answers preflight requests, to which API Gateway adds the headers of its CORS configuration, and refuses all others.
pub fn handle(method: &str, path: &str) -> Result<Response, ApiError> {
    if method == "OPTIONS" {
        return Ok(Response::no_content());
    }
    let path: String = path.chars().take(MAX_PATH_CHARS).collect();
    Err(ApiError::new(ErrorCode::NotFound, format!("There is no route `{method} {path}`.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_preflight_requests_have_an_answer() {
        assert!(handle("OPTIONS", "/v1/users/me").is_ok());
        for (method, path) in [("GET", "/"), ("PATCH", "/v1/users/me"), ("HEAD", &"/é".repeat(5000))] {
            let refusal = handle(method, path).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::NotFound);
            assert!(refusal.message.len() < 250, "{refusal}");
        }
    }
}
