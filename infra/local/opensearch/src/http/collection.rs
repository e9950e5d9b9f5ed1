//! The requests that OpenSearch Serverless does not take from anybody.
//!
//! <https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-genref.html> lists those that it takes. Documents with
//! ids and external versions are among them, in collections of the type `SEARCH`.

use axum::http::Method;

use super::parameters::Parameters;
use crate::error::ApiError;

/// Refuses a request of a domain that a collection does not have: about the cluster, for a refresh, or with one.
pub(super) fn check(method: &Method, path: &[&str], parameters: &Parameters) -> Result<(), ApiError> {
    let is_missing = match path {
        [] | ["_cluster", ..] | [.., "_refresh"] => true,
        [.., "_bulk"] => method != Method::POST,
        _ => false,
    };
    if is_missing {
        return Err(ApiError::not_of_collections(method, &path.join("/")));
    }
    match parameters.get("refresh") {
        None | Some("false") => Ok(()),
        Some("wait_for") => Err(ApiError::status("wait_for refresh policy is not supported.")),
        Some(_) => Err(ApiError::status("true refresh policy is not supported.")),
    }
}
