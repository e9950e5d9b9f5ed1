//! The event of payload format 2.0.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::stamp::Stamp;

/// The account that every ARN and event of the local cloud names.
pub(super) const ACCOUNT: &str = "000000000000";

/// One request on its way to a function.
pub(super) struct Call<'a> {
    pub(super) api_id: &'a str,
    pub(super) port: u16,
    pub(super) stamp: &'a Stamp,
    pub(super) client: SocketAddr,
    pub(super) head: &'a Parts,
    pub(super) path: &'a str,
    pub(super) body: &'a Bytes,
    pub(super) route_key: &'a str,
    pub(super) path_parameters: BTreeMap<String, String>,
    pub(super) authorizer: Option<Value>,
}

impl Call<'_> {
    /// Builds the event, in the form of
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>. Parts that a
    /// request does not have (cookies, parameters, a body) are left out, as API Gateway does.
    ///
    /// `domainName` is the request's `Host`, port included, so that a URL made from it leads back here.
    pub(super) fn event(&self) -> Value {
        let headers = &self.head.headers;
        let domain = text(headers, &HOST).unwrap_or_default();
        let query = self.head.uri.query().unwrap_or_default();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route_key,
            "rawPath": self.path,
            "rawQueryString": query,
            "headers": self.headers(),
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": self.api_id,
                "domainName": domain,
                "domainPrefix": self.api_id,
                "http": {
                    "method": self.head.method.as_str(),
                    "path": self.path,
                    "protocol": format!("{:?}", self.head.version),
                    "sourceIp": self.client.ip(),
                    "userAgent": text(headers, &USER_AGENT).unwrap_or_default(),
                },
                "requestId": self.stamp.id,
                "routeKey": self.route_key,
                "stage": "$default",
                "time": self.stamp.time,
                "timeEpoch": self.stamp.time_epoch,
            },
            "isBase64Encoded": false,
        });
        let cookies = cookies(headers);
        if !cookies.is_empty() {
            event["cookies"] = json!(cookies);
        }
        let parameters = query_parameters(query);
        if !parameters.is_empty() {
            event["queryStringParameters"] = json!(parameters);
        }
        if !self.path_parameters.is_empty() {
            event["pathParameters"] = json!(self.path_parameters);
        }
        if let Some(authorizer) = &self.authorizer {
            event["requestContext"]["authorizer"] = authorizer.clone();
        }
        if !self.body.is_empty() {
            let text = std::str::from_utf8(self.body).ok().filter(|_| is_text(headers));
            event["body"] = json!(text.map_or_else(|| STANDARD.encode(self.body), str::to_owned));
            event["isBase64Encoded"] = json!(text.is_none());
        }
        event
    }

    /// Names in lower case, repeated headers joined by commas, cookies left out, and what API Gateway adds.
    pub(super) fn headers(&self) -> BTreeMap<&str, String> {
        let mut headers = BTreeMap::new();
        for name in self.head.headers.keys().filter(|name| *name != COOKIE) {
            headers.insert(name.as_str(), text(&self.head.headers, name).unwrap_or_default());
        }
        let client = self.client.ip().to_string();
        headers
            .entry("x-forwarded-for")
            .and_modify(|through| *through = format!("{through}, {client}"))
            .or_insert(client);
        headers.insert("x-forwarded-port", self.port.to_string());
        headers.insert("x-forwarded-proto", "http".to_owned());
        headers.entry("x-amzn-trace-id").or_insert_with(|| self.stamp.trace_id());
        headers.entry("content-length").or_insert_with(|| self.body.len().to_string());
        headers
    }
}

/// The path that routes are matched with and that functions see.
///
/// API Gateway decodes it first, slashes included, and ends it at a decoded `?`: `/a%2Fb` is `/a/b` (observed, see
/// <https://github.com/honojs/hono/issues/2156> and <https://github.com/fastify/aws-lambda-fastify/issues/169>).
pub(super) fn decode_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    decoded.split('?').next().unwrap_or_default().to_owned()
}

/// All values of a header, joined by commas.
pub(super) fn text(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> Option<String> {
    let values: Vec<_> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| String::from_utf8_lossy(line.as_bytes()).split(';').map(str::to_owned).collect::<Vec<_>>())
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

/// Decoded, repeated parameters joined by commas.
pub(super) fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    parameters
}

/// Returns true for a body that goes into the event as text. Everything else, forms included, becomes base64.
fn is_text(headers: &HeaderMap) -> bool {
    if headers.contains_key(CONTENT_ENCODING) {
        return false;
    }
    let Some(content_type) = text(headers, CONTENT_TYPE) else {
        return true;
    };
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || matches!(media_type.as_str(), "application/json" | "application/xml" | "application/javascript")
}
