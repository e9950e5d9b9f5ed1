//! The control endpoint: reads the meter and denials, plans faults, kills functions. Only here, AWS has nothing like it.
//!
//! `GET /meter`, `POST /meter/reset`; `GET /denials`; `POST /faults` with a [`Plan`](local_gate::faults::Plan), `DELETE /faults`;
//! `POST /functions/{logical id}/kill`; `POST /schedules/run`; where it is asked for, `GET /ui`. For programs of this machine and for its own
//! page only: requests that a page from elsewhere makes a browser send are refused.

use std::io;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use local_aws::Admission;
use local_aws::access::Denial;
use local_gate::Gate;
use local_gate::faults::Plan;
use local_lambda::log_feed::LogFeed;
use local_scheduler::Scheduler;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::meter::{MeterReader, Reading};
use crate::ui;

/// The controllable parts. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    pub(crate) gate: Gate,
    pub(crate) sources: MeterReader,
    pub(crate) scheduler: Scheduler,
    /// Lines for the page; `None` for no page.
    pub(crate) ui: Option<LogFeed>,
}

/// Serves the endpoint until `shutdown` fires.
pub(crate) async fn serve(listener: TcpListener, control: Control, shutdown: CancellationToken) -> io::Result<()> {
    let page = control.ui.clone().map(|feed| ui::router(control.sources.clone(), feed, shutdown.clone()));
    let router = Router::new()
        .route("/meter", get(read))
        .route("/meter/reset", post(reset))
        .route("/denials", get(denials))
        .route("/faults", post(install).delete(clear))
        .route("/functions/{function}/kill", post(kill))
        .route("/schedules/run", post(run_schedules))
        .with_state(control)
        .merge(page.unwrap_or_else(|| Router::new().route("/ui", get(no_page))))
        .layer(middleware::from_fn(|request, next| Admission::local().layer(request, next)));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn no_page() -> Response {
    refuse(StatusCode::NOT_FOUND, "the page with live figures and logs is off: start the local cloud with `--ui`")
}

async fn read(State(control): State<Control>) -> Json<Reading> {
    Json(control.sources.read())
}

async fn reset(State(control): State<Control>) -> StatusCode {
    control.sources.reset();
    StatusCode::NO_CONTENT
}

/// Lists the permissions that functions lacked.
async fn denials(State(control): State<Control>) -> Json<Vec<Denial>> {
    Json(control.gate.access().denials())
}

async fn install(State(control): State<Control>, body: Bytes) -> Response {
    let plan: Plan = match serde_json::from_slice(&body) {
        Ok(plan) => plan,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match control.gate.install(plan).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn clear(State(control): State<Control>) -> Response {
    match control.gate.install(Plan::default()).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Answers once the processes are gone, with how many there were.
async fn kill(State(control): State<Control>, Path(function): Path<String>) -> Response {
    match control.sources.lambda.kill(&function, None).await {
        Ok(killed) => Json(json!({ "killed": killed })).into_response(),
        Err(error) => refuse(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

/// Invokes the targets of all schedules as if their times had come, and answers with their number.
async fn run_schedules(State(control): State<Control>) -> Response {
    match control.scheduler.invoke_all().await {
        Ok(invoked) => Json(json!({ "invoked": invoked })).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
