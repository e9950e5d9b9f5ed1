//! A PostgreSQL that does not answer at all.

use std::fs;
use std::process::Command;
use std::time::Duration;

use end_to_end::{Cloud, TestUser};
use serde_json::json;

use crate::is_busy;

/// The processes below `parent`, by the system's table of processes.
fn below(parent: u32) -> Vec<u32> {
    let parent_of = |process: u32| -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
    };
    let all: Vec<u32> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process| parent_of(*process) == Some(parent))
        .collect();
    all.iter().copied().chain(all.iter().flat_map(|child| below(*child))).collect()
}

/// The processes of a cloud with this name, of which the system keeps 15 bytes.
pub(crate) fn processes(cloud: &Cloud, name: &str) -> Vec<String> {
    let has_name =
        |process: &u32| fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|found| found.trim() == name);
    below(cloud.pid()).into_iter().filter(has_name).map(|process| process.to_string()).collect()
}

pub(crate) fn signal(name: &str, processes: &[String]) {
    // Some may have ended by themselves.
    Command::new("kill").arg(name).args(processes).status().unwrap();
}

/// Has its own cloud, whose database it stops.
#[tokio::test]
async fn frozen_database_is_busy_within_ten_seconds() {
    let cloud = &Cloud::start(None);
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let team = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    let (_, group) = alice.post("/v1/conversations", &team).await;
    let path = format!("/v1/conversations/{}", group["conversation_id"].as_str().unwrap());
    let title = json!({"title": "Frozen"});
    let frozen = processes(cloud, "postgres");
    assert!(!frozen.is_empty());
    signal("-STOP", &frozen);
    let answers = async { tokio::join!(alice.patch(&path, &title), bob.get("/v1/users/me")) };
    let answers = tokio::time::timeout(Duration::from_secs(10), answers).await;
    signal("-CONT", &frozen);
    let ((changed, problem), (read, unread)) = answers.expect("an answer within ten seconds");
    assert!(changed == 503 && is_busy(&problem), "{changed} {problem}");
    assert!(read == 503 && is_busy(&unread), "{read} {unread}");
    // What the frozen statements held is free within seconds.
    for attempt in 1.. {
        let (status, answer) = alice.patch(&path, &title).await;
        if status == 200 {
            break;
        }
        assert!(is_busy(&answer) && attempt < 5, "{status} {answer}");
    }
}
