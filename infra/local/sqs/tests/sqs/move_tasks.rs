//! Moving messages back from dead-letter queues.

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, MessageSystemAttributeName};

use crate::{Service, bodies, system};

const REDRIVE: &str = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;

/// Two queues with one dead-letter queue, and a queue without any.
const QUEUES: &[(&str, &[(&str, &str)])] = &[
    ("jobs", &[("RedrivePolicy", REDRIVE), ("VisibilityTimeout", "0")]),
    ("mails", &[("RedrivePolicy", REDRIVE), ("VisibilityTimeout", "0")]),
    ("dead", &[]),
    ("other", &[]),
];

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{queue}")
}

/// Receives a message of a queue once, and moves it to the dead-letter queue by asking again.
async fn give_up(service: &Service, queue: &str, body: &str) {
    service.send(queue, body).await;
    assert_eq!(bodies(&service.receive(queue, 1).await), [body]);
    assert!(service.receive_now(queue).await.is_empty());
}

async fn latest(service: &Service) -> ListMessageMoveTasksResultEntry {
    let listed = service.client.list_message_move_tasks().source_arn(arn("dead")).send().await.unwrap();
    let [task] = listed.results() else { panic!("{listed:?}") };
    task.clone()
}

#[tokio::test]
async fn messages_move_back_to_the_queues_they_came_from() {
    let service = Service::start(QUEUES, None).await;
    give_up(&service, "jobs", "a job").await;
    give_up(&service, "mails", "a mail").await;
    let started = service.client.start_message_move_task().source_arn(arn("dead")).send().await.unwrap();
    assert!(started.task_handle().is_some());
    for (queue, body) in [("jobs", "a job"), ("mails", "a mail")] {
        let messages = service.receive(queue, 1).await;
        assert_eq!(bodies(&messages), [body]);
        // As if it had just been sent.
        assert_eq!(system(&messages[0], &MessageSystemAttributeName::ApproximateReceiveCount), Some("1"));
    }
    assert!(service.receive_now("dead").await.is_empty());
    let task = latest(&service).await;
    assert_eq!((task.status(), task.approximate_number_of_messages_moved()), (Some("COMPLETED"), 2));
    let error = service.client.cancel_message_move_task().task_handle("any").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
    service.shutdown.cancel();
}

#[tokio::test]
async fn a_message_that_was_sent_to_the_dead_letter_queue_needs_a_destination() {
    let service = Service::start(QUEUES, None).await;
    service.send("dead", "from nowhere").await;
    service.client.start_message_move_task().source_arn(arn("dead")).send().await.unwrap();
    let task = latest(&service).await;
    assert_eq!((task.status(), task.failure_reason()), (Some("FAILED"), Some("CouldNotDetermineMessageSource")));
    let to = service.client.start_message_move_task().source_arn(arn("dead")).destination_arn(arn("other"));
    to.send().await.unwrap();
    assert_eq!(bodies(&service.receive("other", 1).await), ["from nowhere"]);
    service.shutdown.cancel();
}

#[tokio::test]
async fn only_a_dead_letter_queue_can_be_moved() {
    let service = Service::start(QUEUES, None).await;
    for (source, destination, rate, code) in [
        ("jobs", None, None, "InvalidParameterValue"),
        ("absent", None, None, "ResourceNotFoundException"),
        ("dead", Some("absent"), None, "ResourceNotFoundException"),
        ("dead", None, Some(501), "InvalidParameterValue"),
    ] {
        let request = service.client.start_message_move_task().source_arn(arn(source));
        let request = request.set_destination_arn(destination.map(arn)).set_max_number_of_messages_per_second(rate);
        let error = request.send().await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{source} {destination:?} {rate:?}");
    }
    service.shutdown.cancel();
}

#[tokio::test]
async fn a_move_survives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let journal = || Some(folder.path().join("journal"));
    let service = Service::start(QUEUES, journal()).await;
    give_up(&service, "jobs", "a job").await;
    service.client.start_message_move_task().source_arn(arn("dead")).send().await.unwrap();
    service.shutdown.cancel();
    let service = Service::start(QUEUES, journal()).await;
    assert_eq!(bodies(&service.receive("jobs", 1).await), ["a job"]);
    assert!(service.receive_now("dead").await.is_empty());
    service.shutdown.cancel();
}
