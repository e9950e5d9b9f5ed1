//! Coming, going and roles, one after the other.

use end_to_end::Person;
use serde_json::{Value, json};

/// A group of these, and its path.
async fn group(owner: &Person, others: &[&Person]) -> String {
    let ids: Vec<&str> = others.iter().map(|person| person.user_id.as_str()).collect();
    let (status, body) =
        owner.post("/v1/conversations", &json!({"type": "group", "title": "Team", "member_ids": ids})).await;
    assert_eq!(status, 201, "{body}");
    format!("/v1/conversations/{}", body["conversation_id"].as_str().unwrap())
}

async fn kinds(person: &Person, path: &str) -> Vec<Value> {
    let (status, history) = person.get(&format!("{path}/messages")).await;
    assert_eq!(status, 200, "{history}");
    history["messages"].as_array().unwrap().iter().map(|message| message["kind"].clone()).collect()
}

#[tokio::test]
async fn a_member_comes_goes_and_comes_back() {
    let (alice, bob, carol) = tokio::join!(Person::new("alice"), Person::new("bob"), Person::new("carol"));
    let path = group(&alice, &[&bob]).await;
    let members = format!("{path}/members");
    assert_eq!(alice.post(&members, &json!({"user_ids": [carol.user_id]})).await, (204, Value::Null));
    let (_, listed) = carol.get(&members).await;
    assert_eq!(listed["members"].as_array().map(Vec::len), Some(3), "{listed}");
    for _ in 0..2 {
        assert_eq!(bob.delete(&format!("{members}/me")).await, (204, Value::Null), "going twice is going once");
    }
    assert_eq!(alice.patch(&path, &json!({"title": "The others", "topic": "Bob"})).await.1["topic"], "Bob");
    assert_eq!(alice.post(&members, &json!({"user_ids": [bob.user_id]})).await.0, 204);
    let all = ["created", "members_added", "member_left", "title_changed", "topic_changed", "members_added"];
    assert_eq!(kinds(&alice, &path).await, all);
    assert_eq!(kinds(&carol, &path).await, all[1..]);
    assert_eq!(kinds(&bob, &path).await, [all[0], all[1], all[2], all[5]]);
}

#[tokio::test]
async fn the_last_owner_who_goes_makes_another() {
    let (alice, bob, carol) = tokio::join!(Person::new("alice"), Person::new("bob"), Person::new("carol"));
    let path = group(&alice, &[&bob, &carol]).await;
    let role = json!({"role": "admin"});
    assert_eq!(alice.patch(&format!("{path}/members/{}", carol.user_id), &role).await.1["role"], "admin");
    assert_eq!(alice.delete(&format!("{path}/members/me")).await.0, 204);
    assert_eq!(carol.get(&path).await.1["role"], "owner");
    assert_eq!(bob.get(&path).await.1["role"], "member");
    for person in [&bob, &carol] {
        assert_eq!(person.delete(&format!("{path}/members/me")).await.0, 204);
    }
    assert_eq!(carol.get(&path).await.1["closed"], true);
}
