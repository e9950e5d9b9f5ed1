//! From queue messages to jobs: items for the same members of the same conversation are pushed together.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::sqs::SqsEvent;
use domain::{ConversationId, MemberRange, Seq};
use serde::Deserialize;
use store::sqs::{FanoutBody, SubscribersBody, SubscriptionRange};

/// The body of a queue message, of either kind.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Subscribers(SubscribersBody),
    Members(FanoutBody),
}

/// The recipients of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Share {
    /// Members; for a public conversation all subscribers.
    Members(MemberRange),
    /// Some of the subscribers.
    Subscribers(SubscriptionRange),
}

/// Items to push to some members of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Job {
    /// Seqs of the items.
    pub(crate) seqs: BTreeSet<Seq>,
    /// Ids of the queue messages of this task.
    pub(crate) queue_message_ids: Vec<String>,
}

/// A batch, as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) jobs: BTreeMap<(ConversationId, Share), Job>,
    /// Ids of queue messages that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// The highest round of its queue messages. It counts for all of them: AWS counts the invocations of a chain, and does not say
    /// which one a batch belongs to.
    pub(crate) round: u32,
}

/// Reads the queue messages of an invocation, and drops none: what cannot be read fails alone.
pub(crate) fn read(event: SqsEvent) -> Batch {
    let mut batch = Batch::default();
    for record in event.records {
        let id = record.message_id.unwrap_or_default();
        let (conversation, part, seqs, round) = match serde_json::from_str(record.body.as_deref().unwrap_or_default()) {
            Ok(Body::Members(FanoutBody { conversation_id, seqs, round, shard })) => {
                (conversation_id, Share::Members(shard), seqs, round)
            }
            Ok(Body::Subscribers(SubscribersBody { conversation_id, seqs, round, subscribers })) => {
                (conversation_id, Share::Subscribers(subscribers), seqs, round)
            }
            Err(error) => {
                // Every retry fails, and the message ends in the dead-letter queue.
                tracing::error!(queue_message_id = id, %error, "a queue message cannot be parsed");
                batch.unreadable.push(id);
                continue;
            }
        };
        batch.round = batch.round.max(round);
        let job = batch.jobs.entry((conversation, part)).or_default();
        job.seqs.extend(seqs);
        job.queue_message_ids.push(id);
    }
    batch
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CONVERSATION: &str = "00000000-0000-0000-0000-000000000001";
    const USER: &str = "00000000-0000-0000-0000-000000000002";

    fn record(id: &str, body: &Value) -> Value {
        json!({"messageId": id, "body": body.to_string(), "attributes": {}, "messageAttributes": {}})
    }

    #[test]
    fn notifications_for_the_same_recipients_become_one_job() {
        let event = json!({"Records": [
            record("a", &json!({"conversation_id": CONVERSATION, "seqs": [5, 7]})),
            record("b", &json!({"conversation_id": CONVERSATION, "seqs": [6, 5], "round": 3})),
            record("c", &json!({"conversation_id": CONVERSATION, "seqs": [5], "after_user": USER})),
            record("d", &json!("nonsense")),
            record("e", &json!({"conversation_id": CONVERSATION, "seqs": [8], "lookers": {"shard": 2}})),
            record("f", &json!({"conversation_id": CONVERSATION, "seqs": [9], "lookers": {"shard": 2}})),
        ]});
        let Batch { jobs, unreadable, round } = read(serde_json::from_value(event).unwrap());
        assert_eq!((unreadable, round), (vec!["d".to_owned()], 3));
        let found: Vec<_> = jobs.into_iter().map(|((_, part), job)| (part, job)).collect();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].0, Share::Members(MemberRange::default()));
        assert!(matches!(found[1].0, Share::Members(shard) if !shard.is_whole()));
        assert_eq!(found[2].0, Share::Subscribers(SubscriptionRange { shard: 2, after_connection: None }));
        assert_eq!(found[2].1.seqs, [Seq(8), Seq(9)].into());
        assert_eq!(found[0].1.seqs, [Seq(5), Seq(6), Seq(7)].into());
        assert_eq!(found[0].1.queue_message_ids, ["a", "b"]);
    }
}
