//! Notifications of changes: the functions that get them, and their events.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use local_lambda::asynchronous::{Retries, deliver};
use local_lambda::{Lambda, TraceHeader};
use local_template::model::{Bucket, BucketNotification};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const MILLISECOND: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A change of an object.
#[derive(Debug)]
pub(super) struct Change {
    /// Without `s3:`, for example `ObjectCreated:Put`.
    pub(super) event: &'static str,
    pub(super) bucket: String,
    pub(super) key: String,
    /// Size in bytes and entity tag of an object that is there.
    pub(super) object: Option<(i64, String)>,
    /// The header of the function that made it.
    pub(super) cause: Option<TraceHeader>,
}

/// Invokes the functions that the buckets notify. Cheap to clone.
#[derive(Clone)]
pub(super) struct Notifier {
    buckets: Arc<[Bucket]>,
    region: String,
    lambda: Lambda,
    invocations: TaskTracker,
    shutdown: CancellationToken,
}

impl Notifier {
    pub(super) fn new(buckets: &Arc<[Bucket]>, region: &str, lambda: Lambda, shutdown: CancellationToken) -> Self {
        let (buckets, region) = (Arc::clone(buckets), region.to_owned());
        Self { buckets, region, lambda, invocations: TaskTracker::new(), shutdown }
    }

    /// Returns true if a function listens to this event.
    pub(super) fn has_listener(&self, event: &str, bucket: &str, key: &str) -> bool {
        self.listeners(event, bucket, key).next().is_some()
    }

    /// Invokes the functions asynchronously.
    pub(super) fn notify(&self, change: &Change) {
        for (bucket, notification) in self.listeners(change.event, &change.bucket, &change.key) {
            let payload = Bytes::from(self.payload(change, bucket, notification).to_string());
            let event = self.lambda.accept(&notification.function, payload, change.cause.clone());
            let (lambda, shutdown) = (self.lambda.clone(), self.shutdown.clone());
            self.invocations.spawn(async move {
                deliver(&lambda, event, &Retries::default(), &shutdown).await;
            });
        }
    }

    /// Returns once the token has fired and no invocation is waited for any more.
    pub(super) async fn stopped(&self) {
        self.invocations.close();
        self.invocations.wait().await;
    }

    fn listeners(&self, event: &str, bucket: &str, key: &str) -> impl Iterator<Item = (&Bucket, &BucketNotification)> {
        let bucket = self.buckets.iter().find(|known| known.name == bucket);
        let notifications =
            bucket.into_iter().flat_map(|bucket| bucket.notifications.iter().map(move |to| (bucket, to)));
        notifications.filter(move |(_, notification)| {
            let event_fits = notification.events.iter().any(|pattern| fits(pattern, event));
            event_fits && key.starts_with(&notification.prefix) && key.ends_with(&notification.suffix)
        })
    }

    fn payload(&self, change: &Change, bucket: &Bucket, notification: &BucketNotification) -> Value {
        let now = SystemTime::now();
        let nanoseconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let mut object = json!({ "key": encoded(&change.key), "sequencer": format!("{nanoseconds:018X}") });
        if let Some((size, tag)) = &change.object {
            object["size"] = json!(size);
            object["eTag"] = json!(tag);
        }
        json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": self.region,
            // A time that has all of these components; writing to memory does not fail.
            "eventTime": OffsetDateTime::from(now).format(MILLISECOND).unwrap_or_default(),
            "eventName": change.event,
            "userIdentity": { "principalId": "AWS:local" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": Uuid::new_v4(), "x-amz-id-2": Uuid::new_v4() },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": notification.id,
                "bucket": { "name": bucket.name, "ownerIdentity": { "principalId": "local" }, "arn": bucket.arn },
                "object": object,
            },
        }] })
    }
}

fn fits(pattern: &str, event: &str) -> bool {
    let pattern = pattern.strip_prefix("s3:").unwrap_or(pattern);
    pattern.strip_suffix('*').map_or(pattern == event, |kind| event.starts_with(kind))
}

/// As in a form, but for slashes: `a b/c.jpg` is `a+b/c.jpg`.
fn encoded(key: &str) -> String {
    let parts: Vec<String> = key.split('/').map(|part| byte_serialize(part.as_bytes()).collect()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(fits("s3:ObjectCreated:*", "ObjectCreated:Put"));
        assert!(fits("s3:ObjectCreated:Put", "ObjectCreated:Put"));
        assert!(!fits("s3:ObjectCreated:Post", "ObjectCreated:Put"));
        assert!(!fits("s3:ObjectRemoved:*", "ObjectCreated:Put"));
    }

    #[test]
    fn keys_are_encoded() {
        assert_eq!(encoded("photos/Happy Face (1)+é.jpg"), "photos/Happy+Face+%281%29%2B%C3%A9.jpg");
    }
}
