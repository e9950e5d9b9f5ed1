//! The page for browsers: built by npm, for which a script stands in, kept, and served.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reqwest::StatusCode;
use reqwest::header::HOST;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Duration, sleep, timeout};

use crate::{Running, TIMEOUT, application, client, command};

/// Stands in for npm: notes its arguments, and copies the page as it is.
const NPM: &str = r#"#!/bin/sh
echo "$1" >> calls
case "$1" in
  ci) mkdir -p node_modules; touch node_modules/.package-lock.json ;;
  run) test ! -e broken || { echo "no such module" >&2; exit 1; }
    mkdir -p "$6/assets"; cp index.html "$6/"; echo "let page" > "$6/assets/page.js" ;;
esac
"#;

/// An application whose workspace names a page.
fn application_with_page() -> TempDir {
    let application = application();
    let top = application.path();
    let manifest = std::fs::read_to_string(top.join("Cargo.toml")).unwrap();
    let metadata = "[workspace.metadata.local-cloud]\nweb = { package = \"page\" }\n";
    std::fs::write(top.join("Cargo.toml"), manifest + metadata).unwrap();
    for folder in ["page", "bin"] {
        std::fs::create_dir(top.join(folder)).unwrap();
    }
    std::fs::write(top.join("page/index.html"), "<title>A page</title>").unwrap();
    std::fs::write(top.join("page/package-lock.json"), "{}").unwrap();
    std::fs::write(top.join("bin/npm"), NPM).unwrap();
    std::fs::set_permissions(top.join("bin/npm"), std::fs::Permissions::from_mode(0o755)).unwrap();
    application
}

/// Starts the cloud with the page, and returns it with the URL that it prints.
async fn start(application: &Path, arguments: &[&str]) -> (Running, String) {
    // The port is known before: the output is read in the end.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let path = std::env::var("PATH").unwrap();
    let mut command = command(application);
    command.env("PATH", format!("{}:{path}", application.join("bin").display()));
    let running = Running::of(application, command.args(["--web-port", &port]).args(arguments)).await;
    (running, format!("http://127.0.0.1:{port}"))
}

async fn until(url: &str, condition: impl Fn(StatusCode, &str) -> bool) {
    let found = async {
        loop {
            if let Ok(response) = client().get(url).send().await {
                let status = response.status();
                if condition(status, &response.text().await.unwrap()) {
                    return;
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, found).await.unwrap_or_else(|_| panic!("{url} never is as it should be"));
}

#[tokio::test]
async fn the_page_is_built_once_and_served_with_its_addresses() {
    let application = application_with_page();
    // Changes within the granularity of the file system's times are not the point.
    let calls = || std::fs::read_to_string(application.path().join("page/calls")).unwrap();
    let (cloud, url) = start(application.path(), &[]).await;
    until(&url, |status, text| status == 200 && text == "<title>A page</title>").await;
    let page = client().get(&url).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(policy.contains(cloud.url("/http")) && policy.contains(cloud.url("/aws/s3")), "{policy}");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let script = client().get(format!("{url}/assets/page.js")).send().await.unwrap();
    assert!(script.headers()["cache-control"].to_str().unwrap().ends_with("immutable"));
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(client().get(format!("{url}/absent")).send().await.unwrap().status(), 404);
    assert_eq!(client().post(&url).send().await.unwrap().status(), 405);
    assert_eq!(client().get(&url).header(HOST, "rebound.example").send().await.unwrap().status(), 403);
    let deployment: Value = client().get(format!("{url}/deployment.json")).send().await.unwrap().json().await.unwrap();
    assert_eq!(deployment["http"], cloud.endpoints["http"]);
    assert_eq!(deployment["websocket"], cloud.endpoints["websocket"]);
    assert_eq!(deployment["local_issuer"], cloud.endpoints["oidc_token"]);
    let line = format!("{:<44} {url}", "Page for browsers");
    assert!(cloud.stop().await.contains(&line));
    assert_eq!(calls(), "ci\nrun\n");
    // The file with the calls is a source of the page, too; now it stays as it is.
    std::fs::remove_file(application.path().join("page/calls")).unwrap();

    let (cloud, url) = start(application.path(), &[]).await;
    until(&url, |status, _| status == 200).await;
    cloud.stop().await;
    assert!(!application.path().join("page/calls").exists(), "the sources are the same");
}

#[tokio::test]
async fn a_page_that_cannot_be_built_is_a_warning() {
    let application = application_with_page();
    std::fs::write(application.path().join("page/broken"), "").unwrap();
    let (cloud, url) = start(application.path(), &["--ephemeral", "--web"]).await;
    let is_missing = |status, text: &str| {
        status == 503
            && text.starts_with("The page is missing: `npm run --silent bundle` failed")
            && text.ends_with("no such module")
    };
    until(&url, is_missing).await;
    assert_eq!(client().get(format!("{}/public", cloud.url("/http"))).send().await.unwrap().status(), 200);
    cloud.stop().await;
}

#[tokio::test]
async fn clouds_that_keep_nothing_start_no_npm() {
    let application = application_with_page();
    for arguments in [&["--ephemeral"][..], &["--no-web"]] {
        let (cloud, url) = start(application.path(), arguments).await;
        assert!(client().get(&url).send().await.is_err());
        assert!(!cloud.stop().await.contains("Page for browsers"));
    }
    assert!(!application.path().join("page/calls").exists());
}
