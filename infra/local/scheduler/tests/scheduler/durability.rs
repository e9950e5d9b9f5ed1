//! What was accepted is there after the process was killed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_scheduler::Client;

use crate::{HOUR, Service, after, schedule};

const FOLDER: &str = "SCHEDULER_TEST_FOLDER";

/// The process that is killed: this test's own binary, which runs this function alone.
#[tokio::test]
async fn serve_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let service = Service::start(Some(folder.join("schedules"))).await;
    let partial = folder.join("partial");
    std::fs::write(&partial, &service.endpoint).unwrap();
    std::fs::rename(partial, folder.join("url")).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn accepted_schedules_survive_a_kill_and_overdue_ones_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::serve_until_killed", "--test-threads", "1"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let endpoint = loop {
        match std::fs::read_to_string(folder.path().join("url")) {
            Ok(url) => break url,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let client = Client::new(&local_testing::sdk(endpoint, "local"));
    let soon = after(Duration::from_secs(3));
    for name in ["deleted", "later"] {
        schedule(&client, name, after(HOUR)).send().await.unwrap();
    }
    client.delete_schedule().group_name("later").name("deleted").send().await.unwrap();
    schedule(&client, "overdue", soon).send().await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    let service = Service::start(Some(folder.path().join("schedules"))).await;
    assert_eq!(service.receive().await, "overdue");
    while service.names().await != ["later"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
