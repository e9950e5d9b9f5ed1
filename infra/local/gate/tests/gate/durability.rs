//! Writes that were answered are there after the process was killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use futures_util::future::join_all;
use tempfile::TempDir;

use crate::harness::{Cloud, DEVELOPER, dynamodb_client, key, put};

const FOLDER: &str = "GATE_TEST_FOLDER";

/// Writers at once, each with so many keys of its own.
const WRITERS: u32 = 8;
const KEYS: u32 = 1_000_000;

/// Writes that are answered before the kill.
const ENOUGH: usize = 400;

/// The process that is killed: this test's own binary, which runs this function alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let cloud = Cloud::start_in(Some(&folder)).await;
    let partial = folder.join("partial");
    std::fs::write(&partial, cloud.dynamodb_address.to_string()).unwrap();
    std::fs::rename(partial, folder.join("address")).unwrap();
    std::future::pending::<()>().await;
}

/// A gate with its tables in a process of its own.
struct Process {
    child: Child,
    client: Client,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::serve_until_killed", "--test-threads", "1"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let address = loop {
            match std::fs::read_to_string(folder.join("address")) {
                Ok(address) => break address,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        Self { child, client: dynamodb_client(address.parse().unwrap(), DEVELOPER) }
    }

    /// The signal that no process can handle.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Writes until the process is gone: an item alone, and then one in the place of another. Returns the items of each kind that
/// have to be there, and those that may not.
async fn write(client: Client, first: u32, answered: Arc<AtomicUsize>) -> (Vec<u32>, Vec<u32>) {
    let (mut written, mut deleted) = (Vec::new(), Vec::new());
    for sk in (first..).step_by(2) {
        if put(&client, sk, 500).condition_expression("attribute_not_exists(pk)").send().await.is_err() {
            break;
        }
        written.push(sk);
        let put = Put::builder().table_name("items").set_item(Some(key(sk + 1).into())).build().unwrap();
        let delete = Delete::builder().table_name("items").set_key(Some(key(sk).into())).build().unwrap();
        let transaction = client.transact_write_items();
        let transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
        let transaction = transaction.transact_items(TransactWriteItem::builder().delete(delete).build());
        let is_written = transaction.send().await.is_ok();
        // Whether the last one, which has no answer, was carried out, nobody knows.
        written.pop();
        if !is_written {
            break;
        }
        written.push(sk + 1);
        deleted.push(sk);
        answered.fetch_add(2, Ordering::Relaxed);
    }
    (written, deleted)
}

#[tokio::test]
async fn a_kill_between_many_writes_loses_none_that_was_answered() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path()).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let writers = (0..WRITERS).map(|writer| {
        let (client, answered) = (process.client.clone(), answered.clone());
        tokio::spawn(write(client, writer * KEYS, answered))
    });
    let writers: Vec<_> = writers.collect();
    // With the log moved into the database some times, wherever the writers are.
    while answered.load(Ordering::Relaxed) < ENOUGH {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    process.kill();
    let cloud = Cloud::start_in(Some(folder.path())).await;
    for outcome in join_all(writers).await {
        let (written, deleted) = outcome.unwrap();
        for sk in written {
            let item = cloud.dynamodb.get_item().table_name("items").set_key(Some(key(sk).into()));
            assert!(item.send().await.unwrap().item.is_some(), "{sk} is lost");
        }
        for sk in deleted {
            assert_eq!(cloud.get(sk, true).await, None, "{sk} is there again");
        }
    }
}
