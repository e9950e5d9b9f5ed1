//! The wire protocol: REST-JSON.

use std::io;

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router, middleware};
use bytes::Bytes;
use local_aws::Admission;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Scheduler;
use crate::error::SchedulerError;
use crate::schedule::{DEFAULT_GROUP, Schedule};
use crate::store::Stored;

type Answer = Result<Json<Value>, SchedulerError>;

/// Reads and deletions name their group in the query, lists as `ScheduleGroup`.
#[derive(Deserialize)]
struct Group {
    #[serde(rename = "groupName", alias = "ScheduleGroup")]
    name: Option<String>,
}

pub(crate) async fn serve(listener: TcpListener, scheduler: Scheduler, shutdown: CancellationToken) -> io::Result<()> {
    let admission = Admission::signed(&["scheduler"]).with_content_type("application/json");
    let router = Router::new()
        .route("/schedules", get(list))
        .route("/schedules/{name}", get(read).post(create).delete(delete))
        .fallback(unsupported)
        .method_not_allowed_fallback(unsupported)
        .with_state(scheduler)
        .layer(middleware::from_fn(move |request, next| admission.layer(request, next)));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn unsupported() -> SchedulerError {
    SchedulerError::invalid(
        "The local cloud supports CreateSchedule, GetSchedule, DeleteSchedule and ListSchedules only.",
    )
}

async fn create(State(scheduler): State<Scheduler>, Path(name): Path<String>, body: Bytes) -> Answer {
    let schedule = Schedule::read(&body)?;
    let arn = scheduler.arn(&schedule.group_name, &name);
    scheduler.create(name, schedule).await?;
    Ok(Json(json!({ "ScheduleArn": arn })))
}

async fn read(State(scheduler): State<Scheduler>, Path(name): Path<String>, Query(group): Query<Group>) -> Answer {
    let stored = scheduler.get(group.name.unwrap_or_else(|| DEFAULT_GROUP.to_owned()), name).await?;
    let mut answer = serde_json::to_value(&stored.schedule).map_err(SchedulerError::internal)?;
    if let Value::Object(fields) = &mut answer {
        fields.remove("ClientToken");
        fields.entry("State").or_insert("ENABLED".into());
        fields.extend(described(&scheduler, &stored));
    }
    Ok(Json(answer))
}

async fn list(State(scheduler): State<Scheduler>, Query(group): Query<Group>) -> Answer {
    let listed = scheduler.list(group.name).await?;
    let summary = |stored: &Stored| {
        let target = json!({ "Arn": stored.schedule.target.arn });
        let fields =
            [("GroupName", json!(stored.schedule.group_name)), ("State", "ENABLED".into()), ("Target", target)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).into_iter();
        Value::Object(fields.chain(described(&scheduler, stored)).collect())
    };
    Ok(Json(json!({ "Schedules": listed.iter().map(summary).collect::<Vec<_>>() })))
}

async fn delete(State(scheduler): State<Scheduler>, Path(name): Path<String>, Query(group): Query<Group>) -> Answer {
    scheduler.delete(group.name.unwrap_or_else(|| DEFAULT_GROUP.to_owned()), name).await?;
    Ok(Json(json!({})))
}

/// The fields of a stored schedule that no request has.
fn described(scheduler: &Scheduler, stored: &Stored) -> impl Iterator<Item = (String, Value)> + use<> {
    let arn = scheduler.arn(&stored.schedule.group_name, &stored.name);
    let created_at = json!(stored.created_at / 1000);
    let fields = [
        ("Arn", arn.into()),
        ("Name", stored.name.clone().into()),
        ("CreationDate", created_at.clone()),
        ("LastModificationDate", created_at),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value))
}
