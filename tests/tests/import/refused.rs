//! Wrong files and wrong callers: errors that name the line, and nothing half visible.

use end_to_end::test_user::token;
use end_to_end::{Cloud, StoredState, TestBackend, TestUser};
use serde_json::{Value, json};

use crate::setup::{group_file, here, id, import, lines, refusal, source, text, upload, zip};

fn errors(import: &Value) -> Vec<(&str, Option<u64>)> {
    let errors = import["errors"].as_array().unwrap();
    errors.iter().map(|error| (error["file"].as_str().unwrap(), error["line"].as_u64())).collect()
}

#[tokio::test]
async fn wrong_lines_are_named_and_nothing_is_written() {
    let (backend, alice) = tokio::join!(TestBackend::new(), TestUser::new("alice"));
    let (group, other, source) = (id(), id(), source());
    let user = &alice.user_id;
    let entry = format!("messages/{group}.jsonl");
    let mut messages = lines(&[
        text(&group, 1, user, "fine"),
        text(&other, 2, user, "another conversation"),
        text(&group, 3, user, ""),
        text(&group, 1, user, "a seq that is no larger"),
        json!({"conversation_id": group, "seq": 5}),
    ]);
    let mut late = text(&group, 6, user, "in the future");
    late["sent_at"] = json!("2999-01-01T00:00:00Z");
    messages.extend(lines(&[late, text(&group, 7, user, &"é".repeat(5000))]));
    messages.extend(b"no JSON\n");
    messages.extend(vec![b'x'; 300_000]);
    let file = zip(&[
        (
            "conversations.jsonl",
            lines(&[
                json!({"conversation_id": group, "type": "group", "title": "Fine"}),
                json!({"conversation_id": group, "type": "group", "title": "Twice"}),
                json!({"conversation_id": other, "type": "club"}),
            ]),
        ),
        ("members.jsonl", lines(&[json!({"conversation_id": other, "user_id": user, "role": "owner"})])),
        (&entry, messages),
    ]);
    let failed = import(&backend, &source, "kept", file).await;
    assert_eq!((&failed["state"], &failed["reason"]), (&json!("failed"), &json!("invalid")), "{failed}");
    let of_messages = [2, 3, 4, 5, 6, 7, 8, 9].map(|line| (entry.as_str(), Some(line)));
    let mut expected =
        vec![("conversations.jsonl", Some(2)), ("conversations.jsonl", Some(3)), ("members.jsonl", Some(1))];
    expected.extend(of_messages);
    assert_eq!(errors(&failed), expected, "{failed}");
    let here = here(&source, &group);
    let left = StoredState::of(Cloud::shared(), &here).await;
    assert!(left.log.is_empty() && left.conversation_row.is_none() && left.conversation.is_none());
    assert_eq!(alice.get(&format!("/v1/conversations/{here}")).await.0, 404);
}

#[tokio::test]
async fn users_of_a_file_are_different_ones() {
    let backend = TestBackend::new().await;
    let [one, two] = [id(), id()];
    let users = lines(&[
        json!({"user_id": one, "subject": "same"}),
        json!({"user_id": one, "subject": "same", "display_name": "Repeated"}),
        json!({"user_id": two, "subject": "same"}),
        json!({"user_id": one, "subject": "another"}),
    ]);
    let failed = import(&backend, &source(), "mapped", zip(&[("users.jsonl", users)])).await;
    assert_eq!(errors(&failed), [("users.jsonl", Some(3)), ("users.jsonl", Some(4))], "{failed}");
    assert!(failed["errors"][0]["message"].as_str().unwrap().contains(&one), "{failed}");
    // The id that tokens of the subject have, beside a user who keeps that id.
    let (cloud, subject) = (Cloud::shared(), format!("alice-{one}"));
    let alice = TestUser::with_token(cloud, "Alice", token(cloud, &json!({"username": subject})).await).await;
    let users = lines(&[json!({"user_id": one, "subject": subject}), json!({"user_id": alice.user_id})]);
    let failed = import(&backend, &source(), "kept", zip(&[("users.jsonl", users)])).await;
    assert_eq!((&failed["state"], errors(&failed)), (&json!("failed"), vec![("", None)]), "{failed}");
}

#[tokio::test]
async fn errors_are_bounded_and_other_files_are_no_archives() {
    let backend = TestBackend::new().await;
    let many: Vec<Value> = (0..500).map(|n| json!({ "n": n })).collect();
    let failed = import(&backend, &source(), "kept", zip(&[("users.jsonl", lines(&many))])).await;
    assert_eq!(failed["errors"].as_array().unwrap().len(), 100, "{failed}");
    for bytes in [b"no archive".to_vec(), zip(&[]), zip(&[("readme.txt", b"hello".to_vec())])] {
        let failed = import(&backend, &source(), "kept", bytes).await;
        assert_eq!((&failed["state"], errors(&failed)), (&json!("failed"), vec![("", None)]), "{failed}");
    }
}

#[tokio::test]
async fn only_backends_import_and_only_as_the_system() {
    let (backend, alice) = tokio::join!(TestBackend::new(), TestUser::new("alice"));
    let body = json!({"source": "a", "size": 1});
    assert_eq!(alice.post("/v1/server/imports", &body).await.0, 401);
    assert_eq!(alice.post("/v1/imports", &body).await.0, 404);
    let as_alice = backend.acting_as(&alice);
    assert_eq!(refusal(as_alice.post("/v1/server/imports", &body).await), (403, "not_allowed".to_owned()));
    for (source, size) in [("", 1), ("a b", 1), ("a", 0)] {
        let answer = backend.post("/v1/server/imports", &json!({"source": source, "size": size})).await;
        assert_eq!(refusal(answer), (400, "invalid_request".to_owned()), "{source} {size}");
    }
    let large = json!({"source": "a", "size": 6_000_000_000_u64});
    assert_eq!(refusal(backend.post("/v1/server/imports", &large).await), (413, "file_too_large".to_owned()));
    let unknown = format!("/v1/server/imports/{}", id());
    assert_eq!(refusal(backend.get(&unknown).await), (404, "import_not_found".to_owned()));
    assert_eq!(refusal(backend.delete(&unknown).await), (404, "import_not_found".to_owned()));
}

#[tokio::test]
async fn import_starts_once_its_file_is_there_and_ends_when_it_is_cancelled() {
    let (backend, alice) = tokio::join!(TestBackend::new(), TestUser::new("alice"));
    let (_, waiting) = backend.post("/v1/server/imports", &json!({"source": source(), "size": 7})).await;
    let path = format!("/v1/server/imports/{}", waiting["import_id"].as_str().unwrap());
    let start = format!("{path}/start");
    assert_eq!(refusal(backend.post(&start, &json!({})).await), (409, "upload_incomplete".to_owned()));
    let (group, source) = (id(), source());
    let uploaded = upload(&backend, &source, "kept", group_file(&group, &[&alice.user_id], 3)).await;
    let path = format!("/v1/server/imports/{uploaded}");
    assert_eq!(backend.delete(&path).await.0, 204);
    assert_eq!(backend.delete(&path).await.0, 204, "a repetition");
    assert_eq!(backend.get(&path).await.1["state"], "cancelled");
    let start = format!("{path}/start");
    assert_eq!(refusal(backend.post(&start, &json!({})).await), (409, "import_over".to_owned()));
    assert_eq!(alice.get(&format!("/v1/conversations/{}", here(&source, &group))).await.0, 404);
}
