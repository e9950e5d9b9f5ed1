//! PostgreSQL itself: its data, its folders and its end.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use local_aurora::postgres::{Postgres, PostgresError};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use crate::harness::eventually;

#[tokio::test]
async fn data_outlives_the_server() {
    let folder = open_folder();
    let data_dir = folder.path().join("deep/data");

    let postgres = Postgres::start(Some(&data_dir)).await.unwrap();
    let client = connect(&postgres).await;
    client.batch_execute("CREATE TABLE t AS SELECT 1 AS a").await.unwrap();
    postgres.stop().await.unwrap();
    assert!(!data_dir.join("postmaster.pid").exists());

    let postgres = Postgres::start(Some(&data_dir)).await.unwrap();
    let client = connect(&postgres).await;
    client.batch_execute("SELECT a FROM t").await.unwrap();
    let row = client.query_one("SHOW fsync", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "on");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn an_interrupted_initdb_that_still_runs_is_no_obstacle() {
    let folder = open_folder();
    let data_dir = folder.path().join("data");
    tokio::select! {
        started = Postgres::start(Some(&data_dir)) => panic!("not interrupted: {started:?}"),
        () = eventually(async || data_dir.exists()) => {}
    }
    // Stands in for its processes, which end when they like.
    let remains = folder.path().join("data.unfinished/base");
    let (started, ended) = std::sync::mpsc::channel::<()>();
    let initdb = std::thread::spawn(move || {
        while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            // Fails while the folder is being removed.
            let _ = fs::create_dir_all(&remains);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    let postgres = Postgres::start(Some(&data_dir)).await;
    drop(started);
    initdb.join().unwrap();
    let postgres = postgres.unwrap();
    connect(&postgres).await.batch_execute("SELECT 1").await.unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_of_an_earlier_run_is_stopped() {
    let folder = open_folder();
    let data_dir = folder.path().join("data");
    let earlier = Postgres::start(Some(&data_dir)).await.unwrap();
    let client = connect(&earlier).await;
    let later = Postgres::start(Some(&data_dir)).await.unwrap();
    assert!(client.batch_execute("SELECT 1").await.is_err());
    connect(&later).await.batch_execute("SELECT 1").await.unwrap();
    later.stop().await.unwrap();
    earlier.stop().await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_takes_its_folder_along() {
    let postgres = Postgres::start(None).await.unwrap();
    let data_dir = postgres.data_dir().to_owned();
    assert!(data_dir.join("postmaster.pid").exists());
    drop(postgres);
    eventually(async || !data_dir.exists()).await;
}

#[tokio::test]
async fn a_server_does_not_outlive_a_killed_process() {
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["server::be_killed", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let data_dir = loop {
        let line = lines.next_line().await.unwrap().expect("the process says where its data is");
        if let Some((_, path)) = line.split_once("data in ") {
            break PathBuf::from(path);
        }
    };
    assert!(data_dir.join("postmaster.pid").exists());
    // SIGKILL: nothing of ours gets to run.
    process.kill().await.unwrap();
    eventually(async || !data_dir.exists()).await;
}

/// The process of the test above.
#[tokio::test]
#[ignore = "waits to be killed"]
async fn be_killed() {
    let postgres = Postgres::start(None).await.unwrap();
    println!("data in {}", postgres.data_dir().display());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_long_path_is_no_obstacle() {
    let folder = open_folder();
    let data_dir = folder.path().join("x".repeat(120));
    let postgres = Postgres::start(Some(&data_dir)).await.unwrap();
    connect(&postgres).await.batch_execute("SELECT 1").await.unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn an_unreachable_folder_is_replaced_by_the_same_one_every_time() {
    // Only root needs one; anyone else runs the server as themselves.
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mut used = Vec::new();
    for _ in 0..2 {
        let postgres = Postgres::start(Some(&data_dir)).await.unwrap();
        used.push(postgres.data_dir().to_owned());
        connect(&postgres).await.batch_execute("SELECT 1").await.unwrap();
        postgres.stop().await.unwrap();
    }
    assert_eq!(used[0], used[1]);
    assert!(used[0].join("PG_VERSION").exists());
    fs::remove_dir_all(&used[0]).unwrap();
}

#[tokio::test]
async fn other_versions_and_other_things_are_left_alone() {
    let folder = open_folder();
    fs::write(folder.path().join("PG_VERSION"), "7\n").unwrap();
    let error = Postgres::start(Some(folder.path())).await.unwrap_err();
    assert!(matches!(error, PostgresError::OtherVersion { ref found, .. } if found == "7"), "{error}");

    let folder = open_folder();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    let error = Postgres::start(Some(folder.path())).await.unwrap_err();
    assert!(matches!(error, PostgresError::NotADataFolder(ref path) if path.ends_with(file_name(&folder))), "{error}");
}

async fn connect(postgres: &Postgres) -> Client {
    let (client, connection) = postgres.database().config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A folder that the server's user can reach even when we are root.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn file_name(folder: &TempDir) -> &Path {
    Path::new(folder.path().file_name().unwrap())
}
