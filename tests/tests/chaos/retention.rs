//! Messages that expire during a run.

use std::time::{Duration, Instant};

use domain::{ConversationId, Seq};
use end_to_end::lambda::invoke;
use end_to_end::test_backend::TestBackend;
use end_to_end::{Cloud, aws};
use serde_json::{Value, json};

use crate::context::Context;
use crate::users::MAX_STILL;

/// Between two visits of a conversation of which nothing has expired.
const VISIT_INTERVAL: Duration = Duration::from_secs(2);

/// Holds the conversations that are to stay whole.
pub(crate) async fn hold_some(cloud: &Cloud, context: &Context) {
    for conversation in context.conversations.iter().filter(|conversation| conversation.is_held) {
        hold(cloud, conversation.id).await;
    }
}

/// Has what is too old of a conversation hidden, and deleted later. The request may fail in any way.
pub(crate) async fn visit(cloud: &Cloud, conversation_id: ConversationId) {
    invoke(cloud, "MessageRetention", json!({"conversation_id": conversation_id}).to_string()).await;
}

/// Has something expire in each conversation that is not held, and then holds all: nothing expires while a run is judged.
pub(crate) async fn stop(cloud: &Cloud, context: &Context) {
    for conversation in context.conversations.iter().filter(|conversation| !conversation.is_held) {
        until_something_has_expired(cloud, conversation.id).await;
    }
    for conversation in context.conversations.iter() {
        hold(cloud, conversation.id).await;
    }
    // A worker that has read before the hold would go on. What another one takes up again finds the hold.
    cloud.kill("MessageRetention").await;
}

async fn until_something_has_expired(cloud: &Cloud, id: ConversationId) {
    let members = aws::log(&aws::dynamodb(&cloud.endpoints.aws.dynamodb)).members;
    let begun = Instant::now();
    // A worker that was killed keeps its queue message for minutes, so that others are asked.
    while members.conversation(id).await.expect("the table").expect("the conversation").expired_seq == Seq::ZERO {
        assert!(begun.elapsed() < MAX_STILL, "nothing of {id} expires");
        visit(cloud, id).await;
        tokio::time::sleep(VISIT_INTERVAL).await;
    }
}

async fn hold(cloud: &Cloud, conversation: ConversationId) {
    let path = format!("/v1/server/conversations/{conversation}/hold");
    let (status, answer) = TestBackend::of(cloud).await.put(&path, &Value::Null).await;
    assert!(status < 300, "{answer}");
}
