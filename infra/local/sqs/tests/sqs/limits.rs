//! SQS's limits, with its codes.

use std::collections::HashMap;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
};

use crate::Service;

const QUEUES: &[(&str, &[(&str, &str)])] = &[("jobs", &[]), ("small", &[("MaximumMessageSize", "1024")])];

/// Code and sentence of a refusal.
#[track_caller]
fn refused<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
    result: Result<T, SdkError<E, R>>,
) -> (String, String) {
    let error = result.unwrap_err();
    let meta = error.as_service_error().unwrap().meta();
    (meta.code().unwrap().to_owned(), meta.message().unwrap_or_default().to_owned())
}

fn invalid(sentence: &str) -> (String, String) {
    ("InvalidParameterValue".to_owned(), sentence.to_owned())
}

#[tokio::test]
async fn numbers_beyond_their_limits_are_refused() {
    let service = Service::start(QUEUES, None).await;
    let send =
        |delay| service.client.send_message().queue_url(service.url("jobs")).message_body("x").delay_seconds(delay);
    for delay in [-1, 901] {
        let sentence = format!(
            "Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        );
        assert_eq!(refused(send(delay).send().await), invalid(&sentence));
    }
    send(900).send().await.unwrap();
    let receive = || service.client.receive_message().queue_url(service.url("jobs"));
    for count in [0, 11, -1] {
        let sentence = format!(
            "Value {count} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
        );
        assert_eq!(refused(receive().max_number_of_messages(count).send().await), invalid(&sentence));
    }
    for wait in [-1, 21] {
        let sentence = format!(
            "Value {wait} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."
        );
        assert_eq!(refused(receive().wait_time_seconds(wait).send().await), invalid(&sentence));
    }
    for timeout in [-1, 43_201] {
        let sentence = format!(
            "Value {timeout} for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided."
        );
        assert_eq!(refused(receive().visibility_timeout(timeout).send().await), invalid(&sentence));
    }
    receive().max_number_of_messages(10).visibility_timeout(43_200).send().await.unwrap();
    for (name, value) in [
        ("DelaySeconds", "901"),
        ("VisibilityTimeout", "43201"),
        ("MaximumMessageSize", "1048577"),
        ("MessageRetentionPeriod", "59"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("DelaySeconds", "x"),
    ] {
        let set = service.client.set_queue_attributes().queue_url(service.url("jobs"));
        let set = set.attributes(QueueAttributeName::from(name), value).send().await;
        assert_eq!(refused(set).0, "InvalidAttributeValue", "{name}");
    }
}

#[tokio::test]
async fn characters_that_sqs_does_not_carry_are_refused() {
    let service = Service::start(QUEUES, None).await;
    let send = |body: &str| service.client.send_message().queue_url(service.url("jobs")).message_body(body).send();
    for body in ["\u{b}", "a\0", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        let (code, sentence) = refused(send(body).await);
        assert_eq!(code, "InvalidMessageContents", "{body:?}");
        assert!(sentence.starts_with("Invalid binary character '#x"), "{sentence}");
    }
    for body in ["\t\n\r ", "\u{7f}\u{85}", "\u{d7ff}\u{e000}\u{fffd}\u{10ffff}", "🙂"] {
        send(body).await.unwrap();
    }
    assert_eq!(refused(send("").await).0, "MissingParameter");
}

#[tokio::test]
async fn bodies_up_to_a_mebibyte_are_accepted() {
    let service = Service::start(QUEUES, None).await;
    let send = |queue: &str, length| {
        service.client.send_message().queue_url(service.url(queue)).message_body("x".repeat(length)).send()
    };
    send("jobs", 300 * 1024).await.unwrap();
    send("jobs", 1024 * 1024).await.unwrap();
    let sentence = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
    assert_eq!(refused(send("jobs", 1024 * 1024 + 1).await), invalid(sentence));
    send("small", 1024).await.unwrap();
    assert_eq!(refused(send("small", 1025).await).0, "InvalidParameterValue");
    assert_eq!(service.attributes("jobs").await["MaximumMessageSize"], "1048576");
    // Attributes count.
    let attribute = MessageAttributeValue::builder().data_type("String").string_value("x").build().unwrap();
    let large = service.client.send_message().queue_url(service.url("jobs")).message_body("x".repeat(1024 * 1024 - 7));
    assert_eq!(
        refused(large.clone().message_attributes("ab", attribute.clone()).send().await).0,
        "InvalidParameterValue"
    );
    assert_eq!(service.receive("jobs", 2).await.len(), 2);
}

#[tokio::test]
async fn made_up_receipt_handles_are_refused() {
    let service = Service::start(QUEUES, None).await;
    service.send("jobs", "x").await;
    service.send("small", "x").await;
    let of_jobs = service.receive("jobs", 1).await[0].receipt_handle().unwrap().to_owned();
    let mut changed = of_jobs.clone();
    changed.replace_range(..2, "AA");
    for handle in ["made up", "bWFkZSB1cA==", &changed] {
        let delete = service.client.delete_message().queue_url(service.url("jobs")).receipt_handle(handle);
        let (code, sentence) = refused(delete.send().await);
        assert_eq!(code, "ReceiptHandleIsInvalid");
        assert_eq!(sentence, format!("The input receipt handle \"{handle}\" is not a valid receipt handle."));
        let change = service.client.change_message_visibility().queue_url(service.url("jobs")).receipt_handle(handle);
        assert_eq!(refused(change.visibility_timeout(1).send().await).0, "ReceiptHandleIsInvalid");
    }
    let elsewhere = service.client.delete_message().queue_url(service.url("small")).receipt_handle(&of_jobs);
    assert_eq!(refused(elsewhere.send().await).0, "ReceiptHandleIsInvalid", "another queue's");
    for _ in 0..2 {
        let delete = service.client.delete_message().queue_url(service.url("jobs")).receipt_handle(&of_jobs);
        delete.send().await.expect("a message that is gone is no error");
    }
    let change = service.client.change_message_visibility().queue_url(service.url("jobs")).receipt_handle(&of_jobs);
    assert_eq!(refused(change.visibility_timeout(43_201).send().await).0, "InvalidParameterValue");
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

#[tokio::test]
async fn batches_have_one_to_ten_entries_with_ids_of_their_own() {
    let service = Service::start(QUEUES, None).await;
    let send = |entries: Vec<SendMessageBatchRequestEntry>| {
        service.client.send_message_batch().queue_url(service.url("jobs")).set_entries(Some(entries)).send()
    };
    let code = |name: &str| format!("AWS.SimpleQueueService.{name}");
    assert_eq!(refused(send(vec![]).await).0, code("EmptyBatchRequest"));
    let eleven = (0..11).map(|number| entry(&number.to_string(), "x")).collect();
    assert_eq!(refused(send(eleven).await).0, code("TooManyEntriesInBatchRequest"));
    assert_eq!(refused(send(vec![entry("a", "x"), entry("a", "y")]).await).0, code("BatchEntryIdsNotDistinct"));
    for id in ["", "a b", "é", &"a".repeat(81)] {
        assert_eq!(refused(send(vec![entry(id, "x")]).await).0, code("InvalidBatchEntryId"), "{id}");
    }
    let large = "x".repeat(1024 * 1024 / 2 + 1);
    assert_eq!(refused(send(vec![entry("a", &large), entry("b", &large)]).await).0, code("BatchRequestTooLong"));
    assert!(service.receive_now("jobs").await.is_empty(), "nothing of them was accepted");

    // Entries succeed and fail alone.
    let late = SendMessageBatchRequestEntry::builder().id("late").message_body("x").delay_seconds(901).build().unwrap();
    let answer = send(vec![entry("good", "x"), entry("bad", "\u{b}"), late]).await.unwrap();
    assert_eq!(answer.successful().iter().map(SendMessageBatchResultEntry::id).collect::<Vec<_>>(), ["good"]);
    let failed: HashMap<_, _> = answer.failed().iter().map(|failed| (failed.id(), failed.code())).collect();
    assert_eq!(failed, HashMap::from([("bad", "InvalidMessageContents"), ("late", "InvalidParameterValue")]));
    assert!(answer.failed().iter().all(BatchResultErrorEntry::sender_fault));
    let received = service.receive("jobs", 1).await;
    let delete = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };
    let deleted = service.client.delete_message_batch().queue_url(service.url("jobs"));
    let deleted = deleted.entries(delete("a", received[0].receipt_handle().unwrap())).entries(delete("b", "made up"));
    let deleted = deleted.send().await.unwrap();
    assert_eq!((deleted.successful()[0].id(), deleted.failed()[0].code()), ("a", "ReceiptHandleIsInvalid"));
}

#[tokio::test]
async fn attributes_have_names_types_and_values() {
    let service = Service::start(QUEUES, None).await;
    let send = |attributes: Vec<(String, &str, &str)>| {
        let mut send = service.client.send_message().queue_url(service.url("jobs")).message_body("x");
        for (name, kind, value) in attributes {
            let value = MessageAttributeValue::builder().data_type(kind).string_value(value).build().unwrap();
            send = send.message_attributes(name, value);
        }
        send.send()
    };
    let one = |name: &str, kind: &'static str, value: &'static str| vec![(name.to_owned(), kind, value)];
    let eleven = (0..11).map(|number| (format!("a{number}"), "String", "x")).collect();
    for bad in [
        eleven,
        one("AWS.a", "String", "x"),
        one("a b", "String", "x"),
        one(".a", "String", "x"),
        one("a", "Text", "x"),
        one("a", "String", ""),
        one("a", "Number", "x"),
    ] {
        assert_eq!(refused(send(bad.clone()).await).0, "InvalidParameterValue", "{bad:?}");
    }
    assert_eq!(refused(send(one("a", "String", "\u{b}")).await).0, "InvalidMessageContents");
    send(one("a", "Number.int", "-1.5e3")).await.unwrap();
    let unknown = service.client.get_queue_attributes().queue_url(service.url("jobs"));
    let unknown = unknown.attribute_names(QueueAttributeName::from("Nothing")).send().await;
    assert_eq!(refused(unknown).0, "InvalidAttributeName");
}
