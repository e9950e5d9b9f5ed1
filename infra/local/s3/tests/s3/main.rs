//! The buckets over the wire, with the AWS SDK and with presigned URLs, and the functions that they notify.

mod access;
mod cors;
mod multipart;
mod post;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::s3::S3Event;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use local_aws::{Access, Credentials};
use local_lambda::{Handler, Lambda, Outcome};
use local_s3::Buckets;
use local_template::model::{Bucket, BucketNotification};
use local_testing::recorded::{assert_kept, assert_like, fixture};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const TIMEOUT: Duration = Duration::from_secs(20);

const NO_VERSIONS: (&str, &str) = ("-Records[].s3.object.versionId", "only buckets with versions have it");

/// A bucket `photos` that notifies a function of all changes of its keys `in/….jpg`.
struct Service {
    address: String,
    client: Client,
    events: UnboundedReceiver<Value>,
    server: JoinHandle<std::io::Result<()>>,
    shutdown: CancellationToken,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn bucket() -> Bucket {
    let notification = BucketNotification {
        id: "FPhoto".to_owned(),
        function: "F".to_owned(),
        events: vec!["s3:ObjectCreated:*".to_owned(), "s3:ObjectRemoved:*".to_owned()],
        prefix: "in/".to_owned(),
        suffix: ".jpg".to_owned(),
    };
    Bucket {
        logical_id: "Photos".to_owned(),
        name: "photos".to_owned(),
        arn: "arn:aws:s3:::photos".to_owned(),
        notifications: vec![notification],
        cors: vec![cors::rule()],
    }
}

impl Service {
    async fn start(secret: &'static str) -> Self {
        let credentials = Credentials { secret_key: secret.to_owned(), ..Credentials::developer() };
        Self::start_for(Access::default(), credentials).await
    }

    /// With a client that has these credentials.
    async fn start_for(access: Access, credentials: Credentials) -> Self {
        let (sender, events) = unbounded_channel();
        let handler: Handler = Arc::new(move |payload| {
            // Fails after the test has ended.
            let _ = sender.send(serde_json::from_slice(&payload).unwrap());
            Box::pin(async { Ok(Outcome::Success("null".into())) })
        });
        let lambda = Lambda::from_handlers([("F".to_owned(), handler)].into());
        let buckets = Buckets::open(None, &[bucket()]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let server = tokio::spawn(async move { buckets.serve("us-east-1", access, lambda, listener, token).await });
        let config = local_testing::sdk_as(&address, credentials);
        Self { address, client: Client::new(&config), events, server, shutdown }
    }

    async fn put(&self, key: &str, text: &'static str) {
        let body = ByteStream::from_static(text.as_bytes());
        self.client.put_object().bucket("photos").key(key).body(body).send().await.unwrap();
    }

    async fn text(&self, key: &str) -> String {
        let object = self.client.get_object().bucket("photos").key(key).send().await.unwrap();
        String::from_utf8(object.body.collect().await.unwrap().to_vec()).unwrap()
    }

    async fn event(&mut self) -> Value {
        tokio::time::timeout(TIMEOUT, self.events.recv()).await.expect("a notification").unwrap()
    }

    /// Returns the next event and its key.
    async fn next(&mut self) -> (String, String) {
        let event = self.event().await;
        if event["Records"][0]["s3"]["object"].get("size").is_some() {
            assert_like(&event, &fixture("s3-event"), &[NO_VERSIONS]);
        }
        let record = &event["Records"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&record["eventName"]), text(&record["s3"]["object"]["key"]))
    }
}

fn browser() -> reqwest::Client {
    // Ignore a second call: another test of this process has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn happened(event: &str, key: &str) -> (String, String) {
    (event.to_owned(), key.to_owned())
}

#[tokio::test]
async fn the_event_equals_s3s() {
    let mut service = Service::start("local").await;
    service.put("in/Happy Face.jpg", "hello").await;
    assert_eq!(service.text("in/Happy Face.jpg").await, "hello");
    let event = service.event().await;
    let typed: S3Event = serde_json::from_value(event.clone()).unwrap();
    let record = &typed.records[0];
    assert_eq!(record.event_name.as_deref(), Some("ObjectCreated:Put"));
    assert_eq!(record.s3.object.key.as_deref(), Some("in/Happy+Face.jpg"));
    assert_eq!(record.s3.object.size, Some(5));
    assert_eq!(record.s3.object.e_tag.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(record.s3.bucket.arn.as_deref(), Some("arn:aws:s3:::photos"));
    assert_eq!(record.s3.configuration_id.as_deref(), Some("FPhoto"));
    assert_like(&event, &fixture("s3-event"), &[NO_VERSIONS]);
    assert_kept::<S3Event>(&event, &[]);
    let client = service.client.clone();
    client.delete_object().bucket("photos").key("in/Happy Face.jpg").send().await.unwrap();
    let gone = "an object that is gone has none";
    let deliberate = [NO_VERSIONS, ("-Records[].s3.object.eTag", gone), ("-Records[].s3.object.size", gone)];
    assert_like(&service.event().await, &fixture("s3-event"), &deliberate);
}

#[tokio::test]
async fn every_change_that_matches_a_filter_is_notified_once() {
    let mut service = Service::start("local").await;
    service.put("out/a.jpg", "other prefix").await;
    service.put("in/a.png", "other suffix").await;
    service.put("in/a.jpg", "first").await;
    assert_eq!(service.next().await, happened("ObjectCreated:Put", "in/a.jpg"));
    let client = service.client.clone();
    client.copy_object().bucket("photos").key("in/b.jpg").copy_source("photos/in/a.jpg").send().await.unwrap();
    assert_eq!(service.next().await, happened("ObjectCreated:Copy", "in/b.jpg"));
    client.delete_object().bucket("photos").key("in/a.jpg").send().await.unwrap();
    assert_eq!(service.next().await, happened("ObjectRemoved:Delete", "in/a.jpg"));
    client.delete_object().bucket("photos").key("in/never-there.jpg").send().await.unwrap();
    let object = ObjectIdentifier::builder().key("in/b.jpg").build().unwrap();
    let delete = Delete::builder().objects(object).build().unwrap();
    client.delete_objects().bucket("photos").delete(delete).send().await.unwrap();
    assert_eq!(service.next().await, happened("ObjectRemoved:Delete", "in/b.jpg"));
    assert!(service.events.try_recv().is_err());
}

#[tokio::test]
async fn a_completed_multipart_upload_is_notified() {
    let mut service = Service::start("local").await;
    let client = service.client.clone();
    let upload = client.create_multipart_upload().bucket("photos").key("in/big.jpg").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let part = client.upload_part().bucket("photos").key("in/big.jpg").upload_id(id).part_number(1);
    let part = part.body(ByteStream::from_static(b"all of it")).send().await.unwrap();
    let part = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = client.complete_multipart_upload().bucket("photos").key("in/big.jpg").upload_id(id);
    complete.multipart_upload(parts).send().await.unwrap();
    assert_eq!(service.next().await, happened("ObjectCreated:CompleteMultipartUpload", "in/big.jpg"));
    assert_eq!(service.text("in/big.jpg").await, "all of it");
}

#[tokio::test]
async fn presigned_urls_put_and_get_what_they_were_signed_for() {
    let browser = browser();
    let mut service = Service::start("local").await;
    let client = service.client.clone();
    let hour = || PresigningConfig::expires_in(Duration::from_hours(1)).unwrap();
    let put = client.put_object().bucket("photos").key("in/p.jpg").content_type("image/jpeg").content_length(5);
    let put = put.presigned(hour()).await.unwrap();
    let send = |content_type: &'static str, body: &'static str| {
        browser.put(put.uri()).header("content-type", content_type).body(body).send()
    };
    assert_eq!(send("text/html", "hello").await.unwrap().status(), 403, "another type than the signed one");
    assert_eq!(send("image/jpeg", "too long").await.unwrap().status(), 403, "another length than the signed one");
    assert_eq!(send("image/jpeg", "hello").await.unwrap().status(), 200);
    assert_eq!(service.next().await, happened("ObjectCreated:Put", "in/p.jpg"));
    let get = client.get_object().bucket("photos").key("in/p.jpg").presigned(hour()).await.unwrap();
    let answer = browser.get(get.uri()).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    assert_eq!(answer.text().await.unwrap(), "hello");
    let other = get.uri().replace("p.jpg", "q.jpg");
    assert_eq!(browser.get(other).send().await.unwrap().status(), 403);
    let unsigned = get.uri().split('?').next().unwrap();
    assert_eq!(browser.get(unsigned).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn wrong_credentials_and_missing_buckets_are_refused() {
    let service = Service::start("wrong").await;
    let refused = service.client.list_objects_v2().bucket("photos").send().await.unwrap_err();
    assert_eq!(refused.into_service_error().meta().code(), Some("SignatureDoesNotMatch"));
    let service = Service::start("local").await;
    let put = service.client.put_object().bucket("nothing").key("a").body(ByteStream::from_static(b"x"));
    assert_eq!(put.send().await.unwrap_err().into_service_error().meta().code(), Some("NoSuchBucket"));
    let tags = service.client.get_object_tagging().bucket("photos").key("a").send().await.unwrap_err();
    assert_eq!(tags.into_service_error().meta().code(), Some("NotImplemented"));
}

#[tokio::test]
async fn the_service_ends_with_the_token() {
    let mut service = Service::start("local").await;
    service.put("in/a.jpg", "x").await;
    service.shutdown.cancel();
    tokio::time::timeout(TIMEOUT, &mut service.server).await.expect("the service ends").unwrap().unwrap();
}
