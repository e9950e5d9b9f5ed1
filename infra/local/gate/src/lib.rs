//! The gate: the proxy in front of DynamoDB, SQS, the Data API, OpenSearch and `@connections`, for functions and all other clients.
//!
//! It verifies signatures, enforces the policies of functions, counts requests and injects faults. Lambda's own polls for event
//! sources do not pass it; they have no faults, and are counted where they are made.

#![warn(missing_docs)]

mod batch;
mod capacity;
mod data_access;
mod exchange;
pub mod faults;
mod forward;
mod permissions;
mod refusals;
mod usage;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

pub use forward::{serve, serve_opensearch};

use crate::exchange::Exchange;
use crate::faults::{Faults, Kind, Moment, Plan, PlanError};
use local_aws::call::Owner;
use local_aws::{Access, Call, Caller, Lag, Meter, Service, Signable, SignatureError};
use local_dynamodb::{Replica, Tables};
use local_lambda::Lambda;

/// More than any service takes; each has its own limit and its own error.
const MAX_BODY_BYTES: usize = 17 * 1024 * 1024;

/// A request that has come in whole.
pub type Request = http::Request<Bytes>;

/// The state that a request reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadView {
    /// The newest state, with every write that was answered.
    Current,
    /// An earlier one, which is served there.
    Stale(SocketAddr),
}

impl ReadView {
    /// Returns the address to send it to, if not the service itself.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Current => None,
            Self::Stale(address) => Some(address),
        }
    }
}

/// The gate of one cloud. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lambda: Lambda,
    tables: Option<Tables>,
    meter: Meter,
    access: Access,
    faults: Faults,
    /// The target of stale reads, while a plan has any.
    replica: Mutex<Option<Arc<Replica>>>,
    /// Held by each write to DynamoDB while there is a replica, which has to receive the writes in their order.
    writing: tokio::sync::Mutex<()>,
    /// Held while a plan is being installed: rules and replica belong together.
    installing: tokio::sync::Mutex<()>,
}

impl Gate {
    /// A gate without faults, for the developer alone. `lambda` has the functions that faults may kill, `tables` what stale reads
    /// may be stale of.
    pub fn new(lambda: Lambda, tables: Option<Tables>) -> Self {
        Self::with_access(lambda, tables, Access::default())
    }

    /// [`Gate::new`], for all that have access.
    pub fn with_access(lambda: Lambda, tables: Option<Tables>, access: Access) -> Self {
        let (meter, faults) = (Meter::default(), Faults::default());
        let replica = Mutex::default();
        let (writing, installing) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        Self(Arc::new(Inner { lambda, tables, meter, access, faults, replica, writing, installing }))
    }

    /// Returns who has access to the services.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// Returns the counts so far.
    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Replaces the plan of faults; one without rules ends them. A plan that is refused changes nothing.
    pub async fn install(&self, plan: Plan) -> Result<(), PlanError> {
        plan.validate()?;
        let _alone = self.0.installing.lock().await;
        let replica = match plan.lag() {
            Some(lag) => Some(self.replicate(lag).await?),
            None => None,
        };
        *self.replica() = replica;
        self.0.faults.install(plan);
        Ok(())
    }

    /// A copy of the tables for stale reads to read.
    async fn replicate(&self, lag: Lag) -> Result<Arc<Replica>, PlanError> {
        let failed = |error: String| PlanError::Replica(error);
        let tables = self.0.tables.as_ref().ok_or(PlanError::NoTables)?;
        let replica = Arc::new(Replica::start(tables, lag).await.map_err(|error| failed(error.to_string()))?);
        // In this order nothing escapes the copy: what is written once it is being filled is noted.
        let before = self.replica().replace(replica.clone());
        let filling = replica.clone();
        let filled = match tokio::task::spawn_blocking(move || filling.fill()).await {
            Ok(filled) => filled.map_err(|error| failed(error.to_string())),
            Err(error) => Err(failed(error.to_string())),
        };
        if let Err(error) = filled {
            *self.replica() = before;
            return Err(error);
        }
        Ok(replica)
    }

    /// Lets a request through to `carry_out`, unless its signer may not or a fault keeps it from there, and lets the answer
    /// through to the client, unless a fault does. `owner` owns the connections or indices that are called.
    pub async fn pass<F, C>(
        &self,
        service: Service,
        owner: Option<Owner>,
        request: axum::extract::Request,
        carry_out: F,
    ) -> Response
    where
        F: FnOnce(Request, ReadView) -> C,
        C: Future<Output = Response>,
    {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let Inner { meter, access, faults, .. } = &*self.0;
        let signer = match self.signer(&head, &body) {
            Ok(signer) => signer,
            Err(error) => return refusals::unknown(service, &error),
        };
        if let (Service::Opensearch, Err(reason)) = (service, data_access::check_signed_headers(&head)) {
            tracing::error!(caller = signer.name(), "{reason}");
            return data_access::forbidden();
        }
        let call = Call { owner, ..Call::read(service, &head, &body, &signer) };
        if let Err(denied) = access.authorize(&signer, &permissions::needed(&call)) {
            return refusals::denied(service, &denied);
        }
        if let Err(denied) = access.authorize_data(&signer, &data_access::needed(&call)) {
            return refusals::denied(service, &denied);
        }
        let caller = signer.function();
        meter.request(caller, &call);
        let fault = faults.draw(&call);
        if let Some(fault) = fault {
            let (caller, fault) = (caller.unwrap_or("outside"), fault.kind.name());
            tracing::debug!(%service, operation = call.operation, resources = ?call.resources, caller, fault, "fault");
            meter.fault(fault);
        }
        let mut exchange = Exchange { gate: self, caller, call: &call, head, body };
        let Some(fault) = fault else {
            return exchange.complete(ReadView::Current, carry_out).await;
        };
        match fault.kind {
            Kind::Delay(_) => {
                tokio::time::sleep(fault.delay).await;
                exchange.complete(ReadView::Current, carry_out).await
            }
            Kind::StaleRead(_) => {
                let replica = self.replica().clone();
                let view = replica.map_or(ReadView::Current, |replica| ReadView::Stale(replica.address()));
                exchange.complete(view, carry_out).await
            }
            Kind::Unprocessed => {
                let Some((rest, last)) = batch::hold_back(&call.input) else {
                    return exchange.complete(ReadView::Current, carry_out).await;
                };
                exchange.body = rest;
                let response = exchange.complete(ReadView::Current, carry_out).await;
                batch::hand_back(&call.operation, last, response).await
            }
            Kind::ResponseLost => {
                exchange.complete(ReadView::Current, carry_out).await;
                cut()
            }
            Kind::ResponseError => {
                exchange.complete(ReadView::Current, carry_out).await;
                faults::answer(fault.kind, &call).unwrap_or_else(cut)
            }
            Kind::Kill(Moment::Before) => self.crash(&signer).await,
            Kind::Kill(Moment::After) => {
                exchange.complete(ReadView::Current, carry_out).await;
                self.crash(&signer).await
            }
            Kind::RequestLost => cut(),
            Kind::Throttle | Kind::Conflict | Kind::Gone | Kind::Resuming => {
                faults::answer(fault.kind, &call).unwrap_or_else(cut)
            }
        }
    }

    /// Finds who has signed a request. A preflight is not signed, and asks for nothing.
    fn signer(&self, head: &Parts, body: &[u8]) -> Result<Caller, SignatureError> {
        if head.method == Method::OPTIONS {
            return Ok(Caller::Developer { name: String::new() });
        }
        let request = Signable { method: &head.method, uri: &head.uri, headers: &head.headers, body };
        self.0.access.authenticate(request)
    }

    /// Kills the function that made the request. Its answer is not read, but its connection may still look open.
    async fn crash(&self, signer: &Caller) -> Response {
        let (Some(function), instance) = (signer.function(), signer.instance()) else { return cut() };
        if let Err(error) = self.0.lambda.kill(function, instance).await {
            tracing::debug!(%error, "not killed");
        }
        cut()
    }

    fn replica(&self) -> MutexGuard<'_, Option<Arc<Replica>>> {
        // Nothing panics while it holds the lock.
        self.0.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the connection without an answer: a body that fails at once discards the head, which has not been sent yet.
fn cut() -> Response {
    let lost = io::Error::new(io::ErrorKind::ConnectionAborted, "cut on purpose");
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(lost)])))
}
