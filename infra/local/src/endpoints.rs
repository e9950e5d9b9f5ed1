//! `endpoints.json`: where a running cloud's services are, for programs.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;

/// The URLs of a running cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// The first HTTP API: `http://127.0.0.1:3000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// The first WebSocket API with its stage: `ws://127.0.0.1:3001/default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<String>,
    /// Every API by logical id.
    pub apis: BTreeMap<String, String>,
    /// `POST {"username": …}` gives `{"access_token": …}`.
    pub oidc_token: String,
    /// AWS's APIs by service id, as the SDKs' `endpoint_url` takes them.
    pub aws: BTreeMap<String, String>,
}

impl Endpoints {
    /// Writes the file at once or not at all: a reader that finds it finds all of it, and the cloud ready.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder)?;
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut temporary, self)?;
        temporary.persist(file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_what_exists() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("made/endpoints.json");
        let endpoints = Endpoints {
            http: None,
            websocket: Some("ws://127.0.0.1:1/default".to_owned()),
            apis: [("Ws".to_owned(), "ws://127.0.0.1:1/default".to_owned())].into(),
            oidc_token: "http://127.0.0.1:2/token".to_owned(),
            aws: [("sqs".to_owned(), "http://127.0.0.1:3".to_owned())].into(),
        };
        endpoints.write(&file).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let expected = serde_json::json!({
            "websocket": "ws://127.0.0.1:1/default",
            "apis": {"Ws": "ws://127.0.0.1:1/default"},
            "oidc_token": "http://127.0.0.1:2/token",
            "aws": {"sqs": "http://127.0.0.1:3"},
        });
        assert_eq!(read, expected);
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
