//! The units of `infra/cost.json`, from which `cargo local cost` makes its estimate, against those that the meter counts.

use std::process::Command;

use end_to_end::cloud::{executable, root};
use end_to_end::{Cloud, Socket, TestUser};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

/// Items of the price list that do not depend on time or on how a queue is polled.
const COUNTED: [&str; 3] = ["WebSocket messages", "DynamoDB write units", "DynamoDB read units"];

/// The units of one use for a group of this size, all of whose members are connected.
fn estimated(group_size: usize, name: &str) -> Value {
    let group_size = group_size.to_string();
    let mut command = Command::new(executable("local-cloud"));
    command.args(["cost", "--units", "--group-size", &group_size, "--hours-online", "24"]).current_dir(root());
    let output = command.output().expect("the local cloud runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let uses: Value = serde_json::from_slice(&output.stdout).expect("units are JSON");
    uses[name].clone()
}

/// The units so far.
async fn measured(cloud: &Cloud) -> [f64; 3] {
    let reading = cloud.meter().await;
    let sum = |place: &Value, field: &str| -> f64 {
        let counters = place.as_object().expect("counters by name").values();
        counters.map(|counters| counters[field].as_f64().expect("a number")).sum()
    };
    let tables = &reading["resources"]["dynamodb"];
    let sockets = &reading["websocket_apis"];
    [sum(sockets, "units_in") + sum(sockets, "units_out"), sum(tables, "write_units"), sum(tables, "read_units")]
}

/// Compares what was counted since `before` with the estimate of `times` uses.
async fn check(cloud: &Cloud, before: [f64; 3], times: f64, group_size: usize, name: &str) {
    let after = measured(cloud).await;
    let estimated = estimated(group_size, name);
    for (n, item) in COUNTED.into_iter().enumerate() {
        let (measured, expected) = ((after[n] - before[n]) / times, estimated[item].as_f64().expect("a number"));
        assert!(
            (measured - expected).abs() < 0.01,
            "{name}, {item}: {measured} measured, {expected} in infra/cost.json"
        );
    }
}

async fn send(socket: &mut Socket, conversation: &str) {
    let sent = json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
        "text": "hello"});
    assert_eq!(socket.ask(sent).await["type"], "sent");
}

/// Uses a cloud of its own, without other traffic.
#[tokio::test]
async fn estimate_has_the_units_that_the_meter_counts() {
    let cloud = &Cloud::start(None);
    // The requests of cold starts are not counted.
    let (yara, zoe) = (TestUser::of(cloud, "yara").await, TestUser::of(cloud, "zoe").await);
    let private = yara.private_conversation_with(&zoe).await;
    send(&mut yara.connect().await, &private).await;
    for group_size in [2, 8] {
        let names: Vec<String> = (0..group_size).map(|n| format!("member-{group_size}-{n}")).collect();
        let users = join_all(names.iter().map(|name| TestUser::of(cloud, name))).await;
        let ids: Vec<&str> = users[1..].iter().map(|user| user.user_id.as_str()).collect();
        let body = json!({"type": "group", "title": "Team", "member_ids": ids});
        let conversation = users[0].create_conversation(&body).await;
        let mut sockets = join_all(users.iter().map(TestUser::connect)).await;
        let (sender, others) = sockets.split_first_mut().expect("members");
        // The estimate is that of a message to a conversation that the sending process does not remember.
        let before = measured(cloud).await;
        send(sender, &conversation).await;
        for other in others.iter_mut() {
            other.next("message").await;
        }
        check(cloud, before, 1.0, group_size, "message").await;
        send(sender, &conversation).await;
        for other in others.iter_mut() {
            other.next("message").await;
        }

        let receipt = |seq: u64| json!([{"conversation_id": conversation, "seq": seq}]);
        others[0].send(&json!({"action": "ack", "receipts": receipt(2)})).await;
        sender.next("receipts").await;
        let before = measured(cloud).await;
        others[0].send(&json!({"action": "ack", "receipts": receipt(3)})).await;
        sender.next("receipts").await;
        check(cloud, before, 1.0, group_size, "delivered receipt").await;
    }
}
