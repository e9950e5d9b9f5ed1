//! The requests to the database and to DynamoDB, by the meter of the cloud.

use std::collections::BTreeMap;

use end_to_end::large_conversation::users_without_tokens;
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::group::Group;

/// Requests so far of the functions that know members, by service.
async fn requests(cloud: &Cloud) -> BTreeMap<&'static str, u64> {
    let reading = cloud.meter().await;
    let count = |service: &'static str| {
        let functions = ["HttpConversations", "HttpMembers"].iter();
        let operations = functions.filter_map(|name| reading["functions"][name]["requests"][service].as_object());
        (service, operations.flat_map(|all| all.values()).map(|counts| counts["requests"].as_u64().unwrap()).sum())
    };
    ["rds-data", "dynamodb", "sqs"].into_iter().map(count).collect()
}

struct RequestCounter<'c> {
    cloud: &'c Cloud,
    before: BTreeMap<&'static str, u64>,
}

impl RequestCounter<'_> {
    /// Compares the requests since the last call: to the database, to DynamoDB, to SQS.
    async fn check(&mut self, operation: &str, expected: [u64; 3]) {
        let after = requests(self.cloud).await;
        let found = ["rds-data", "dynamodb", "sqs"].map(|service| after[service] - self.before[service]);
        assert_eq!(found, expected, "{operation}");
        self.before = after;
    }
}

/// Uses a cloud of its own, without other traffic.
#[tokio::test]
async fn operations_make_only_the_needed_requests() {
    let cloud = &Cloud::start(None);
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let members = users_without_tokens(cloud, 99).await;
    // The requests of a cold start are not counted.
    alice.get("/v1/conversations").await;
    alice.get(&format!("/v1/conversations/{}/members", Uuid::nil())).await;
    let mut counter = RequestCounter { cloud, before: requests(cloud).await };

    alice.private_conversation_with(&bob).await;
    counter.check("a private conversation", [5, 2, 1]).await;
    alice.private_conversation_with(&bob).await;
    counter.check("the same private conversation again", [5, 4, 0]).await;
    let group = Group::new(&alice, &json!({"type": "group", "title": "All", "member_ids": members[..49]})).await;
    counter.check("a group of fifty", [5, 2, 1]).await;
    assert_eq!(group.add(&alice, &[&bob]).await.0, 204);
    counter.check("one more member", [6, 4, 1]).await;
    assert_eq!(alice.post(&group.members, &json!({"user_ids": members[49..]})).await, (204, Value::Null));
    // Beyond the inline limit no connection is read, and `fanout` gets a message.
    counter.check("fifty more members", [6, 3, 2]).await;
    assert_eq!(group.set_role(&alice, &bob, "admin").await.0, 200);
    counter.check("a role", [6, 4, 2]).await;
    assert_eq!(alice.get(&group.members).await.0, 200);
    counter.check("the members", [0, 3, 0]).await;

    let group = Group::of(&alice, &[&bob]).await;
    counter.check("a small group", [5, 2, 1]).await;
    assert_eq!(alice.patch(&group.path, &json!({"title": "Two"})).await.0, 200);
    counter.check("a title", [6, 8, 1]).await;
    assert_eq!(alice.patch(&group.path, &json!({"title": "Two"})).await.0, 200);
    counter.check("the same title", [4, 4, 0]).await;
    assert_eq!(bob.patch(&group.path, &json!({"title": "Mine"})).await.0, 403);
    // The tombstone that a deleted user would have.
    counter.check("a title that is refused", [4, 1, 0]).await;
    assert_eq!(group.remove(&alice, &bob).await.0, 204);
    counter.check("a removal", [6, 5, 1]).await;
    assert_eq!(group.remove(&alice, &alice).await.0, 204);
    counter.check("leaving", [6, 5, 1]).await;
    assert_eq!(alice.get(&group.path).await.0, 200);
    counter.check("a conversation", [0, 5, 0]).await;
    assert_eq!(alice.get("/v1/conversations").await.0, 200);
    counter.check("three conversations", [0, 14, 0]).await;
}
