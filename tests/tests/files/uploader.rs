//! A user who uploads.

use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::types::ChecksumMode;
use domain::hex;
use end_to_end::test_user::{Answer, client};
use end_to_end::{Cloud, TestUser, aws};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Time of an invocation from cold on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A PNG of one pixel.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two users and their conversation.
pub(crate) async fn pair() -> (TestUser, TestUser, String) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    (alice, bob, conversation)
}

/// Body of an announcement.
pub(crate) fn announcement(name: &str, content_type: &str, bytes: &[u8]) -> Value {
    json!({"name": name, "content_type": content_type, "size": bytes.len(), "sha256": sha256(bytes)})
}

pub(crate) async fn announce(user: &TestUser, conversation: &str, file: &Value) -> Answer {
    user.post(&format!("/v1/conversations/{conversation}/files"), file).await
}

/// Sends a signed request as it is, but for these headers, with a body. Gives the status and S3's code.
pub(crate) async fn put(signed: &Value, other: &[(&str, &str)], body: Vec<u8>) -> (u16, String) {
    let method: Method = signed["method"].as_str().unwrap().parse().unwrap();
    let mut request = client().request(method, signed["url"].as_str().unwrap()).body(body);
    for (name, value) in signed["headers"].as_object().unwrap() {
        if name != "content-length" && !other.iter().any(|(changed, _)| changed == name) {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    for (name, value) in other {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    (status, code.map(|(code, _)| code.to_owned()).unwrap_or_default())
}

/// Announces and uploads a file; gives its id.
pub(crate) async fn upload(
    user: &TestUser,
    conversation: &str,
    name: &str,
    content_type: &str,
    bytes: &[u8],
) -> String {
    let (status, announced) = announce(user, conversation, &announcement(name, content_type, bytes)).await;
    assert_eq!(status, 201, "{announced}");
    assert_eq!(put(&announced["upload"], &[], bytes.to_vec()).await, (200, String::new()));
    announced["file"]["file_id"].as_str().unwrap().to_owned()
}

/// The same, and waits until it is ready.
pub(crate) async fn ready(user: &TestUser, conversation: &str, name: &str, content_type: &str, bytes: &[u8]) -> String {
    let file = upload(user, conversation, name, content_type, bytes).await;
    let processed = processed(user, &file).await;
    assert_eq!(processed["status"], "ready", "{processed}");
    file
}

/// The file as its owner sees it once something has become of it.
pub(crate) async fn processed(user: &TestUser, file: &str) -> Value {
    until(async || {
        let (status, body) = user.get(&format!("/v1/files/{file}")).await;
        assert_eq!(status, 200, "{body}");
        (body["status"] != "pending").then_some(body)
    })
    .await
}

/// Polls until there is a result.
pub(crate) async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out waiting for a result");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) struct Bucket(pub(crate) Client);

impl Bucket {
    pub(crate) const NAME: &str = "files-00000000-0000-0000-0000-000000000000";

    pub(crate) fn shared() -> Self {
        Self::of(Cloud::shared())
    }

    pub(crate) fn of(cloud: &Cloud) -> Self {
        Self(Client::new(&aws::config().to_builder().endpoint_url(&cloud.endpoints.aws.s3).build()))
    }

    /// Keys of all that there is of a file.
    pub(crate) async fn keys(&self, file: &str) -> Vec<String> {
        let listed = self.0.list_objects_v2().bucket(Self::NAME).send().await.unwrap();
        let keys = listed.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
        keys.filter(|key| key.contains(file)).collect()
    }

    /// Waits until nothing is left of a file.
    pub(crate) async fn is_without(&self, file: &str) {
        until(async || self.keys(file).await.is_empty().then_some(())).await;
    }

    /// Returns true if an upload exists.
    pub(crate) async fn has(&self, file: &str) -> bool {
        let head = self.0.head_object().bucket(Self::NAME).key(format!("uploads/{file}"));
        head.checksum_mode(ChecksumMode::Enabled).send().await.is_ok()
    }
}
