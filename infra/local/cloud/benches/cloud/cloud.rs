//! The command itself, as a process of its own, with one function that echoes.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::Failure;
use super::http::Http;
use super::process::Usage;

/// The longest that building an echo and starting takes.
const TIMEOUT: Duration = Duration::from_mins(2);

const APPLICATION: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("app/Cargo.toml")),
    ("main.rs", include_str!("app/main.rs")),
    ("template.yaml", include_str!("app/template.yaml")),
];

/// A running cloud. Dropping it kills the process.
pub(crate) struct Cloud {
    process: Child,
    folder: TempDir,
    endpoints: Value,
    pub(crate) http: Http,
}

impl Cloud {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        for (file, text) in APPLICATION {
            std::fs::write(folder.path().join(file), text)?;
        }
        let (file, log) = (folder.path().join("endpoints.json"), folder.path().join("log"));
        let mut process = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
            .current_dir(folder.path())
            .env_remove("CARGO_TARGET_DIR")
            .env("RUST_LOG", "warn")
            .args(["--ephemeral", "--release", "--unthrottled", "--stop-on-stdin-eof"])
            .args(["--http-port", "0", "--websocket-port", "0", "--oidc-port", "0", "--endpoints", "endpoints.json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        let begun = tokio::time::Instant::now();
        while !file.exists() {
            if let Some(status) = process.try_wait()? {
                return Err(format!("the cloud does not start: {status}\n{}", std::fs::read_to_string(log)?).into());
            }
            if begun.elapsed() > TIMEOUT {
                return Err("the cloud is not ready in time".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let endpoints = serde_json::from_slice(&std::fs::read(file)?)?;
        Ok(Self { process, folder, endpoints, http: Http::new() })
    }

    /// A URL of `endpoints.json`.
    pub(crate) fn url(&self, pointer: &str) -> Result<&str, Failure> {
        let url = self.endpoints.pointer(pointer).and_then(Value::as_str);
        url.ok_or_else(|| format!("no {pointer} in endpoints.json").into())
    }

    /// The function's binary, which the cloud has built.
    pub(crate) fn function(&self) -> PathBuf {
        self.folder.path().join("target/release/echo")
    }

    pub(crate) fn usage(&self) -> Result<Usage, Failure> {
        Ok(Usage::of(self.process.id().ok_or("the cloud has ended")?)?)
    }

    /// Returns the meter's reading.
    pub(crate) async fn meter(&self) -> Result<Value, Failure> {
        let reading = self.http.get(&format!("{}/meter", self.url("/control")?)).await?;
        Ok(serde_json::from_str(&reading)?)
    }

    /// Kills the function's processes, so that the next invocation starts one.
    pub(crate) async fn kill_functions(&self) -> Result<(), Failure> {
        self.http.post(&format!("{}/functions/Echo/kill", self.url("/control")?), "").await?;
        Ok(())
    }

    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        drop(self.process.stdin.take());
        let status = self.process.wait().await?;
        if status.success() { Ok(()) } else { Err(format!("the cloud ended with {status}").into()) }
    }
}
