//! FIFO queues: order within a group, and deduplication.

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::Message;

use crate::{Service, bodies};

const NAME: &str = "in-order.fifo";
const FIFO: &[(&str, &[(&str, &str)])] =
    &[(NAME, &[("FifoQueue", "true"), ("ContentBasedDeduplication", "true"), ("VisibilityTimeout", "43200")])];

async fn send(service: &Service, group: &str, body: &str) -> String {
    let send = service.client.send_message().queue_url(service.url(NAME)).message_body(body).message_group_id(group);
    send.send().await.unwrap().message_id.unwrap()
}

async fn take(service: &Service, most: i32) -> Vec<Message> {
    let receive = service.client.receive_message().queue_url(service.url(NAME)).max_number_of_messages(most);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

#[tokio::test]
async fn a_group_waits_for_its_message_in_flight() {
    let service = Service::start(FIFO, None).await;
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")] {
        send(&service, group, body).await;
    }
    let first = take(&service, 1).await;
    assert_eq!(bodies(&first), ["a1"]);
    assert_eq!(bodies(&take(&service, 10).await), ["b1"], "the others of `a` wait");
    service.delete(NAME, &first[0]).await;
    let rest = take(&service, 10).await;
    assert_eq!(bodies(&rest), ["a2", "a3"], "together, in order");
    let change = service.client.change_message_visibility().queue_url(service.url(NAME)).visibility_timeout(0);
    change.receipt_handle(rest[0].receipt_handle().unwrap()).send().await.unwrap();
    assert!(take(&service, 10).await.is_empty(), "`a3` is still in flight");
    service.delete(NAME, &rest[1]).await;
    assert_eq!(bodies(&take(&service, 10).await), ["a2"]);
    let delete = service.client.delete_message().queue_url(service.url(NAME));
    let expired = delete.receipt_handle(rest[0].receipt_handle().unwrap()).send().await.unwrap_err();
    assert_eq!(expired.into_service_error().code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn the_same_content_is_one_message() {
    let service = Service::start(FIFO, None).await;
    let ids = [send(&service, "a", "same").await, send(&service, "a", "same").await, send(&service, "b", "same").await];
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(take(&service, 10).await.len(), 1);
}
