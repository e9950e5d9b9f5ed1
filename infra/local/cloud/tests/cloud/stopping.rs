//! The end of a run.

use std::process::Stdio;

use futures_util::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::{Running, TIMEOUT, application, command, until};

#[tokio::test]
async fn ctrl_c_with_a_connected_client_ends_in_clean_words() {
    let application = application();
    let mut start = command(application.path());
    // The group of processes that a terminal sends Ctrl-C to.
    start.process_group(0).stderr(Stdio::piped());
    let mut cloud = Running::of(application.path(), &mut start).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(cloud.url("/websocket")).await.unwrap();
    // The function is warm and idle.
    crate::public(&cloud).await;

    let group = format!("-{}", cloud.process.id().unwrap());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().await.unwrap().success());
    let end = timeout(TIMEOUT, socket.next()).await.expect("the connection ends").unwrap().unwrap();
    assert!(matches!(end, Message::Close(Some(ref close)) if u16::from(close.code) == 1001), "{end:?}");
    drop(socket);
    let mut log = String::new();
    let mut error = cloud.process.stderr.take().unwrap();
    let (printed, read) = tokio::join!(cloud.ended(), error.read_to_string(&mut log));
    read.unwrap();
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
    let folder = application.path().join("target/local");
    let stopped = printed.lines().last().unwrap();
    assert!(stopped.starts_with("Stopped. The data is in target/local"), "{stopped}");
    assert!(folder.join("ports.json").exists());
}

/// Returns the processes that run a binary below this folder, with their states as `/proc` has them.
#[cfg(target_os = "linux")]
fn processes(folder: &std::path::Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let below = all.filter(|path| path.join("exe").read_link().is_ok_and(|exe| exe.starts_with(&folder)));
    let states = below.filter_map(|path| {
        let stat = std::fs::read_to_string(path.join("stat")).ok()?;
        Some(stat.rsplit_once(") ")?.1.split(' ').next()?.to_owned())
    });
    states.collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_cloud_that_is_killed_leaves_no_frozen_process_behind() {
    let application = application();
    let mut cloud = Running::start(application.path(), &["--ephemeral"]).await;
    crate::public(&cloud).await;
    until("all processes are frozen", async || {
        let states = processes(application.path());
        !states.is_empty() && states.iter().all(|state| state == "T")
    })
    .await;
    // SIGKILL.
    cloud.process.kill().await.unwrap();
    until("no process is left", async || processes(application.path()).is_empty()).await;
}
