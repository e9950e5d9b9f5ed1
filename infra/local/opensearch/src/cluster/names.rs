//! Names of indices and aliases.

use crate::error::ApiError;

const MAX_NAME_BYTES: usize = 255;

/// Characters that no name of an index has.
const FORBIDDEN: [char; 11] = ['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',', '#'];

/// Refuses a name that no index may have.
pub(crate) fn check_index(name: &str) -> Result<(), ApiError> {
    let refuse = |reason: &str| Err(ApiError::invalid_name(name, reason));
    if name.chars().any(|character| FORBIDDEN.contains(&character)) {
        return refuse("must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]");
    }
    if name.contains(':') {
        return refuse("must not contain ':'");
    }
    if name.starts_with(['_', '-', '+']) {
        return refuse("must not start with '_', '-', or '+'");
    }
    if name == "." || name == ".." {
        return refuse("must not be '.' or '..'");
    }
    if name.chars().any(char::is_uppercase) {
        return refuse("must be lowercase");
    }
    if name.len() > MAX_NAME_BYTES {
        return refuse(&format!("index name is too long, ({} > {MAX_NAME_BYTES})", name.len()));
    }
    Ok(())
}

/// Refuses a name that no alias may have.
pub(super) fn check_alias(name: &str) -> Result<(), ApiError> {
    let is_allowed =
        !name.is_empty() && !name.starts_with(['_', '-', '+']) && !name.contains(FORBIDDEN) && !name.contains(':');
    if is_allowed {
        return Ok(());
    }
    let reason = format!("Invalid alias name [{name}]");
    Err(ApiError::new(axum::http::StatusCode::BAD_REQUEST, "invalid_alias_name_exception", reason))
}
