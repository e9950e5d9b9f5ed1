//! Messages that expire during a run.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use domain::ConversationId;
use end_to_end::lambda::invoke;
use end_to_end::test_backend::TestBackend;
use end_to_end::{Cloud, aws};
use serde_json::{Value, json};

use crate::context::Context;

/// Holds each third conversation from the beginning, so that all of its log is compared.
pub(crate) async fn hold_some(cloud: &Cloud, context: &Context) {
    for conversation in context.conversations.iter().step_by(3) {
        hold(cloud, conversation.id).await;
    }
}

/// Has what is too old of a conversation hidden, and deleted later. The request may fail in any way.
pub(crate) async fn visit(cloud: &Cloud, conversation_id: ConversationId) {
    invoke(cloud, "MessageRetention", json!({"conversation_id": conversation_id}).to_string()).await;
}

/// Visits every conversation, and then holds all: nothing expires while a run is judged.
pub(crate) async fn stop(cloud: &Cloud, context: &Context) {
    for conversation in context.conversations.iter() {
        visit(cloud, conversation.id).await;
    }
    until_idle(cloud).await;
    for conversation in context.conversations.iter() {
        hold(cloud, conversation.id).await;
    }
    until_idle(cloud).await;
}

async fn hold(cloud: &Cloud, conversation: ConversationId) {
    let path = format!("/v1/server/conversations/{conversation}/hold");
    let (status, answer) = TestBackend::of(cloud).await.put(&path, &Value::Null).await;
    assert!(status < 300, "{answer}");
}

/// Waits until no worker is at a conversation. Deletions that are due later still wait in the queue.
async fn until_idle(cloud: &Cloud) {
    let (waiting, taken) =
        (QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
    loop {
        let asked = aws::sqs(cloud).get_queue_attributes().queue_url(aws::queue_url(cloud, "RetentionQueue"));
        let asked = asked.attribute_names(waiting.clone()).attribute_names(taken.clone());
        let attributes = asked.send().await.expect("the queue").attributes.expect("its attributes");
        if attributes[&waiting] == "0" && attributes[&taken] == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
