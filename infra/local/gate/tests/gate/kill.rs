//! Crashes of functions: between two calls, and at any time by request.

use local_aws::Service;
use local_lambda::Outcome;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep};

use crate::harness::Cloud;

const TIMEOUT: Duration = Duration::from_secs(20);

async fn invoke(cloud: &Cloud, event: Value) -> Outcome {
    cloud.lambda.invoke("Echo", event.to_string().into()).await.unwrap()
}

fn put(sk: u32) -> Value {
    let item = json!({"pk": {"S": "a"}, "sk": {"N": sk.to_string()}, "text": {"S": "from a function"}});
    json!({"do": "put", "request": {"TableName": "items", "Item": item}})
}

fn is_killed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::FunctionError(error) if String::from_utf8_lossy(error).contains("signal: killed"))
}

#[tokio::test]
async fn a_function_crashes_after_its_request_or_before() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": {"kill": "after"}, "function": "Echo", "skip": 1, "next": 1}])).await;
    assert!(matches!(invoke(&cloud, put(1)).await, Outcome::Success(_)));
    assert!(is_killed(&invoke(&cloud, put(2)).await));
    assert_eq!(cloud.get(2, true).await.as_deref(), Some("from a function"));

    cloud.faults(0, json!([{"kind": {"kill": "before"}, "operation": "PutItem", "next": 1}])).await;
    cloud.put(9, 1).send().await.unwrap();
    assert!(is_killed(&invoke(&cloud, put(3)).await));
    assert_eq!(cloud.get(3, true).await, None);
    assert!(matches!(invoke(&cloud, put(3)).await, Outcome::Success(_)));

    let reading = cloud.reading();
    let echo = &reading.functions["Echo"];
    assert_eq!((echo.invocations, echo.errors, echo.cold_starts), (4, 2, 3));
    let puts = &echo.requests[&Service::Dynamodb]["PutItem"];
    assert_eq!((puts.requests, puts.write_units), (4, 3.0));
    assert_eq!(reading.faults["kill"], 2);
}

/// Starts an invocation that waits at the gate for its request.
async fn held_up(cloud: &Cloud) -> JoinHandle<Outcome> {
    let before = cloud.sources.meter.requests();
    let lambda = cloud.lambda.clone();
    let held = tokio::spawn(async move { lambda.invoke("Echo", put(1).to_string().into()).await.unwrap() });
    let deadline = Instant::now() + TIMEOUT;
    while cloud.sources.meter.requests() == before {
        assert!(Instant::now() < deadline, "no request came");
        sleep(Duration::from_millis(5)).await;
    }
    held
}

#[tokio::test]
async fn only_the_instance_that_asks_is_killed() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": {"delay": 60_000}, "next": 1}, {"kind": {"kill": "before"}}])).await;
    let other = held_up(&cloud).await;
    assert!(is_killed(&invoke(&cloud, put(1)).await));
    assert!(!other.is_finished());
    assert_eq!(cloud.lambda.kill("Echo", None).await.unwrap(), 1);
    assert!(is_killed(&other.await.unwrap()));
}

#[tokio::test]
async fn a_kill_switch_ends_idle_and_busy_processes() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": {"delay": 60_000}}])).await;
    let busy = held_up(&cloud).await;
    assert!(matches!(invoke(&cloud, json!({})).await, Outcome::Success(_)));
    assert_eq!(cloud.lambda.kill("Echo", None).await.unwrap(), 2);
    assert!(is_killed(&busy.await.unwrap()));
    assert_eq!(cloud.lambda.kill("Echo", None).await.unwrap(), 0);
    assert!(matches!(invoke(&cloud, json!({})).await, Outcome::Success(_)));
    assert!(cloud.lambda.kill("Nobody", None).await.is_err());
}
