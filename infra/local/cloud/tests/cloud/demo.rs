//! `--demo`: the command of the workspace, which gets the file with the endpoints.

use std::path::Path;

use tokio::time::{Duration, sleep, timeout};

use crate::{Running, TIMEOUT, application, client};

fn with_demo(application: &Path, command: &str) {
    let manifest = std::fs::read_to_string(application.join("Cargo.toml")).unwrap();
    let metadata = format!("[workspace.metadata.local-cloud]\ndemo = [\"sh\", \"-c\", '{command}']\n");
    std::fs::write(application.join("Cargo.toml"), manifest + &metadata).unwrap();
}

#[tokio::test]
async fn a_demo_gets_the_endpoints_of_the_cloud_that_is_ready() {
    let application = application();
    with_demo(application.path(), "cat \"$0\" > new && mv new filled");
    let cloud = Running::start(application.path(), &["--ephemeral", "--demo"]).await;
    let filled = application.path().join("filled");
    let there = async {
        while !filled.exists() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, there).await.expect("the demo runs");
    let endpoints: serde_json::Value = serde_json::from_slice(&std::fs::read(&filled).unwrap()).unwrap();
    assert_eq!(endpoints, cloud.endpoints);
    cloud.stop().await;
}

#[tokio::test]
async fn a_demo_that_fails_stops_nothing() {
    let application = application();
    with_demo(application.path(), "touch failed; exit 1");
    let cloud = Running::start(application.path(), &["--ephemeral", "--demo"]).await;
    let there = async {
        while !application.path().join("failed").exists() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, there).await.expect("the demo runs");
    assert_eq!(client().get(format!("{}/public", cloud.url("/http"))).send().await.unwrap().status(), 200);
    cloud.stop().await;
}
