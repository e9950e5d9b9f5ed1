//! The end of a run.

use std::process::Stdio;

use futures_util::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::{Running, TIMEOUT, application, command};

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
