//! A database that is throttled, down, or asleep.

use end_to_end::faults::{Kind, Rule};
use end_to_end::test_user::client;
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};

use crate::{PLAN, is_busy};

/// The Data API's operations that decide whether anything can be done.
fn rules(kind: Kind) -> [Rule; 2] {
    ["ExecuteStatement", "BeginTransaction"].map(|operation| kind.rule().operation(operation))
}

#[tokio::test]
async fn failing_database_is_reported_as_busy() {
    let _plan = PLAN.write().await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let cloud = Cloud::shared();
    let me = format!("{}/v1/users/me", cloud.endpoints.http);
    let team = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    for kind in [Kind::Throttle, Kind::ResponseError, Kind::RequestLost] {
        cloud.inject_faults(1, &rules(kind)).await;
        let profile = client().get(&me).bearer_auth(&alice.token).send().await.unwrap();
        let (created, problem) = alice.post_with_key("/v1/conversations", "once", &team).await;
        cloud.clear_faults().await;
        let after = profile.headers().get("retry-after").cloned();
        let (status, body): (_, Value) = (profile.status(), profile.json().await.unwrap());
        assert!(status == 503 && is_busy(&body), "{kind:?}: {body}");
        assert_eq!(after.unwrap(), "2", "{kind:?}");
        assert!(created == 503 && is_busy(&problem), "{kind:?}: {problem}");
    }
    let (status, group) = alice.post_with_key("/v1/conversations", "once", &team).await;
    assert_eq!(status, 201, "{group}");
    let (_, list) = bob.get("/v1/conversations").await;
    assert_eq!(
        list["conversations"].as_array().unwrap().len(),
        1,
        "the refused requests created no conversation: {list}"
    );
}

/// A commit whose answer is lost has happened; the same request again finds that out.
#[tokio::test]
async fn commit_with_a_lost_response_is_busy_and_applied_once() {
    let _plan = PLAN.write().await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let cloud = Cloud::shared();
    let team = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    cloud.inject_faults(1, &[Kind::ResponseLost.rule().operation("CommitTransaction").next(1)]).await;
    let (status, problem) = alice.post_with_key("/v1/conversations", "once", &team).await;
    cloud.clear_faults().await;
    assert!(status == 503 && is_busy(&problem), "{status} {problem}");
    let (status, group) = alice.post_with_key("/v1/conversations", "once", &team).await;
    assert!(status == 200 || status == 201, "{group}");
    let (_, list) = alice.get("/v1/conversations").await;
    assert_eq!(list["conversations"].as_array().unwrap().len(), 1, "{list}");
}

/// The first request waits for the resume.
#[tokio::test]
async fn request_waits_for_a_resuming_database() {
    let _plan = PLAN.write().await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let cloud = Cloud::shared();
    cloud.inject_faults(1, &[Kind::Resuming.rule().next(2)]).await;
    let (status, group) = {
        let team = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
        alice.post("/v1/conversations", &team).await
    };
    cloud.inject_faults(1, &[Kind::Resuming.rule().next(2)]).await;
    let me = alice.get("/v1/users/me").await;
    cloud.clear_faults().await;
    assert_eq!(status, 201, "{group}");
    assert_eq!((me.0, &me.1["user_id"]), (200, &json!(alice.user_id)));
}
