//! The events that functions get: `CONNECT`, `MESSAGE` and `DISCONNECT`, and the authorizer's request.
//!
//! AWS documents the request context
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html>);
//! which fields each kind of event has is what recorded events have.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::HeaderMap;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::request::Parts;
use local_template::model::WebSocketApi;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http_api::{Stamp, new_id};

/// Region and account in every ARN of the local cloud.
const REGION_AND_ACCOUNT: &str = "us-east-1:000000000000";

/// The constant part of a connection's events.
pub(super) struct Origin {
    pub(super) connection_id: String,
    pub(super) connected_at: i64,
    pub(super) source_ip: String,
    pub(super) user_agent: Option<String>,
    /// The `Host` that the client called, port included, so that a URL made from it leads back here.
    pub(super) domain_name: String,
    /// The authorizer's context with `principalId`, on an API that has one.
    pub(super) authorizer: Option<Map<String, Value>>,
}

/// The end of a connection, for `$disconnect`.
pub(super) struct Disconnect<'a> {
    pub(super) code: u16,
    pub(super) reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    route_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<&'a Map<String, Value>>,
    event_type: &'static str,
    extended_request_id: &'a str,
    request_time: &'a str,
    message_direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'a str>,
    stage: &'a str,
    connected_at: i64,
    request_time_epoch: i64,
    identity: Identity<'a>,
    request_id: &'a str,
    domain_name: &'a str,
    connection_id: &'a str,
    api_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    source_ip: &'a str,
}

type Single = BTreeMap<String, String>;
type Multiple = BTreeMap<String, Vec<String>>;

/// The parts of an HTTP request in an event.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Single>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<Multiple>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_string_parameters: Option<Single>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_query_string_parameters: Option<Multiple>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(flatten)]
    http: Http,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerEvent<'a> {
    r#type: &'static str,
    method_arn: &'a str,
    #[serde(flatten)]
    http: Http,
    stage_variables: Single,
    request_context: Context<'a>,
}

/// Writes the events of one request on one connection.
pub(super) struct Events<'a> {
    pub(super) api: &'a WebSocketApi,
    pub(super) origin: &'a Origin,
    pub(super) stamp: &'a Stamp,
}

impl Events<'_> {
    /// The event for `$connect`.
    pub(super) fn connect(&self, head: &Parts, client: SocketAddr, port: u16) -> Vec<u8> {
        let mut headers = headers(head, client, port, self.stamp);
        // The functions behind `$connect` do not get to see these two; authorizers do.
        for name in [CONNECTION, UPGRADE] {
            headers.remove(&spelling(name.as_str()));
        }
        let query = query(head);
        let (query_string_parameters, multi_value_query_string_parameters) =
            if query.is_empty() { (None, None) } else { (Some(last_values(&query)), Some(query)) };
        write(&Event {
            http: Http {
                headers: Some(last_values(&headers)),
                multi_value_headers: Some(headers),
                query_string_parameters,
                multi_value_query_string_parameters,
            },
            request_context: self.context("$connect", "CONNECT"),
            body: None,
            is_base64_encoded: false,
        })
    }

    /// The event for a message that selected `route_key`.
    pub(super) fn message(&self, route_key: &str, body: &str) -> Vec<u8> {
        let message_id = Some(new_id());
        write(&Event {
            http: Http::default(),
            request_context: Context { message_id, ..self.context(route_key, "MESSAGE") },
            body: Some(body),
            is_base64_encoded: false,
        })
    }

    /// The event for `$disconnect`. There is no request behind it: its headers are the host and three empty ones.
    pub(super) fn disconnect(&self, end: &Disconnect<'_>) -> Vec<u8> {
        let headers: Multiple = [("Host", self.origin.domain_name.as_str())]
            .into_iter()
            .chain(["x-api-key", "X-Forwarded-For", "x-restapi"].map(|name| (name, "")))
            .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
            .collect();
        write(&Event {
            http: Http { headers: Some(last_values(&headers)), multi_value_headers: Some(headers), ..Http::default() },
            request_context: Context {
                disconnect_status_code: Some(end.code),
                disconnect_reason: Some(end.reason),
                ..self.context("$disconnect", "DISCONNECT")
            },
            body: None,
            is_base64_encoded: false,
        })
    }

    /// The request of a REQUEST authorizer, in the form of
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html>.
    pub(super) fn authorizer(&self, method_arn: &str, head: &Parts, client: SocketAddr, port: u16) -> Vec<u8> {
        let headers = headers(head, client, port, self.stamp);
        let query = query(head);
        write(&AuthorizerEvent {
            r#type: "REQUEST",
            method_arn,
            http: Http {
                headers: Some(last_values(&headers)),
                multi_value_headers: Some(headers),
                query_string_parameters: Some(last_values(&query)),
                multi_value_query_string_parameters: Some(query),
            },
            stage_variables: Single::new(),
            request_context: self.context("$connect", "CONNECT"),
        })
    }

    /// Returns the ARN that an authorizer's policy has to allow.
    pub(super) fn method_arn(&self) -> String {
        let WebSocketApi { api_id, stage, .. } = self.api;
        format!("arn:aws:execute-api:{REGION_AND_ACCOUNT}:{api_id}/{stage}/$connect")
    }

    fn context<'a>(&'a self, route_key: &'a str, event_type: &'static str) -> Context<'a> {
        let Origin { connection_id, connected_at, source_ip, user_agent, domain_name, authorizer } = self.origin;
        Context {
            route_key,
            message_id: None,
            disconnect_status_code: None,
            authorizer: authorizer.as_ref(),
            event_type,
            extended_request_id: &self.stamp.id,
            request_time: &self.stamp.time,
            message_direction: "IN",
            disconnect_reason: None,
            stage: &self.api.stage,
            connected_at: *connected_at,
            request_time_epoch: self.stamp.time_epoch,
            identity: Identity { user_agent: user_agent.as_deref(), source_ip },
            request_id: &self.stamp.id,
            domain_name,
            connection_id,
            api_id: &self.api.api_id,
        }
    }
}

fn write(event: &impl Serialize) -> Vec<u8> {
    // Strings, numbers and maps with string keys always have a JSON form.
    serde_json::to_vec(event).unwrap_or_default()
}

/// The handshake's headers and those that API Gateway adds.
fn headers(head: &Parts, client: SocketAddr, port: u16, stamp: &Stamp) -> Multiple {
    let mut headers = Multiple::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(spelling(name.as_str())).or_default().push(value);
    }
    let client = client.ip().to_string();
    let through = match text(&head.headers, "x-forwarded-for") {
        Some(earlier) => format!("{earlier}, {client}"),
        None => client,
    };
    headers.insert("X-Forwarded-For".to_owned(), vec![through]);
    headers.insert("X-Forwarded-Port".to_owned(), vec![port.to_string()]);
    headers.insert("X-Forwarded-Proto".to_owned(), vec!["http".to_owned()]);
    headers.entry("X-Amzn-Trace-Id".to_owned()).or_insert_with(|| vec![stamp.trace_id()]);
    headers
}

/// A header in UTF-8, the first one of that name.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// A header's name as browsers write it. API Gateway keeps the client's own spelling, which hyper does not.
fn spelling(name: &str) -> String {
    let words = name.split('-').map(|word| match word {
        "websocket" => "WebSocket".to_owned(),
        _ => word[..1.min(word.len())].to_ascii_uppercase() + word.get(1..).unwrap_or_default(),
    });
    words.collect::<Vec<_>>().join("-")
}

/// The query's parameters, decoded.
pub(super) fn query(head: &Parts) -> Multiple {
    let mut query = Multiple::new();
    for (name, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    query
}

/// Of several values the single-value maps hold the last.
fn last_values(all: &Multiple) -> Single {
    all.iter().map(|(name, values)| (name.clone(), values.last().cloned().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_spelled_as_browsers_do() {
        for (name, expected) in [
            ("host", "Host"),
            ("sec-websocket-key", "Sec-WebSocket-Key"),
            ("x-amzn-trace-id", "X-Amzn-Trace-Id"),
            ("x--y-", "X--Y-"),
        ] {
            assert_eq!(spelling(name), expected);
        }
    }
}
