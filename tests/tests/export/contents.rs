//! An export has what history shows, and nothing else.

use end_to_end::{TestBackend, TestUser};
use serde_json::{Value, json};

use crate::setup::{Archive, export, group, history, send};

/// Two groups of alice: one that she left and came back to, and one that bob sees alone for a while.
async fn left_and_back(alice: &TestUser, bob: &TestUser) -> String {
    let conversation = group(alice, &[bob]).await;
    send(alice, &conversation, "before").await;
    send(bob, &conversation, "seen by both").await;
    let path = format!("/v1/conversations/{conversation}/members");
    assert_eq!(alice.delete(&format!("{path}/{}", bob.user_id)).await.0, 204);
    send(alice, &conversation, "a secret").await;
    assert_eq!(alice.post(&path, &json!({"user_ids": [bob.user_id]})).await.0, 204);
    let seq = send(alice, &conversation, "bob is back").await;
    let of_message = format!("/v1/conversations/{conversation}/messages/{seq}");
    assert_eq!(bob.put(&format!("{of_message}/reactions/%F0%9F%91%8D"), &json!({})).await.0, 200);
    let deleted = send(bob, &conversation, "taken back").await;
    assert_eq!(bob.delete(&format!("/v1/conversations/{conversation}/messages/{deleted}")).await.0, 204);
    let edited = send(bob, &conversation, "wrong").await;
    let edit = json!({"text": "right"});
    assert_eq!(bob.patch(&format!("/v1/conversations/{conversation}/messages/{edited}"), &edit).await.0, 200);
    conversation
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["text"].as_str()).collect()
}

#[tokio::test]
async fn export_of_a_user_is_what_history_shows() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = left_and_back(&alice, &bob).await;
    let private = alice.private_conversation_with(&bob).await;
    send(&alice, &private, "hello bob").await;
    send(&bob, &private, "hello alice").await;

    let archive = export(&bob, "/v1/users/me/export", &json!({"messages": "visible"})).await;
    for conversation in [&group, &private] {
        assert_eq!(archive.messages(conversation), history(&bob, conversation).await);
    }
    let mut conversations = archive.conversations();
    conversations.sort();
    let mut expected = vec![group.clone(), private.clone()];
    expected.sort();
    assert_eq!(conversations, expected);
    assert!(!String::from_utf8_lossy(&archive.entries[&format!("messages/{group}.jsonl")]).contains("a secret"));
    let (status, profile) = bob.get("/v1/users/me").await;
    assert_eq!((status, archive.json("profile.json")), (200, profile));

    let listed = archive.lines("conversations");
    let line = listed.iter().find(|line| line["conversation_id"] == *group).unwrap();
    assert_eq!((line["title"].as_str(), line["periods"].as_array().unwrap().len()), (Some("Team"), 2), "{line}");
    let members: Vec<Value> = archive.lines("members");
    let of_group: Vec<&Value> = members.iter().filter(|member| member["conversation_id"] == *group).collect();
    assert_eq!((of_group.len(), members.len()), (2, 4), "{members:?}");
    assert!(of_group.iter().all(|member| member["display_name"].is_string()));

    let sent = export(&bob, "/v1/users/me/export", &json!({})).await;
    assert!(sent.lines("members").is_empty());
    assert_eq!(texts(&sent.messages(&group)), ["seen by both", "right"]);
    assert!(sent.messages(&group).iter().all(|message| message["sender_id"] == bob.user_id));
    assert_eq!(texts(&sent.messages(&private)), ["hello alice"]);
}

#[tokio::test]
async fn export_of_a_former_member_ends_with_the_membership() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = left_and_back(&alice, &bob).await;
    assert_eq!(bob.delete(&format!("/v1/conversations/{group}/members/me")).await.0, 204);
    send(&alice, &group, "another secret").await;

    let archive = export(&bob, "/v1/users/me/export", &json!({"messages": "visible"})).await;
    assert_eq!(archive.messages(&group), history(&bob, &group).await);
    assert!(archive.entries.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("secret")));
    assert!(archive.lines("members").is_empty(), "he sees no members any more");
    let line = &archive.lines("conversations")[0];
    assert_eq!((&line["role"], line.get("title")), (&Value::Null, None), "{line}");
    assert!(line["periods"].as_array().unwrap().iter().all(|period| period["left"].is_object()), "{line}");
}

#[tokio::test]
async fn export_of_a_conversation_is_its_whole_history() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let group = left_and_back(&alice, &bob).await;
    let path = format!("/v1/conversations/{group}/export");
    let archive = export(&alice, &path, &json!({})).await;
    let shown = archive.messages(&group);
    assert_eq!(texts(&shown), ["before", "seen by both", "a secret", "bob is back", "right"]);
    let (status, whole) =
        backend.get(&format!("/v1/server/conversations/{group}/messages?after_seq=0&limit=100")).await;
    assert_eq!((status, json!(shown)), (200, whole["messages"].clone()));
    assert_eq!((archive.lines("members").len(), archive.lines("conversations").len()), (2, 1));
    assert!(!archive.entries.contains_key("profile.json"));
    let manifest = archive.manifest();
    let entry = manifest["entries"].as_array().unwrap().last().unwrap();
    let range = [&entry["first_seq"], &entry["last_seq"], &entry["count"]];
    assert_eq!(range, [&json!(1), &shown.last().unwrap()["seq"], &json!(shown.len())], "{entry}");
    assert_eq!((&manifest["version"], &manifest["of"]), (&json!(1), &json!("conversation")));
}

#[tokio::test]
async fn another_tool_reads_the_archive() {
    let alice = TestUser::new("alice").await;
    let group = group(&alice, &[]).await;
    for n in 0..20 {
        send(&alice, &group, &format!("Grüße {n}")).await;
    }
    let archive: Archive = export(&alice, &format!("/v1/conversations/{group}/export"), &json!({})).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.zip");
    std::fs::write(&file, &archive.bytes).unwrap();
    let script =
        "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(len(z.namelist()))";
    let output = std::process::Command::new("python3").args(["-c", script]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(said, archive.entries.len().to_string(), "{}", String::from_utf8_lossy(&output.stderr));
}
