//! The audit: who did what to whom.

use end_to_end::faults::Kind;
use end_to_end::{Cloud, TestBackend, TestUser};
use serde_json::{Value, json};

use crate::setup::{SYSTEM, group, message};

/// Reads the whole audit of today, page by page, of the caller or of another client.
async fn audit(backend: &TestBackend, limit: usize, of: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = backend.get(&format!("/v1/server/audit?limit={limit}{of}{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= limit);
        all.extend(entries.iter().cloned());
        let Some(next) = page["cursor"].as_str() else { return all };
        assert!(!entries.is_empty());
        cursor = format!("&cursor={next}");
    }
}

/// The entries about a conversation.
async fn about(backend: &TestBackend, conversation: &str) -> Vec<Value> {
    let all = audit(backend, 500, "").await;
    all.into_iter().filter(|entry| entry.to_string().contains(conversation)).collect()
}

#[tokio::test]
async fn audit_has_every_request_with_its_outcome_and_no_text() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let as_alice = backend.acting_as(&alice);
    let body = json!({"type": "group", "title": "A secret title", "member_ids": [bob.user_id]});
    let (_, created) = as_alice.post("/v1/server/conversations", &body).await;
    let conversation = created["conversation_id"].as_str().unwrap();
    let path = format!("/v1/server/conversations/{conversation}");
    let (_, sent) = as_alice.post(&format!("{path}/messages"), &message("A secret text")).await;
    assert_eq!(backend.patch(&path, &json!({"topic": "A secret topic"})).await.0, 200);
    assert_eq!(backend.acting_as(&bob).patch(&path, &json!({"title": "A secret title"})).await.0, 200, "it holds");
    assert_eq!(backend.acting_as(&bob).delete(&path).await.0, 403);
    assert_eq!(backend.get(&format!("{path}/messages?limit=1")).await.0, 200);

    let entries = about(&backend, conversation).await;
    let seen: Vec<Value> = entries
        .iter()
        .map(|entry| json!([entry["route"], entry["acted_as"], entry["user_ids"], entry["outcome"]]))
        .collect();
    let one = "/v1/server/conversations/{id}";
    let expected = [
        json!(["POST /v1/server/conversations", alice.user_id, [bob.user_id], {"status": 201, "conversation_id": conversation}]),
        json!([format!("POST {one}/messages"), alice.user_id, null,
            {"status": 201, "conversation_id": conversation, "seqs": [sent["seq"]]}]),
        json!([format!("PATCH {one}"), SYSTEM, null, {"status": 200, "conversation_id": conversation}]),
        json!([format!("PATCH {one}"), bob.user_id, null, {"status": 200, "conversation_id": conversation}]),
        json!([format!("DELETE {one}"), bob.user_id, null, {"status": 403, "code": "not_allowed"}]),
        json!([format!("GET {one}/messages"), SYSTEM, null, {"status": 200}]),
    ];
    assert_eq!(seen, expected);
    for entry in &entries {
        assert_eq!(entry["client_id"], json!(backend.client_id));
        assert!(entry["at"].is_string() && entry["request_id"].is_string(), "{entry}");
        assert!(entry["path"].as_str().is_some_and(|path| path.starts_with("/v1/server/")), "{entry}");
        assert!(!entry.to_string().contains("secret"), "{entry}");
    }
}

#[tokio::test]
async fn refused_requests_are_in_the_audit_as_well() {
    let backend = TestBackend::new().await;
    let marker = "019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3e";
    let path = format!("/v1/server/conversations/{marker}");
    assert_eq!(backend.naming("somebody secret").get(&path).await.0, 400);
    assert_eq!(backend.post(&format!("{path}/messages"), &json!("no message")).await.0, 400);
    let entries = about(&backend, marker).await;
    let seen: Vec<Value> = entries.iter().map(|entry| json!([entry["acted_as"], entry["outcome"]["code"]])).collect();
    assert_eq!(seen, [json!([null, "invalid_uuid"]), json!([SYSTEM, "invalid_request"])]);
    assert!(!json!(entries).to_string().contains("secret"));
}

#[tokio::test]
async fn audit_is_read_page_by_page_in_the_order_of_time() {
    // A cloud of its own: nothing else is written meanwhile.
    let cloud = tokio::task::spawn_blocking(|| Cloud::start(None)).await.unwrap();
    let backend = TestBackend::of(&cloud).await;
    for _ in 0..20 {
        assert_eq!(backend.get("/v1/server/users/me").await.0, 200);
    }
    let pages = audit(&backend, 3, "").await;
    let of_users = |entries: &[Value]| -> Vec<Value> {
        let is_of_users = |entry: &&Value| entry["route"] == "GET /v1/server/users/me";
        entries.iter().filter(is_of_users).map(|entry| json!([entry["at"], entry["request_id"]])).collect()
    };
    let all = of_users(&pages);
    assert_eq!(all.len(), 20);
    assert!(all.is_sorted_by_key(ToString::to_string), "{all:?}");
    let at_once = audit(&backend, 500, &format!("&client_id={}", backend.client_id)).await;
    assert_eq!(of_users(&at_once), all);
    // Reads of the audit are in it, the one that reads included: it has no outcome yet.
    let last = at_once.last().unwrap();
    assert_eq!((&last["route"], last.get("outcome")), (&json!("GET /v1/server/audit"), None));
    for of in ["&client_id=another", "&day=2026-01-01"] {
        assert_eq!(audit(&backend, 3, of).await, [] as [Value; 0], "{of}");
    }
    for query in ["limit=0", "limit=501", "day=today", "cursor=x", "client=a"] {
        assert_eq!(backend.get(&format!("/v1/server/audit?{query}")).await.0, 400, "{query}");
    }

    // Without an entry nothing happens.
    let alice = TestUser::of(&cloud, "alice").await;
    let conversation = group(&alice, &[]).await;
    let path = format!("/v1/server/conversations/{conversation}");
    let unwritable =
        |function| Kind::Throttle.rule().operation("PutItem").resource("local-AuditTable").function(function);
    cloud.inject_faults(1, &["HttpConversations", "HttpMessages", "HttpUsers"].map(unwritable)).await;
    let key = "a";
    let title = json!({"title": "Changed"});
    for (method, path, body) in [
        (reqwest::Method::PATCH, path.clone(), title),
        (reqwest::Method::POST, format!("{path}/messages"), message("hello")),
        (reqwest::Method::PUT, "/v1/server/users/me".to_owned(), json!({"display_name": "Changed"})),
    ] {
        let (status, refused) = backend.ask_once(method, &path, Some(&body), key).await;
        assert_eq!((status, &refused["code"]), (503, &json!("busy")), "{path}");
    }
    cloud.clear_faults().await;
    assert_eq!(backend.get("/v1/server/users/me").await.1["display_name"], "System");
    let found = backend.get(&path).await.1;
    assert_eq!((&found["title"], &found["head_seq"]), (&json!("Team"), &json!(1)), "{found}");

    // An outcome that cannot be written is missing, and the answer is given.
    let second = Kind::Throttle.rule().operation("PutItem").resource("local-AuditTable").function("HttpConversations");
    cloud.inject_faults(1, &[second.skip(1)]).await;
    assert_eq!(backend.patch(&path, &json!({"title": "Changed"})).await.0, 200);
    cloud.clear_faults().await;
    let entries = about(&backend, &conversation).await;
    let changed = entries.iter().rfind(|entry| entry["route"] == "PATCH /v1/server/conversations/{id}").unwrap();
    assert_eq!(changed.get("outcome"), None);
}

/// Every route of backends has a limit of its own.
#[test]
fn routes_of_backends_are_throttled_apart() {
    let template = std::fs::read_to_string(end_to_end::cloud::root().join("template.yaml")).expect("template.yaml");
    let lines: Vec<&str> = template.lines().map(str::trim).collect();
    let limits = "RouteSettings: {ThrottlingRateLimit: !Ref ServerRate, ThrottlingBurstLimit: !Ref ServerRate}";
    let mut seen = 0;
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("/v1/server/")) {
        assert_eq!(lines[at + 1..=at + 2], ["Auth: {Authorizer: Server}", limits], "{line}");
        seen += 1;
    }
    assert!(seen > 20, "the layout of the template has changed");
}
