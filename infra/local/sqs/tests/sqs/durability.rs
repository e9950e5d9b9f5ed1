//! What was accepted is there after the process was killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, SendMessageBatchRequestEntry};
use futures_util::future::join_all;
use tempfile::TempDir;

use crate::{Service, bodies, system};

const REDRIVE: &str = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;

const QUEUES: &[(&str, &[(&str, &str)])] = &[
    ("dead", &[]),
    ("jobs", &[("RedrivePolicy", REDRIVE), ("VisibilityTimeout", "0")]),
    ("others", &[]),
    ("in-order.fifo", &[("FifoQueue", "true")]),
];

const FOLDER: &str = "SQS_TEST_FOLDER";

/// The process that is killed: this test's own binary, which runs this function alone.
#[tokio::test]
async fn serve_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let service = Service::start(QUEUES, Some(folder.join("journal"))).await;
    let url = service.url("jobs").to_owned();
    let partial = folder.join("partial");
    std::fs::write(&partial, url.trim_end_matches("jobs")).unwrap();
    std::fs::rename(partial, folder.join("url")).unwrap();
    std::future::pending::<()>().await;
}

/// Queues in a process of their own.
struct Process {
    child: Child,
    client: Client,
    base: String,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::serve_until_killed", "--test-threads", "1"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let base = loop {
            match std::fs::read_to_string(folder.join("url")) {
                Ok(url) => break url,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let endpoint = base.rsplit_once("/0").unwrap().0.to_owned();
        Self { child, client: Client::new(&local_testing::sdk(endpoint, "local")), base }
    }

    fn url(&self, queue: &str) -> String {
        format!("{}{queue}", self.base)
    }

    async fn send(&self, queue: &str, body: &str) -> String {
        let sent = self.client.send_message().queue_url(self.url(queue)).message_body(body).send().await.unwrap();
        sent.message_id.unwrap()
    }

    async fn receive(&self, queue: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let receive = self.client.receive_message().queue_url(self.url(queue)).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    /// The signal that no process can handle.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Kills the process and starts the queues again, in this one.
async fn killed(process: Process, folder: &TempDir) -> Service {
    process.kill();
    Service::start(QUEUES, Some(folder.path().join("journal"))).await
}

#[tokio::test]
async fn accepted_messages_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path()).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(process.send("others", &format!("{number:02}")).await);
    }
    let entries = (20..30).map(|number| {
        let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
        entry.message_body(number.to_string()).build().unwrap()
    });
    let batch = process.client.send_message_batch().queue_url(process.url("others"));
    let batch = batch.set_entries(Some(entries.collect())).send().await.unwrap();
    ids.extend(batch.successful().iter().map(|sent| sent.message_id().to_owned()));
    let service = killed(process, &folder).await;
    let received = service.receive("others", 30).await;
    assert_eq!(received.iter().map(|message| message.message_id().unwrap()).collect::<Vec<_>>(), ids);
    assert_eq!(bodies(&received), (0..30).map(|number| format!("{number:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn deletions_receive_counts_delays_and_dead_letters_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path()).await;
    for body in ["deleted", "in flight", "waiting"] {
        process.send("others", body).await;
    }
    let delayed = process.client.send_message().queue_url(process.url("others")).message_body("delayed");
    delayed.delay_seconds(900).send().await.unwrap();
    let received = process.receive("others").await;
    assert_eq!(bodies(&received), ["deleted", "in flight", "waiting"]);
    let delete = process.client.delete_message().queue_url(process.url("others"));
    delete.receipt_handle(received[0].receipt_handle().unwrap()).send().await.unwrap();
    let dead = process.send("jobs", "poison").await;
    for _ in 0..2 {
        assert_eq!(bodies(&process.receive("jobs").await), ["poison"]);
    }
    assert!(process.receive("jobs").await.is_empty(), "it goes to the dead-letter queue");

    let service = killed(process, &folder).await;
    let others = service.receive("others", 2).await;
    assert_eq!(bodies(&others), ["in flight", "waiting"]);
    for (before, after) in received[1..].iter().zip(&others) {
        assert_eq!(before.message_id(), after.message_id());
        assert_eq!(system(after, &MessageSystemAttributeName::ApproximateReceiveCount), Some("2"));
        let first = MessageSystemAttributeName::ApproximateFirstReceiveTimestamp;
        assert_eq!(system(before, &first), system(after, &first));
    }
    // A handle of before the kill is still good.
    let delete = service.client.delete_message().queue_url(service.url("others"));
    delete.receipt_handle(received[2].receipt_handle().unwrap()).send().await.unwrap();
    let counts = service.attributes("others").await;
    assert_eq!(counts["ApproximateNumberOfMessagesDelayed"], "1");
    assert_eq!(counts["ApproximateNumberOfMessagesNotVisible"], "1");
    let dead_letters = service.receive("dead", 1).await;
    assert_eq!(dead_letters[0].message_id(), Some(dead.as_str()));
    let source = system(&dead_letters[0], &MessageSystemAttributeName::DeadLetterQueueSourceArn);
    assert_eq!(source, Some("arn:aws:sqs:us-east-1:000000000000:jobs"));
    assert!(service.receive_now("jobs").await.is_empty());
}

#[tokio::test]
async fn a_deduplication_id_survives_a_kill_after_its_message_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path()).await;
    let send = async |client: &Client, url: &str| {
        let send = client.send_message().queue_url(url).message_body("one").message_group_id("g");
        send.message_deduplication_id("d").send().await.unwrap()
    };
    let first = send(&process.client, &process.url("in-order.fifo")).await;
    let received = process.receive("in-order.fifo").await;
    let delete = process.client.delete_message().queue_url(process.url("in-order.fifo"));
    delete.receipt_handle(received[0].receipt_handle().unwrap()).send().await.unwrap();
    let service = killed(process, &folder).await;
    let again = send(&service.client, service.url("in-order.fifo")).await;
    assert_eq!((again.message_id, again.sequence_number), (first.message_id, first.sequence_number));
    assert!(service.receive_now("in-order.fifo").await.is_empty());
}

#[tokio::test]
async fn a_kill_between_many_sends_loses_none_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path()).await;
    let (client, url) = (process.client.clone(), process.url("others"));
    let senders = (0..8).map(|sender| {
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move {
            let mut answered = Vec::new();
            for number in 0.. {
                let body = format!("{sender}-{number}");
                let sent = client.send_message().queue_url(&url).message_body(&body).send().await;
                if sent.is_err() {
                    break;
                }
                answered.push(body);
            }
            answered
        })
    });
    let senders: Vec<_> = senders.collect();
    // Once the journal has some, wherever the writers are.
    while std::fs::metadata(folder.path().join("journal")).unwrap().len() < 20_000 {
        tokio::task::yield_now().await;
    }
    let service = killed(process, &folder).await;
    let answered: Vec<String> = join_all(senders).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(!answered.is_empty());
    let mut there = Vec::new();
    loop {
        let received = service.receive_now("others").await;
        if received.is_empty() {
            break;
        }
        there.extend(bodies(&received).into_iter().map(str::to_owned));
    }
    let lost: Vec<_> = answered.iter().filter(|body| !there.contains(body)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}
