//! The services' own words for requests whose signer is unknown or may not make them.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use local_aws::{ACCOUNT, Denied, Service, SignatureError};
use serde_json::json;

use crate::data_access;
use crate::permissions::GET_SECRET;
use crate::wire::error;

/// The answer to a request with a signature that is not of its signer.
pub(crate) fn unknown(service: Service, refused: &SignatureError) -> Response {
    if service == Service::Opensearch {
        tracing::error!(error = %refused, "the signature of a request to OpenSearch is refused");
        return data_access::forbidden();
    }
    let status = if service == Service::Dynamodb { StatusCode::BAD_REQUEST } else { refused.status() };
    error(service, status, refused.code(), json!({ "message": refused.to_string() }))
}

/// The answer to a request that no policy of its signer allows.
pub(crate) fn denied(service: Service, denied: &Denied) -> Response {
    const CODE: &str = "AccessDeniedException";
    match service {
        Service::Dynamodb => error(service, StatusCode::BAD_REQUEST, CODE, json!({ "Message": denied.to_string() })),
        Service::Sqs => {
            let (action, resource) = (denied.permission.action.to_lowercase(), &denied.permission.resource);
            error(service, StatusCode::FORBIDDEN, CODE, json!({ "message": denied.worded(&action, resource) }))
        }
        // The secret is the Data API's own request.
        Service::RdsData if denied.permission.action == GET_SECRET => {
            let body = json!({ "message": denied.to_string() });
            error(service, StatusCode::BAD_REQUEST, "SecretsErrorException", body)
        }
        Service::RdsData | Service::Scheduler => {
            error(service, StatusCode::FORBIDDEN, CODE, json!({ "message": denied.to_string() }))
        }
        // A domain, which is no part of OpenSearch Serverless.
        Service::Opensearch if denied.permission.action.starts_with("es:") => {
            (StatusCode::FORBIDDEN, axum::Json(json!({ "Message": denied.to_string() }))).into_response()
        }
        Service::Opensearch => data_access::forbidden(),
        Service::Apigatewaymanagementapi => {
            let resource = masked(&denied.permission.resource);
            let body = json!({ "Message": denied.worded(&denied.permission.action, &resource) });
            error(service, StatusCode::FORBIDDEN, CODE, body)
        }
    }
}

/// API Gateway shows the last digits of the account, and no connection.
fn masked(resource: &str) -> String {
    let (hidden, shown) = ACCOUNT.split_at(ACCOUNT.len() - 4);
    let account = "*".repeat(hidden.len()) + shown;
    let api = resource.rsplit_once('/').map_or(resource, |(api, _)| api);
    format!("{}/{{connectionId}}", api.replace(ACCOUNT, &account))
}
