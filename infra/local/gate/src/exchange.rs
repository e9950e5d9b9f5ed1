//! A request on its way to its service and back.

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use local_aws::{Call, Service};
use local_dynamodb::{Answer, Replica, Tables};

use super::capacity::Units;
use super::{Gate, ReadView, Request, capacity, cut, usage};

/// The protocol of DynamoDB.
const AMZ_JSON: &str = "application/x-amz-json-1.0";

/// The beginnings of DynamoDB's operations that write nothing.
const READS: [&str; 7] = ["BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet"];

/// A request that has been let through.
pub(crate) struct Exchange<'a> {
    pub(crate) gate: &'a Gate,
    /// The function that asks; `None` for everybody else.
    pub(crate) caller: Option<&'a str>,
    pub(crate) call: &'a Call,
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
}

/// The response of a service.
struct Outcome {
    head: axum::http::response::Parts,
    body: Bytes,
    units: Units,
}

impl Exchange<'_> {
    /// Has the request carried out, and counts what it cost.
    pub(crate) async fn complete<F, C>(self, view: ReadView, carry_out: F) -> Response
    where
        F: FnOnce(Request, ReadView) -> C,
        C: Future<Output = Response>,
    {
        let (gate, caller, call, size) = (self.gate, self.caller, self.call, self.body.len());
        let tables = gate.0.tables.as_ref().filter(|_| call.service == Service::Dynamodb);
        let is_noted = tables.is_some() && gate.replica().is_some();
        let in_order = is_noted && Replica::receives(&call.operation, &call.input);
        let in_order = if in_order { Some(gate.0.writing.lock().await) } else { None };
        let outcome = match tables.and_then(|tables| self.directly(tables, view)) {
            Some(outcome) => outcome,
            None => match self.through_server(view, carry_out).await {
                Some(outcome) => outcome,
                None => return cut(),
            },
        };
        let Outcome { head, body, units } = outcome;
        let replica = gate.replica().clone();
        if let Some(replica) = replica.filter(|_| tables.is_some() && head.status.is_success()) {
            replica.note(&call.operation, &call.input);
        }
        drop(in_order);
        if let Some(tables) = tables.filter(|_| !READS.iter().any(|read| call.operation.starts_with(read)))
            && let Err(error) = tables.flushed().await
        {
            tracing::error!(operation = call.operation, resources = ?call.resources, %error, "a write may be lost");
            return cut();
        }
        let usage = usage::of(call, gate.0.tables.as_ref(), size, head.status, &body, units);
        gate.0.meter.completed(caller, call, head.status, &usage);
        Response::from_parts(head, Body::from(body))
    }

    /// Carries out an operation on items, if the tables can within this process and a client of DynamoDB asks.
    fn directly(&self, tables: &Tables, view: ReadView) -> Option<Outcome> {
        let target = self.head.headers.get("x-amz-target")?.as_bytes();
        let is_plain = target.starts_with(b"DynamoDB_20120810.")
            && self.head.uri.path() == "/"
            && self.head.headers.get(CONTENT_TYPE).is_some_and(|value| value == AMZ_JSON);
        if view != ReadView::Current || !is_plain {
            return None;
        }
        let Answer { is_success, body, units } = tables.carry_out(&self.call.operation, &self.body)?;
        let (mut head, ()) = Response::new(()).into_parts();
        head.status = if is_success { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(AMZ_JSON));
        let id = HeaderValue::try_from(format!("{:032X}", rand::random::<u128>()));
        head.headers.extend(id.ok().map(|id| (HeaderName::from_static("x-amzn-requestid"), id)));
        Some(Outcome { head, body: body.into(), units })
    }

    /// Has the service's server carry the request out. `None`: there is no answer.
    async fn through_server<F, C>(self, view: ReadView, carry_out: F) -> Option<Outcome>
    where
        F: FnOnce(Request, ReadView) -> C,
        C: Future<Output = Response>,
    {
        let Self { call, head, body, .. } = self;
        let asked = match call.service {
            Service::Dynamodb => capacity::ask(&call.operation, &body),
            _ => None,
        };
        let request = Request::from_parts(head, asked.as_ref().map_or(body, |asked| asked.body.clone()));
        let (mut head, body) = carry_out(request, view).await.into_parts();
        let Ok(mut body) = to_bytes(body, usize::MAX).await else {
            tracing::debug!(service = %call.service, "the service closed the connection within its response");
            return None;
        };
        let mut units = Units::new();
        if let Some(asked) = asked.filter(|_| head.status.is_success()) {
            (body, units) = capacity::take(&body, asked.hidden);
            if asked.hidden {
                head.headers.remove(CONTENT_LENGTH);
                // It is of the body with the capacity; clients check it only where it is.
                head.headers.remove("x-amz-crc32");
            }
        }
        Some(Outcome { head, body, units })
    }
}
