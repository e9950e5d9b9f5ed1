//! The queues over the wire, with the AWS SDK.

mod durability;
mod fifo;
mod limits;
mod move_tasks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use local_sqs::Sqs;
use local_template::model::Queue;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

struct Service {
    client: Client,
    queues: Vec<Queue>,
    shutdown: CancellationToken,
}

fn queue(address: SocketAddr, name: &str, attributes: &[(&str, &str)]) -> Queue {
    Queue {
        logical_id: name.to_owned(),
        name: name.to_owned(),
        url: format!("http://{address}/000000000000/{name}"),
        arn: format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    }
}

impl Service {
    async fn start(queues: &[(&str, &[(&str, &str)])], state: Option<PathBuf>) -> Self {
        Self::start_on("127.0.0.1:0", queues, state).await
    }

    async fn start_on(address: &str, queues: &[(&str, &[(&str, &str)])], state: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let queues: Vec<_> = queues.iter().map(|(name, attributes)| queue(address, name, attributes)).collect();
        let sqs = Sqs::start("us-east-1", "000000000000", address, &queues, state).await.unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn({
            let (sqs, shutdown) = (sqs.clone(), shutdown.clone());
            async move { sqs.serve(listener, shutdown).await }
        });
        let config = local_testing::sdk(format!("http://{address}"), "local");
        Self { client: Client::new(&config), queues, shutdown }
    }

    /// The queue's attributes by name.
    async fn attributes(&self, queue: &str) -> BTreeMap<String, String> {
        let attributes = self.client.get_queue_attributes().queue_url(self.url(queue));
        let attributes = attributes.attribute_names(QueueAttributeName::All).send().await.unwrap();
        attributes.attributes().unwrap().iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
    }

    fn url(&self, name: &str) -> &str {
        &self.queues.iter().find(|queue| queue.name == name).unwrap().url
    }

    async fn send(&self, queue: &str, body: &str) {
        self.client.send_message().queue_url(self.url(queue)).message_body(body).send().await.unwrap();
    }

    async fn receive_now(&self, queue: &str) -> Vec<Message> {
        let request = self.client.receive_message().queue_url(self.url(queue)).max_number_of_messages(10);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        request.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default()
    }

    /// Receives until there are `count`.
    async fn receive(&self, queue: &str, count: usize) -> Vec<Message> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut messages = Vec::new();
        while messages.len() < count {
            assert!(Instant::now() < deadline, "only {} of {count} messages", messages.len());
            messages.extend(self.receive_now(queue).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        messages
    }

    async fn delete(&self, queue: &str, message: &Message) {
        let request = self.client.delete_message().queue_url(self.url(queue));
        request.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

fn system<'a>(message: &'a Message, name: &MessageSystemAttributeName) -> Option<&'a str> {
    message.attributes()?.get(name).map(String::as_str)
}

#[tokio::test]
async fn messages_keep_body_and_attributes() {
    let service = Service::start(&[("jobs", &[])], None).await;
    let url = service.client.get_queue_url().queue_name("jobs").send().await.unwrap();
    assert_eq!(url.queue_url().unwrap(), service.url("jobs"));

    let attribute = |kind: &str| MessageAttributeValue::builder().data_type(kind);
    service
        .client
        .send_message()
        .queue_url(service.url("jobs"))
        .message_body("grüße")
        .message_attributes("text", attribute("String").string_value("a").build().unwrap())
        .message_attributes("bytes", attribute("Binary").binary_value(Blob::new([0, 255])).build().unwrap())
        .send()
        .await
        .unwrap();
    let messages = service.receive("jobs", 1).await;
    assert_eq!(messages[0].body(), Some("grüße"));
    let attributes = messages[0].message_attributes().unwrap();
    assert_eq!(attributes["text"].string_value(), Some("a"));
    assert_eq!(attributes["bytes"].binary_value().unwrap().as_ref(), [0, 255]);
    assert_eq!(system(&messages[0], &MessageSystemAttributeName::ApproximateReceiveCount), Some("1"));
    service.delete("jobs", &messages[0]).await;
    service.shutdown.cancel();
}

#[tokio::test]
async fn an_unknown_queue_is_sqss_error() {
    let service = Service::start(&[("jobs", &[])], None).await;
    let url = format!("{}-not", service.url("jobs"));
    let error = service.client.send_message().queue_url(url).message_body("x").send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn a_message_that_is_not_deleted_comes_back_after_the_visibility_timeout() {
    let service = Service::start(&[("jobs", &[("VisibilityTimeout", "1")])], None).await;
    service.send("jobs", "one").await;
    assert_eq!(service.receive("jobs", 1).await.len(), 1);
    assert!(service.receive_now("jobs").await.is_empty());
    let again = service.receive("jobs", 1).await;
    assert_eq!(system(&again[0], &MessageSystemAttributeName::ApproximateReceiveCount), Some("2"));
    service.delete("jobs", &again[0]).await;
}

#[tokio::test]
async fn a_delayed_message_is_not_there_before_its_time() {
    let service = Service::start(&[("jobs", &[])], None).await;
    let sent = Instant::now();
    let request = service.client.send_message().queue_url(service.url("jobs")).message_body("later");
    request.delay_seconds(1).send().await.unwrap();
    service.receive("jobs", 1).await;
    assert!(sent.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letter_queue() {
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;
    let attributes: &[_] = &[("VisibilityTimeout", "0"), ("RedrivePolicy", policy)];
    let service = Service::start(&[("dead", &[]), ("jobs", attributes)], None).await;
    service.send("jobs", "poison").await;
    service.receive("jobs", 2).await;
    assert!(service.receive_now("jobs").await.is_empty());
    let dead = service.receive("dead", 1).await;
    assert_eq!(bodies(&dead), ["poison"]);
    let source = system(&dead[0], &MessageSystemAttributeName::DeadLetterQueueSourceArn);
    assert_eq!(source, Some("arn:aws:sqs:us-east-1:000000000000:jobs"));
}

#[tokio::test]
async fn serving_ends_with_the_token_although_a_client_polls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sqs = Sqs::start("us-east-1", "000000000000", address, &[queue(address, "jobs", &[])], None).await.unwrap();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { sqs.serve(listener, shutdown).await }
    });
    let service = long_poll(address).await;
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(10), server).await.expect("the server ends").unwrap().unwrap();
    drop(service);
}

/// A long poll of 20 s on a connection of its own.
async fn long_poll(address: SocketAddr) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt;
    let body = format!(r#"{{"QueueUrl":"http://{address}/000000000000/jobs","WaitTimeSeconds":20}}"#);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n\
         Content-Type: application/x-amz-json-1.0\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n{body}",
        local_aws::admission::authorization("sqs"),
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}
