//! Requests of backends: as whom they act, and the audit of all of them.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::error::causes;
use domain::protocol::http::AuditEntry;
use domain::{ApiError, ErrorCode, Timestamp, UserId};
use serde_json::Value;
use store::dynamodb::Audit;

use super::caller::{Backend, SERVER_PREFIX};
use super::request::text;
use super::{Request, Response};
use crate::spans;

/// The header that names the user as whom a backend acts.
const AS: &str = "palaver-as";

/// The routes that a backend may use as the system. All others act for a user: by the user's rights, and in the user's view.
const ROUTES_OF_THE_SYSTEM: [&str; 29] = [
    "GET /v1/audit",
    "POST /v1/users",
    "GET /v1/users/me",
    "GET /v1/users",
    "GET /v1/users/{id}",
    "DELETE /v1/users/{id}",
    "GET /v1/users/{id}/erasure",
    "GET /v1/conversations/{id}",
    "PATCH /v1/conversations/{id}",
    "DELETE /v1/conversations/{id}",
    "PUT /v1/conversations/{id}/hold",
    "DELETE /v1/conversations/{id}/hold",
    "GET /v1/conversations/{id}/members",
    "POST /v1/conversations/{id}/members",
    "PATCH /v1/conversations/{id}/members/{user_id}",
    "DELETE /v1/conversations/{id}/members/{user_id}",
    "GET /v1/conversations/{id}/messages",
    "POST /v1/conversations/{id}/messages",
    "PATCH /v1/conversations/{id}/messages/{seq}",
    "DELETE /v1/conversations/{id}/messages/{seq}",
    "GET /v1/conversations/{id}/messages/{seq}/status",
    "GET /v1/conversations/{id}/receipts",
    "POST /v1/conversations/{id}/export",
    "GET /v1/exports/{id}",
    "DELETE /v1/exports/{id}",
    "POST /v1/imports",
    "POST /v1/imports/{id}/start",
    "GET /v1/imports/{id}",
    "DELETE /v1/imports/{id}",
];

/// Time that an answer waits for the audit of its outcome.
const OUTCOME_TIMEOUT: Duration = Duration::from_millis(500);

/// Most users of a body that the audit names: a change names fewer.
const MAX_USER_IDS: usize = 100;

/// Returns the route of users that does the same as a route of backends.
fn route(of_backends: &str) -> String {
    of_backends.replacen(SERVER_PREFIX, " /v1/", 1)
}

/// Returns the user as whom a backend acts: the one that it names, else the system where it may.
fn actor(event: &ApiGatewayV2httpRequest, route: &str) -> Result<UserId, ApiError> {
    let Some(named) = event.headers.get(AS) else {
        let message = "The request acts for a user: name one in the header `Palaver-As`.";
        let by_system = ROUTES_OF_THE_SYSTEM.contains(&route);
        return if by_system { Ok(UserId::SYSTEM) } else { Err(ApiError::invalid(message)) };
    };
    let named = named.to_str().ok().and_then(|named| named.parse().ok()).filter(|named: &UserId| named.is_of_token());
    named.ok_or_else(|| ApiError::new(ErrorCode::InvalidUuid, "`Palaver-As` is not the id of a user."))
}

/// Answers a request of a backend. Its entry is written before anything else happens, and, with the outcome, before the answer.
///
/// Without its entry the request fails, and has had no effect. Without its outcome the answer is given all the same: it is true,
/// and the entry says that the request may have taken effect.
pub(super) async fn answer<F>(
    audit: &Audit,
    event: ApiGatewayV2httpRequest,
    backend: Backend,
    request_id: String,
    handle: &F,
) -> Result<Response, ApiError>
where
    F: AsyncFn(Request) -> Result<Response, ApiError>,
{
    spans::record("client_id", &backend.client_id);
    let route = route(event.route_key.as_deref().unwrap_or_default());
    let actor = actor(&event, &route);
    let mut entry = entry(&event, &backend, &request_id, actor.as_ref().ok().copied());
    audit.put(&entry).await?;
    let answered = match actor {
        Ok(user_id) => {
            spans::record("user_id", user_id);
            handle(Request::of_backend(event, backend, route, user_id, request_id.clone())).await
        }
        Err(refusal) => Err(refusal),
    };
    let response = answered.unwrap_or_else(|error| Response::problem(&error, &request_id));
    entry.outcome = Some(response.outcome(!entry.route.starts_with("GET ")));
    let written = tokio::time::timeout(OUTCOME_TIMEOUT, audit.put(&entry)).await;
    let error = written.map_or_else(|elapsed| Some(elapsed.to_string()), |put| put.err().map(|error| causes(&error)));
    if let Some(error) = error {
        tracing::error!(error, "the outcome of a backend's request is not in the audit");
    }
    Ok(response)
}

/// Returns the entry of a request without an outcome.
fn entry(event: &ApiGatewayV2httpRequest, backend: &Backend, request_id: &str, acted_as: Option<UserId>) -> AuditEntry {
    AuditEntry {
        client_id: backend.client_id.clone(),
        at: Timestamp::nearest(event.request_context.time_epoch),
        request_id: request_id.to_owned(),
        route: event.route_key.clone().unwrap_or_default(),
        path: path(event.route_key.as_deref().unwrap_or_default(), event.raw_path.as_deref().unwrap_or_default()),
        acted_as,
        user_ids: named_users(event, backend),
        outcome: None,
    }
}

/// Returns the path of a request with its ids and numbers. In the place of anything else is the name of the parameter.
fn path(route: &str, path: &str) -> String {
    let named = route.split_once(' ').map_or(route, |(_, named)| named);
    let parts = named.split('/').zip(path.split('/')).map(|(named, part)| {
        let is_id = part == "me" || part.parse::<UserId>().is_ok() || part.parse::<u64>().is_ok();
        if named.starts_with('{') && is_id { part } else { named }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Returns the users that the body names, each once. A body that cannot be read names none, and is refused later.
fn named_users(event: &ApiGatewayV2httpRequest, backend: &Backend) -> Vec<UserId> {
    let body = text(event).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok()).unwrap_or_default();
    let lists = ["user_ids", "member_ids"].into_iter().filter_map(|name| body[name].as_array()).flatten();
    let listed = lists.filter_map(|id| id.as_str()?.parse().ok());
    let subject = body["subject"].as_str().map(|subject| UserId::from_token(&backend.issuer, subject));
    let mut named = BTreeSet::new();
    listed.chain(subject).filter(|user| named.insert(*user)).take(MAX_USER_IDS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALICE: &str = "6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e";

    fn event(headers: &Value, body: &str) -> ApiGatewayV2httpRequest {
        serde_json::from_value(json!({
            "routeKey": "POST /v1/server/conversations/{id}/members", "rawPath": "/v1/server/conversations/c/members",
            "rawQueryString": "q=secret", "headers": headers, "isBase64Encoded": false, "body": body,
            "requestContext": {"http": {"method": "POST"}, "timeEpoch": 1_800_000_000_123_u64}
        }))
        .unwrap()
    }

    #[test]
    fn backend_acts_as_the_user_that_it_names_or_as_the_system_where_it_may() {
        let at = |headers, route| actor(&event(&headers, ""), route).map_err(|error| error.code);
        let send = "POST /v1/conversations/{id}/messages";
        assert_eq!(at(json!({AS: ALICE}), send), Ok(ALICE.parse().unwrap()));
        assert_eq!(at(json!({}), send), Ok(UserId::SYSTEM));
        for route in ["POST /v1/conversations", "GET /v1/conversations", "DELETE /v1/users/me"] {
            assert_eq!(at(json!({}), route), Err(ErrorCode::InvalidRequest), "{route}");
        }
        for named in ["", "alice", "system", &UserId::SYSTEM.to_string(), "019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d"] {
            assert_eq!(at(json!({AS: named}), send), Err(ErrorCode::InvalidUuid), "{named}");
        }
        assert!(ROUTES_OF_THE_SYSTEM.iter().all(|listed| route(listed) == *listed));
    }

    #[test]
    fn entry_names_ids_and_no_texts() {
        let backend = Backend { client_id: "app".to_owned(), issuer: "i".to_owned() };
        let body =
            json!({"user_ids": [ALICE, "secret", 7], "text": "secret", "subject": "secret", "member_ids": "secret"});
        let entry = entry(&event(&json!({}), &body.to_string()), &backend, "r", None);
        assert_eq!(entry.user_ids, [ALICE.parse().unwrap(), UserId::from_token("i", "secret")]);
        assert_eq!(entry.at.to_string(), "2027-01-15T08:00:00.123Z");
        assert_eq!(route(&entry.route), "POST /v1/conversations/{id}/members");
        assert!(!serde_json::to_string(&entry).unwrap().contains("secret"));
        assert_eq!(named_users(&event(&json!({}), "no JSON"), &backend), []);
        let other = UserId::from_token("i", "other");
        let listed: Vec<String> = vec![ALICE.to_owned(); 200].into_iter().chain([other.to_string()]).collect();
        let repeated = json!({ "user_ids": listed }).to_string();
        assert_eq!(named_users(&event(&json!({}), &repeated), &backend), [ALICE.parse().unwrap(), other]);
    }

    #[test]
    fn path_has_ids_and_no_texts() {
        let route = "PUT /v1/server/conversations/{id}/messages/{seq}/reactions/{emoji}";
        let asked = format!("/v1/server/conversations/{ALICE}/messages/7/reactions/her%20secret");
        let kept = format!("/v1/server/conversations/{ALICE}/messages/7/reactions/{{emoji}}");
        assert_eq!(path(route, &asked), kept);
        assert_eq!(path("$default", "/v1/server/secret"), "$default");
    }
}
