//! Errors in the services' protocols.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use local_aws::Service;
use serde_json::Value;

/// Errors about the signer of a request, which are the same in all services.
const FRAMEWORK: [&str; 5] = [
    "AccessDeniedException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
];

/// Errors that SQS had in its older protocol under another code, which the SDKs still report.
const QUERY_CODES: [(&str, &str); 6] = [
    ("AccessDeniedException", "AccessDenied;Sender"),
    ("IncompleteSignatureException", "IncompleteSignature;Sender"),
    ("InvalidSignatureException", "SignatureDoesNotMatch;Sender"),
    ("MissingAuthenticationTokenException", "MissingAuthenticationToken;Sender"),
    ("RequestThrottled", "RequestThrottled;Sender"),
    ("UnrecognizedClientException", "InvalidClientTokenId;Sender"),
];

/// An error in the protocol of the service: AWS JSON names it in the body, REST JSON in a header.
pub(crate) fn error(service: Service, status: StatusCode, name: &'static str, mut body: Value) -> Response {
    let content_type = match service {
        Service::Dynamodb | Service::Sqs => "application/x-amz-json-1.0",
        Service::RdsData | Service::Apigatewaymanagementapi | Service::Scheduler | Service::Opensearch => {
            "application/json"
        }
    };
    let namespace = match service {
        // Faults that the framework finds, before the service does, are Coral's.
        Service::Dynamodb if name == "ThrottlingException" => Some("com.amazon.coral.availability"),
        Service::Dynamodb | Service::Sqs if FRAMEWORK.contains(&name) => Some("com.amazon.coral.service"),
        Service::Dynamodb => Some("com.amazonaws.dynamodb.v20120810"),
        Service::Sqs => Some("com.amazonaws.sqs"),
        Service::RdsData | Service::Apigatewaymanagementapi | Service::Scheduler | Service::Opensearch => None,
    };
    if let Some(namespace) = namespace {
        body["__type"] = format!("{namespace}#{name}").into();
    }
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    if namespace.is_none() {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(name));
    }
    if let Some((_, code)) = QUERY_CODES.iter().find(|(known, _)| service == Service::Sqs && *known == name) {
        headers.insert("x-amzn-query-error", HeaderValue::from_static(code));
    }
    response
}
