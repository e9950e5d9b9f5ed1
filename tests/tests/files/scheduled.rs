//! The check of an upload is one schedule: in a cloud with the lifetimes of a deployed stack.

use end_to_end::{Cloud, TestUser, aws};
use serde_json::{Value, json};

use crate::uploader::{Bucket, announce, announcement, ready, until};

/// Returns the names and times of the schedules.
async fn schedules(cloud: &Cloud) -> Vec<(String, String)> {
    let client = aws::scheduler(cloud);
    let listed = client.list_schedules().group_name("local-ScheduleGroup").send().await.unwrap();
    let mut schedules = Vec::new();
    for name in listed.schedules.into_iter().filter_map(|schedule| schedule.name) {
        let found = client.get_schedule().group_name("local-ScheduleGroup").name(&name).send().await.unwrap();
        schedules.push((name, found.schedule_expression.unwrap()));
    }
    schedules
}

/// Announces a file that is never uploaded; returns its id.
async fn abandon(user: &TestUser, conversation: &str, size: u64) -> String {
    let file = json!({"name": "a.txt", "content_type": "text/plain", "size": size, "sha256": "0".repeat(64)});
    let (status, announced) = announce(user, conversation, &file).await;
    assert_eq!(status, 201, "{announced}");
    announced["file"]["file_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn upload_is_checked_by_one_schedule_and_an_accepted_one_without_sql() {
    // Without a retention, which has a schedule for each conversation.
    let start = || Cloud::start_with(None, &["RetentionDays=0"]);
    let cloud = tokio::task::spawn_blocking(start).await.unwrap();
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let conversation = alice.private_conversation_with(&bob).await;

    let accepted = ready(&alice, &conversation, "a.txt", "text/plain", b"x").await;
    assert_eq!(schedules(&cloud).await.len(), 1);
    // The last write of an inspection comes after its status.
    let requests = async |function: &str| cloud.meter().await["functions"][function]["requests"].clone();
    until(async || (requests("FileInspect").await["dynamodb"]["UpdateItem"]["requests"] == 1).then_some(())).await;
    assert_eq!(cloud.run_schedules().await, 1);
    let checked = until(async || Some(requests("FileCleanup").await).filter(|made| *made != json!({}))).await;
    assert_eq!(checked["dynamodb"]["GetItem"]["requests"], 1, "{checked}");
    assert_eq!(checked["rds-data"], Value::Null, "a paused database stays paused");

    // One in one request has an hour, one in parts a day.
    let files = [abandon(&alice, &conversation, 5).await, abandon(&alice, &conversation, 9_000_000).await];
    let mut created = schedules(&cloud).await;
    created.sort_by_key(|(_, expression)| expression.clone());
    for ((name, _), file) in created.iter().zip(&files) {
        assert!(name.starts_with(&format!("upload-{file}-")), "{name}");
    }
    assert_eq!(cloud.run_schedules().await, 2, "{created:?}");
    for file in &files {
        until(async || (alice.get(&format!("/v1/files/{file}")).await.0 == 404).then_some(())).await;
        assert_eq!(Bucket::of(&cloud).keys(file).await, [] as [String; 0]);
    }
    assert_eq!(alice.get(&format!("/v1/files/{accepted}")).await.1["status"], "ready");
    assert!(schedules(&cloud).await.is_empty(), "each deletes itself");
    let (status, _) = announce(&alice, &conversation, &announcement("b.txt", "text/plain", b"y")).await;
    assert_eq!(status, 201);
    cloud.stop();
}
