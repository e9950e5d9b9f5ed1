//! Schedules over the wire, with AWS's SDK, and the queues that they send to.

mod durability;

use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::create_schedule::builders::CreateScheduleFluentBuilder;
use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use local_scheduler::Scheduler;
use local_sqs::Sqs;
use local_template::model::{Queue, ScheduleGroup};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:jobs";

/// A scheduler with the group `later`, and a queue.
struct Service {
    client: Client,
    endpoint: String,
    scheduler: Scheduler,
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
}

impl Service {
    async fn start(file: Option<PathBuf>) -> Self {
        let (queues, listener) = tokio::join!(TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0"));
        let (queues, listener) = (queues.unwrap(), listener.unwrap());
        let address = queues.local_addr().unwrap();
        let queue = Queue {
            logical_id: "Jobs".to_owned(),
            name: "jobs".to_owned(),
            url: format!("http://{address}/000000000000/jobs"),
            arn: QUEUE.to_owned(),
            attributes: std::collections::BTreeMap::new(),
        };
        let queue_url = queue.url.clone();
        let sqs = Sqs::start("us-east-1", "000000000000", address, &[queue], None).await.unwrap();
        let groups = [ScheduleGroup { logical_id: "Later".to_owned(), name: "later".to_owned() }];
        let scheduler = Scheduler::open("us-east-1", "000000000000", &groups, sqs.clone(), file).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serving = scheduler.clone();
        tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
        tokio::spawn(async move { sqs.serve(queues, CancellationToken::new()).await });
        let sqs = aws_sdk_sqs::Client::new(&local_testing::sdk(format!("http://{address}"), "local"));
        let client = Client::new(&local_testing::sdk(&endpoint, "local"));
        Self { client, endpoint, scheduler, sqs, queue_url }
    }

    /// Receives until a message comes.
    async fn receive(&self) -> String {
        loop {
            let received = self.sqs.receive_message().queue_url(&self.queue_url).wait_time_seconds(5).send().await;
            if let Some(message) = received.unwrap().messages.unwrap_or_default().pop() {
                let delete = self.sqs.delete_message().queue_url(&self.queue_url);
                delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
                return message.body.unwrap();
            }
        }
    }

    /// Returns the names of the schedules.
    async fn names(&self) -> Vec<String> {
        let listed = self.client.list_schedules().group_name("later").send().await.unwrap();
        listed.schedules.into_iter().filter_map(|schedule| schedule.name).collect()
    }
}

/// A time from now, as an expression.
fn after(wait: Duration) -> String {
    let format = format_description!("at([year]-[month]-[day]T[hour]:[minute]:[second])");
    (OffsetDateTime::now_utc() + wait).format(format).unwrap()
}

/// A schedule that deletes itself.
fn schedule(client: &Client, name: &str, expression: String) -> CreateScheduleFluentBuilder {
    let target = Target::builder().arn(QUEUE).role_arn("arn:aws:iam::000000000000:role/sends").input(name);
    client
        .create_schedule()
        .group_name("later")
        .name(name)
        .schedule_expression(expression)
        .flexible_time_window(FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().unwrap())
        .action_after_completion(ActionAfterCompletion::Delete)
        .target(target.build().unwrap())
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn due_schedule_sends_its_input_and_is_deleted() {
    let service = Service::start(None).await;
    schedule(&service.client, "later", after(HOUR)).send().await.unwrap();
    schedule(&service.client, "soon", after(Duration::from_secs(1))).send().await.unwrap();
    schedule(&service.client, "past", "at(2020-01-01T00:00:00)".to_owned()).send().await.unwrap();
    let kept = schedule(&service.client, "kept", "at(2020-01-01T00:00:00)".to_owned());
    kept.action_after_completion(ActionAfterCompletion::None).send().await.unwrap();
    let mut received = [service.receive().await, service.receive().await, service.receive().await];
    received.sort_unstable();
    assert_eq!(received, ["kept", "past", "soon"]);
    while service.names().await.len() > 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(service.names().await, ["kept", "later"]);
    assert_eq!(service.scheduler.invoke_all().await.unwrap(), 1, "an hour is not waited for");
    assert_eq!(service.receive().await, "later");
    assert_eq!(service.names().await, ["kept"]);
}

#[tokio::test]
async fn names_are_unique_in_their_group_and_a_repeated_request_is_one_schedule() {
    let service = Service::start(None).await;
    let expression = after(HOUR);
    let create = || schedule(&service.client, "one", expression.clone());
    let created = create().client_token("token").send().await.unwrap();
    assert_eq!(created.schedule_arn(), "arn:aws:scheduler:us-east-1:000000000000:schedule/later/one");
    create().client_token("token").send().await.unwrap();
    let conflict = create().client_token("other").send().await.unwrap_err().into_service_error();
    assert!(conflict.is_conflict_exception(), "{conflict:?}");
    let default = Client::new(&local_testing::sdk_without_retries(&service.endpoint, "local"));
    create().group_name("default").send().await.unwrap();
    let unknown = create().group_name("none").send().await.unwrap_err().into_service_error();
    assert!(unknown.is_resource_not_found_exception(), "{unknown:?}");
    let invalid = schedule(&default, "two", "rate(1 hour)".to_owned()).send().await.unwrap_err().into_service_error();
    assert!(invalid.is_validation_exception(), "{invalid:?}");

    let found = service.client.get_schedule().group_name("later").name("one").send().await.unwrap();
    assert_eq!((found.name(), found.schedule_expression()), (Some("one"), Some(expression.as_str())));
    assert_eq!(found.target.unwrap().input(), Some("one"));
    let delete = || service.client.delete_schedule().group_name("later").name("one").send();
    delete().await.unwrap();
    assert!(delete().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    assert_eq!(service.names().await, [""; 0]);
}
