//! Set-up of the tests, and the reader of exports.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

use domain::hex;
use end_to_end::TestUser;
use end_to_end::test_user::client;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zip::ZipArchive;

pub(crate) use end_to_end::test_user::{history, refusal};

/// Time that an export may take, cold starts on a busy machine included.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// The entries of a finished export.
pub(crate) struct Archive {
    /// The bytes of the entries, by name.
    pub(crate) entries: BTreeMap<String, Vec<u8>>,
    pub(crate) bytes: Vec<u8>,
}

impl Archive {
    /// Downloads and reads an export: the reader compares the checksums of ZIP, and this those of the manifest.
    pub(crate) async fn download(url: &str) -> Self {
        let response = client().get(url).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        Self::read(response.bytes().await.unwrap().to_vec())
    }

    pub(crate) fn read(bytes: Vec<u8>) -> Self {
        let mut zip = ZipArchive::new(Cursor::new(&bytes)).unwrap();
        let mut entries = BTreeMap::new();
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            assert_eq!(entries.insert(name.clone(), content), None, "{name} is there twice");
        }
        let archive = Self { entries, bytes };
        let manifest = archive.manifest();
        let listed = manifest["entries"].as_array().unwrap();
        assert_eq!(listed.len() + 1, archive.entries.len(), "{manifest}");
        for entry in listed {
            let content = &archive.entries[entry["name"].as_str().unwrap()];
            assert_eq!(entry["size"], content.len(), "{entry}");
            assert_eq!(entry["sha256"], hex(&Sha256::digest(content)), "{entry}");
        }
        archive
    }

    pub(crate) fn manifest(&self) -> Value {
        self.json("manifest.json")
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.entries[name]).unwrap()
    }

    /// The lines of all entries of a name: that of the first, without its ending.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        let names = (1..).map(|n| if n == 1 { format!("{name}.jsonl") } else { format!("{name}.{n}.jsonl") });
        let entries = names.map_while(|name| self.entries.get(&name));
        let texts = entries.map(|bytes| std::str::from_utf8(bytes).unwrap());
        texts.flat_map(str::lines).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The messages of a conversation, as history shows them.
    pub(crate) fn messages(&self, conversation: &str) -> Vec<Value> {
        let mut messages = self.lines(&format!("messages/{conversation}"));
        for message in &mut messages {
            for reaction in message.get_mut("reactions").and_then(Value::as_array_mut).into_iter().flatten() {
                let users = reaction.as_object_mut().unwrap().remove("user_ids").unwrap();
                assert_eq!(users.as_array().unwrap().len(), reaction["count"], "the users of {reaction}");
            }
        }
        messages
    }

    /// The conversations that have messages in it.
    pub(crate) fn conversations(&self) -> Vec<String> {
        let names = self.entries.keys().filter_map(|name| name.strip_prefix("messages/")?.strip_suffix(".jsonl"));
        names.filter(|name| !name.contains('.')).map(str::to_owned).collect()
    }
}

/// Requests an export of what a user may see, or of a conversation, and returns it once it is finished.
pub(crate) async fn export(user: &TestUser, path: &str, body: &Value) -> Archive {
    let (status, export) = user.post(path, body).await;
    assert_eq!(status, 202, "{export}");
    let ready = finished(user, export["export_id"].as_str().unwrap()).await;
    assert_eq!(ready["state"], "ready", "{ready}");
    let archive = Archive::download(ready["url"].as_str().unwrap()).await;
    assert_eq!(ready["size"], archive.bytes.len());
    archive
}

/// Waits until an export is running no more.
pub(crate) async fn finished(user: &TestUser, export: &str) -> Value {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let (status, found) = user.get(&format!("/v1/exports/{export}")).await;
        assert_eq!(status, 200, "{found}");
        if found["state"] != "running" {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out: {found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn group(creator: &TestUser, others: &[&TestUser]) -> String {
    let ids: Vec<&str> = others.iter().map(|user| user.user_id.as_str()).collect();
    creator.create_conversation(&json!({"type": "group", "title": "Team", "member_ids": ids})).await
}

/// Sends a text; returns its seq.
pub(crate) async fn send(user: &TestUser, conversation: &str, text: &str) -> u64 {
    let body = json!({"client_message_id": Uuid::new_v4(), "after_seq": head(user, conversation).await, "text": text});
    let (status, sent) = user.post(&format!("/v1/conversations/{conversation}/messages"), &body).await;
    assert_eq!(status, 201, "{sent}");
    sent["seq"].as_u64().unwrap()
}

async fn head(user: &TestUser, conversation: &str) -> Value {
    user.get(&format!("/v1/conversations/{conversation}")).await.1["head_seq"].clone()
}
