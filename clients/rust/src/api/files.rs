//! Files: upload, inspection, download.

use domain::file::{Announced, Download, File, MAX_PARTS_PER_REQUEST, SignedRequest, Upload};
use domain::protocol::http::SignedParts;
use domain::{ConversationId, FileId, Seq};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, HeaderName};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Api, ApiError, NO_BODY, answer};

/// Bytes of a file, without copies for its parts.
type Bytes = std::sync::Arc<[u8]>;

impl Api {
    /// Announces a file to a conversation and uploads it, in parts if it is large. Returns it as it is then: `pending` until it
    /// was inspected, see [`file`](Self::file). `progress` receives the percentage that has been sent, after each part.
    pub async fn upload(
        &self,
        conversation: ConversationId,
        name: &str,
        content_type: &str,
        bytes: impl Into<Bytes>,
        progress: impl Fn(u64),
    ) -> Result<File, ApiError> {
        let bytes = bytes.into();
        let announcement =
            json!({"name": name, "content_type": content_type, "size": bytes.len(), "sha256": sha256(&bytes)});
        let path = format!("/v1/conversations/{conversation}/files");
        // The same key on a repeat: a second announcement would count against the quota.
        let key = ("idempotency-key", Uuid::new_v4().to_string());
        let announced: Announced = self.ask_with(Method::POST, &path, Some(&announcement), &[key]).await?;
        let file = announced.file.file_id;
        match announced.upload {
            None => {}
            Some(Upload::Whole(request)) => self.put(&request, bytes.to_vec()).await?,
            Some(Upload::Parts { part_size, .. }) => {
                self.put_parts(file, part_size, &bytes, progress).await?;
                return self.ask(Method::POST, &format!("/v1/files/{file}/complete"), NO_BODY).await;
            }
        }
        Ok(announced.file)
    }

    /// Returns one of the user's own files.
    pub async fn file(&self, file: FileId) -> Result<File, ApiError> {
        self.ask(Method::GET, &format!("/v1/files/{file}"), NO_BODY).await
    }

    /// Downloads a file that a message references.
    pub async fn download(&self, conversation: ConversationId, seq: Seq, file: FileId) -> Result<Vec<u8>, ApiError> {
        let path = format!("/v1/files/{file}/content?conversation_id={conversation}&seq={seq}");
        let accept = (ACCEPT.as_str(), "application/json".to_owned());
        let download: Download = self.ask_with(Method::GET, &path, NO_BODY, &[accept]).await?;
        let response = self.http.get(download.url).send().await?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    }

    async fn put_parts(
        &self,
        file: FileId,
        part_size: u64,
        bytes: &[u8],
        progress: impl Fn(u64),
    ) -> Result<(), ApiError> {
        let size = usize::try_from(part_size).unwrap_or(usize::MAX).max(1);
        let parts: Vec<(u64, &[u8])> = (1..).zip(bytes.chunks(size)).collect();
        let mut sent = 0;
        for some in parts.chunks(MAX_PARTS_PER_REQUEST) {
            let wanted: Vec<Value> =
                some.iter().map(|(number, part)| json!({"part_number": number, "sha256": sha256(part)})).collect();
            let path = format!("/v1/files/{file}/parts");
            let signed: SignedParts = self.ask(Method::POST, &path, Some(&json!({"parts": wanted}))).await?;
            for (signed, (_, part)) in signed.parts.iter().zip(some) {
                self.put(&signed.request, part.to_vec()).await?;
                sent += part.len() as u64;
                progress(sent * 100 / (bytes.len() as u64).max(1));
            }
        }
        Ok(())
    }

    /// Sends bytes as they were signed: without the user's token, and with all headers but the length, which the HTTP library sets.
    pub(crate) async fn put(&self, request: &SignedRequest, bytes: Vec<u8>) -> Result<(), ApiError> {
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::PUT);
        let mut put = self.http.request(method, &request.url).body(bytes);
        for (name, value) in request.headers.iter().filter(|(name, _)| name.as_str() != CONTENT_LENGTH) {
            if let Ok(name) = HeaderName::try_from(name) {
                put = put.header(name, value);
            }
        }
        let response = put.send().await?;
        if response.status().is_success() {
            return Ok(());
        }
        // S3's errors are XML; the status says enough.
        answer::<Value>(response).await.map(drop)
    }
}

fn sha256(bytes: &[u8]) -> String {
    domain::hex(&Sha256::digest(bytes))
}
