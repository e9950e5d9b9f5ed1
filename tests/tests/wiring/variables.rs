//! Variables: each function starts with those of the template, and reads every one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use end_to_end::Cloud;
use end_to_end::cloud::function;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::functions;

/// Time that a process may take to ask for its first invocation, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A Runtime API that never gives an invocation, and every other service in one: it refuses everything else.
struct StubServices {
    address: String,
    started: mpsc::UnboundedReceiver<()>,
}

impl StubServices {
    async fn start() -> Self {
        let (ask, started) = mpsc::unbounded_channel();
        let router = Router::new().fallback(async move |uri: Uri| {
            if uri.path().ends_with("/runtime/invocation/next") {
                let _ = ask.send(());
                std::future::pending::<()>().await;
            }
            (StatusCode::BAD_REQUEST, r#"{"__type": "ValidationException"}"#)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, started }
    }

    /// Starts a function with these variables. Returns the name of the one that it lacks; `None` if it asks for an invocation.
    async fn missing_variable(&mut self, binary: &Path, variables: &BTreeMap<String, String>) -> Option<String> {
        let url = format!("http://{}", self.address);
        let mut process = Command::new(binary)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", self.address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "function"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "key"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_ENDPOINT_URL", url.as_str()),
            ])
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
        let mut stderr = process.stderr.take().expect("standard error");
        let mut output = String::new();
        let ended = async {
            let _ = stderr.read_to_string(&mut output).await;
        };
        let lacking = timeout(START_TIMEOUT, async {
            tokio::select! {
                _ = self.started.recv() => false,
                () = ended => true,
            }
        });
        if !lacking.await.expect("the function starts or fails") {
            return None;
        }
        // `Missing("NAME")`, as `main` reports it.
        let name = output.split("Missing(\"").nth(1).and_then(|rest| rest.split('"').next());
        Some(name.unwrap_or_else(|| panic!("{}: {output}", binary.display())).to_owned())
    }
}

#[tokio::test]
async fn each_function_reads_exactly_its_variables() {
    // A cloud has built the functions that it runs.
    let _cloud = Cloud::shared();
    let mut host = StubServices::start().await;
    for described in functions() {
        let mut read = BTreeMap::new();
        while let Some(name) = host.missing_variable(&function(&described.binary), &read).await {
            assert!(!read.contains_key(&name), "{}: {name} is given", described.binary);
            let address = name.ends_with("_URL") || name.ends_with("_ENDPOINT") || name.ends_with("_ISSUER");
            let scheme = if name == "CACHE_URL" { "redis" } else { "http" };
            let value = if address { format!("{scheme}://{}", host.address) } else { "1".to_owned() };
            read.insert(name, value);
        }
        let read: BTreeSet<&String> = read.keys().collect();
        // The SDK reads its own.
        let given: BTreeSet<&String> = described.variables.iter().filter(|name| !name.starts_with("AWS_")).collect();
        assert_eq!(given, read, "{}", described.binary);
    }
}
