//! A schedule and the function that it invokes.

use std::sync::Arc;
use std::time::Duration;

use local_aws::ScheduleExpression;
use local_lambda::{Handler, Lambda, Outcome};
use local_sources::schedules;
use local_template::model::ScheduleEvent;
use local_testing::recorded::{assert_like, fixture};
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_function_runs_whenever_the_schedule_says_until_the_token_fires() {
    let (sender, mut received) = unbounded_channel();
    let handler: Handler = Arc::new(move |payload| {
        // Fails after the test has ended.
        let _ = sender.send(payload);
        Box::pin(async { Ok(Outcome::Success("null".into())) })
    });
    let lambda = Lambda::from_handlers([("F".to_owned(), handler)].into());
    let schedule = ScheduleEvent {
        arn: "arn:aws:events:us-east-1:000000000000:rule/local-FTick".to_owned(),
        expression: ScheduleExpression::Rate(Duration::from_millis(20)),
        input: None,
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(schedules::run(schedule, "F".to_owned(), lambda, shutdown.clone()));
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let payload = tokio::time::timeout(TIMEOUT, received.recv()).await.expect("it is due").unwrap();
        let event: Value = serde_json::from_slice(&payload).unwrap();
        assert_like(&event, &fixture("eventbridge-schedule"), &[]);
        ids.insert(event["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 3);
    shutdown.cancel();
    tokio::time::timeout(TIMEOUT, running).await.expect("it ends").unwrap();
}
