//! Files: uploaded, and read by a member who sees a message that has them.

use domain::hex;
use end_to_end::TestUser;
use end_to_end::test_user::client;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::room::until;

/// Uploads a text file and waits until it is ready; returns its id.
pub(crate) async fn ready(user: &TestUser, conversation: &str, bytes: &[u8]) -> String {
    let file = json!({"name": "a.txt", "content_type": "text/plain", "size": bytes.len(),
        "sha256": hex(&Sha256::digest(bytes))});
    let (status, announced) = user.post(&format!("/v1/conversations/{conversation}/files"), &file).await;
    assert_eq!(status, 201, "{announced}");
    let signed = &announced["upload"];
    let method: Method = signed["method"].as_str().unwrap().parse().unwrap();
    let mut request = client().request(method, signed["url"].as_str().unwrap()).body(bytes.to_vec());
    for (name, value) in signed["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
    let id = announced["file"]["file_id"].as_str().unwrap().to_owned();
    until("the file", async || {
        let (_, file) = user.get(&format!("/v1/files/{id}")).await;
        (file["status"] == "ready").then_some(())
    })
    .await;
    id
}

/// Returns the bytes of a file that a message references; `None` if the user does not see it there.
pub(crate) async fn download(user: &TestUser, conversation: &str, seq: u64, file: &str) -> Option<Vec<u8>> {
    let path = format!("/v1/files/{file}/content?conversation_id={conversation}&seq={seq}");
    let (status, location, _) = user.get_without_redirects(&path, "*/*").await;
    if status != 302 {
        return None;
    }
    let answer = client().get(location.unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    Some(answer.bytes().await.unwrap().to_vec())
}
