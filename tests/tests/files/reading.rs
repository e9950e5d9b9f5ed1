//! A user may read a file if they see a message that references it.

use end_to_end::TestUser;
use end_to_end::test_user::client;
use serde_json::{Value, json};

use crate::sharing::send_with_files;
use crate::uploader::{PNG, announce, announcement, pair, processed, put, ready};

/// Follows a URL: content type, disposition and bytes.
async fn fetch(url: &str) -> (String, String, Vec<u8>) {
    let response = client().get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let (content_type, disposition) = (header("content-type"), header("content-disposition"));
    (content_type, disposition, response.bytes().await.unwrap().to_vec())
}

/// By which path a message's file is read.
fn content(file: &str, conversation: &str, seq: u64) -> String {
    format!("/v1/files/{file}/content?conversation_id={conversation}&seq={seq}")
}

#[tokio::test]
async fn download_redirects_to_the_bytes_with_type_and_disposition() {
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    let page = b"<script>alert(1)</script>";
    let files = [
        ready(&alice, &conversation, "точка \"1\".png", "image/png", PNG).await,
        ready(&alice, &conversation, "page.html", "text/html", page).await,
    ];
    a.ask(send_with_files(&conversation, 1, &[&files[0], &files[1]])).await;
    let (status, location, _) = bob.get_without_redirects(&content(&files[0], &conversation, 2), "*/*").await;
    assert_eq!(status, 302);
    let (content_type, disposition, bytes) = fetch(&location.unwrap()).await;
    assert_eq!((content_type.as_str(), bytes.as_slice()), ("image/png", PNG));
    let encoded = "filename*=UTF-8''%D1%82%D0%BE%D1%87%D0%BA%D0%B0%20%221%22.png";
    assert_eq!(disposition, format!("inline; filename=\"_____ _1_.png\"; {encoded}"));

    let (status, location, body) =
        bob.get_without_redirects(&content(&files[1], &conversation, 2), "application/json").await;
    assert_eq!((status, location), (200, None));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(body["expires_at"].is_string(), "{body}");
    let (content_type, disposition, bytes) = fetch(body["url"].as_str().unwrap()).await;
    assert_eq!(
        (content_type.as_str(), bytes.as_slice()),
        ("application/octet-stream", &page[..]),
        "active types are not served as such"
    );
    assert!(disposition.starts_with("attachment; "), "{disposition}");

    // Nothing is open to who has no signature, or another one.
    let url = body["url"].as_str().unwrap();
    for other in [url.split('?').next().unwrap().to_owned(), url.replace("application%2Foctet-stream", "text%2Fhtml")] {
        assert_ne!(other, url);
        assert_eq!(client().get(&other).send().await.unwrap().status(), 403);
    }
    let (_, seen) = bob.get(&format!("/v1/files/{}?conversation_id={conversation}&seq=2", files[0])).await;
    let (_, history) = bob.get(&format!("/v1/conversations/{conversation}/messages?after_seq=1")).await;
    assert_eq!(seen, history["messages"][0]["attachments"][0]);
    assert_eq!(bob.get(&format!("/v1/files/{}", files[0])).await.0, 404, "bob is not the owner");
    assert_eq!(
        alice.get_without_redirects(&format!("/v1/files/{}/content", files[0]), "*/*").await.0,
        302,
        "alice is the owner"
    );
}

#[tokio::test]
async fn headers_that_an_uploader_adds_are_not_served() {
    let (alice, _, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.png", "image/png", PNG)).await;
    let (file, signed) = (announced["file"]["file_id"].as_str().unwrap(), &announced["upload"]);
    let added = [
        ("content-encoding", "gzip"),
        ("cache-control", "public, max-age=31536000"),
        ("expires", "Thu, 01 Dec 2094 16:00:00 GMT"),
        ("content-language", "tlh"),
        ("content-disposition", "attachment; filename=\"run.exe\""),
    ];
    // What begins with `x-amz-` has to be signed.
    for header in
        ["x-amz-meta-a", "x-amz-tagging", "x-amz-acl", "x-amz-storage-class", "x-amz-website-redirect-location"]
    {
        assert_eq!(put(signed, &[(header, "a")], PNG.to_vec()).await, (403, "AccessDenied".to_owned()), "{header}");
    }
    assert_eq!(put(signed, &added, PNG.to_vec()).await, (200, String::new()));
    assert_eq!(processed(&alice, file).await["status"], "ready");
    // Also when they are added to the ready file.
    assert_eq!(put(signed, &added, PNG.to_vec()).await, (200, String::new()));
    for path in ["content", "thumbnail?size=320"] {
        let (_, location, _) = alice.get_without_redirects(&format!("/v1/files/{file}/{path}"), "*/*").await;
        let response = client().get(location.unwrap()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        for (name, value) in added {
            assert_ne!(headers.get(name).map(|value| value.to_str().unwrap()), Some(value), "{path}");
        }
        let header = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(
            (header("cache-control"), header("content-encoding"), header("content-language")),
            ("private, max-age=300", "identity", "und"),
            "{path}"
        );
        assert!(headers.keys().all(|name| !name.as_str().starts_with("x-amz-meta")), "{headers:?}");
    }
}

#[tokio::test]
async fn attachments_are_readable_by_users_who_see_the_message() {
    let users = futures_util::future::join_all(["owner", "bob", "carol"].map(TestUser::new)).await;
    let [owner, bob, carol] = &users[..] else { panic!("three") };
    let group = json!({"type": "group", "title": "Files", "member_ids": [bob.user_id]});
    let (_, group) = owner.post("/v1/conversations", &group).await;
    let group = group["conversation_id"].as_str().unwrap();
    let mut socket = owner.connect().await;
    let file = ready(owner, group, "a.txt", "text/plain", b"x").await;
    let other = ready(owner, group, "b.txt", "text/plain", b"y").await;
    // 2: while bob is a member; 3: he is removed, 4: carol joins, 5: another one, 6: bob is added again, 7: both.
    socket.ask(send_with_files(group, 1, &[&file])).await;
    owner.delete(&format!("/v1/conversations/{group}/members/{}", bob.user_id)).await;
    owner.post(&format!("/v1/conversations/{group}/members"), &json!({"user_ids": [carol.user_id]})).await;
    assert_eq!(socket.ask(send_with_files(group, 4, &[&other])).await["seq"], 5);
    let reads = async |user: &TestUser, file: &str, seq: u64| {
        user.get_without_redirects(&content(file, group, seq), "*/*").await.0
    };
    assert_eq!((reads(bob, &file, 2).await, reads(bob, &other, 5).await), (302, 404), "a former member");
    assert_eq!((reads(carol, &file, 2).await, reads(carol, &other, 5).await), (404, 302), "a later member");
    owner.post(&format!("/v1/conversations/{group}/members"), &json!({"user_ids": [bob.user_id]})).await;
    assert_eq!(reads(bob, &other, 5).await, 404, "sent between two membership periods");
    assert_eq!(socket.ask(send_with_files(group, 6, &[&file, &other])).await["seq"], 7);
    assert_eq!((reads(bob, &other, 7).await, reads(carol, &file, 7).await), (302, 302));
    assert_eq!(reads(owner, &other, 2).await, 404, "the message does not reference the file");
    assert_eq!(reads(owner, &other, 1).await, 404, "system messages reference no files");
    assert_eq!(reads(&TestUser::new("mallory").await, &file, 2).await, 404);
    let elsewhere = owner.private_conversation_with(bob).await;
    assert_eq!(bob.get_without_redirects(&content(&file, &elsewhere, 1), "*/*").await.0, 404);
    for (malformed, code) in [
        ("?seq=2", "invalid_request"),
        ("?conversation_id=x&seq=2", "invalid_uuid"),
        ("?conversation_id=00000000-0000-0000-0000-000000000000&seq=0", "invalid_request"),
    ] {
        let (status, problem) = owner.get(&format!("/v1/files/{file}/content{malformed}")).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{malformed}");
    }
    let (status, problem) = owner.get(&format!("/v1/files/{file}/thumbnail?size=100")).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")));
    assert_eq!(owner.get(&format!("/v1/files/{file}/thumbnail?size=320")).await.0, 404, "a text file has no thumbnail");
}
