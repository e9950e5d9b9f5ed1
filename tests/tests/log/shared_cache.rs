//! A real cache that processes share saves reads of the log and decides nothing.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chat::log::{Appended, Draft, Log, LogCache, SendError};
use domain::Seq;
use end_to_end::aws::log;
use end_to_end::redis::RedisServer;
use serde_json::{Value, json};
use store::shared_cache::{ANSWER_TIMEOUT, Key, RETRY_DELAY, Redis, SharedCache};

use crate::conversation::TestConversation;
use crate::proxy::counting_queries;

/// Time for which an entry of the tests is kept.
const LIFETIME: Duration = Duration::from_mins(1);

/// Longest wait for a server that is left alone to be used again.
const USED_AGAIN: Duration = Duration::from_mins(1);

/// Sends in a process that begins with nothing but the cache, and shares what it learns.
async fn send(log: Log, cache: &SharedCache, draft: &Draft) -> Result<Appended, SendError> {
    let process = Log { cache: LogCache::sharing(Some(cache.clone())), ..log };
    let appended = process.open(draft).await?.append().await;
    process.cache.share(draft.conversation_id).await;
    appended
}

/// Waits until a process can use the cache.
async fn until_used(cache: &SharedCache) {
    let (key, begun) = (Key::Window("018f0000-0000-7000-8000-000000000001".parse().unwrap()), Instant::now());
    while cache.get::<Value>(key).await.is_none() {
        assert!(begun.elapsed() < USED_AGAIN, "the cache is not used");
        cache.set(key, &json!(true), LIFETIME).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn process_that_has_just_started_takes_over_what_another_one_knows() {
    let (conversation, server) = (TestConversation::group().await, RedisServer::start());
    let cache = server.cache();
    cache.warm_up().await;
    let (client, queries) = counting_queries().await;
    let mut counted = Vec::new();
    for (sender, after) in [(conversation.alice, 1), (conversation.bob, 2), (conversation.alice, 1)] {
        let draft = conversation.draft(sender, after, "hear");
        let appended = send(log(&client), &cache, &draft).await.unwrap();
        counted.push((appended.item.seq.0, appended.puts, queries.load(Ordering::Relaxed)));
    }
    assert_eq!(counted, [(2, 1, 2), (3, 1, 2), (4, 1, 2)], "only the first process reads the log and the members");

    server.flush();
    let draft = conversation.draft(conversation.alice, 4, "hear");
    let appended = send(log(&client), &cache, &draft).await.unwrap();
    assert_eq!((appended.item.seq.0, queries.load(Ordering::Relaxed)), (5, 4), "without entries they are read");
}

#[tokio::test]
async fn message_that_another_process_sent_is_found() {
    let (conversation, server) = (TestConversation::group().await, RedisServer::start());
    let cache = server.cache();
    cache.warm_up().await;
    let draft = conversation.draft(conversation.alice, 1, "once");
    assert_eq!(send(conversation.process(), &cache, &draft).await.unwrap().item.seq, Seq(2));
    let again = send(conversation.process(), &cache, &draft).await.unwrap();
    assert_eq!((again.item.seq, again.duplicate, again.puts), (Seq(2), true, 0));
    assert_eq!(again.item, conversation.items().await[1]);
}

#[tokio::test]
async fn outdated_entries_cost_a_put_and_are_never_believed() {
    let (conversation, server) = (TestConversation::group().await, RedisServer::start());
    let cache = server.cache();
    cache.warm_up().await;
    let draft = conversation.draft(conversation.alice, 1, "both");
    assert!(send(conversation.process(), &cache, &draft).await.unwrap().roster.has(conversation.bob));
    conversation.send_text(conversation.bob, "elsewhere").await;
    conversation.leave(conversation.bob).await;
    let late = conversation.draft(conversation.bob, 3, "too late");
    let refused = send(conversation.process(), &cache, &late).await;
    assert!(matches!(refused, Err(SendError::NotAMember)), "{refused:?}");
    let alone = conversation.draft(conversation.alice, 2, "alone");
    let appended = send(conversation.process(), &cache, &alone).await.unwrap();
    assert_eq!((appended.item.seq, appended.roster.user_ids()), (Seq(5), vec![conversation.alice]));
}

#[tokio::test]
async fn entries_that_are_not_of_the_log_are_as_if_they_were_missing() {
    let (conversation, other, server) =
        (TestConversation::group().await, TestConversation::group().await, RedisServer::start());
    let cache = server.cache();
    cache.warm_up().await;
    let draft = other.draft(other.alice, 1, "there");
    send(other.process(), &cache, &draft).await.unwrap();
    let window: Value = cache.get(Key::Window(other.id)).await.expect("a window is shared");
    let roster: Value = cache.get(Key::Roster(other.id)).await.expect("members are shared");
    for (after, (window, roster)) in
        (1..).zip([(window, roster), (json!("nonsense"), json!([1])), (json!(null), json!({}))])
    {
        cache.set(Key::Window(conversation.id), &window, LIFETIME).await;
        cache.set(Key::Roster(conversation.id), &roster, LIFETIME).await;
        let draft = conversation.draft(conversation.alice, after, "here");
        let appended = send(conversation.process(), &cache, &draft).await.unwrap();
        assert_eq!((appended.item.seq, appended.puts), (Seq(after + 1), 1));
        assert!(appended.roster.has(conversation.bob));
    }
}

#[tokio::test]
async fn members_of_private_conversations_and_texts_are_not_shared() {
    let (conversation, server) = (TestConversation::private().await, RedisServer::start());
    let cache = server.cache();
    cache.warm_up().await;
    let draft = conversation.draft(conversation.alice, 1, "a secret");
    send(conversation.process(), &cache, &draft).await.unwrap();
    let window: Value = cache.get(Key::Window(conversation.id)).await.expect("a window is shared");
    assert_eq!(window["items"].as_array().unwrap().len(), 2);
    assert!(!window.to_string().contains("secret"), "{window}");
    assert_eq!(window["items"][1].get("digest"), None, "short texts can be guessed by it");
    assert_eq!(cache.get::<Value>(Key::Roster(conversation.id)).await, None);
}

#[tokio::test]
async fn server_that_fails_is_left_alone_and_used_again() {
    let (conversation, mut server) = (TestConversation::group().await, RedisServer::start());
    // As functions use it.
    let cache = SharedCache::new(Arc::new(Redis::new(&server.url(), ANSWER_TIMEOUT).unwrap()), "test");
    until_used(&cache).await;
    for (after, fail) in
        [(1, RedisServer::kill as fn(&mut RedisServer)), (2, |server| server.pause()), (3, |server| server.flush())]
    {
        let failed = Instant::now();
        fail(&mut server);
        let draft = conversation.draft(conversation.alice, after, "all the same");
        assert_eq!(send(conversation.process(), &cache, &draft).await.unwrap().item.seq, Seq(after + 1));
        match after {
            1 => server.restart(),
            2 => server.resume(),
            _ => {}
        }
        // On a machine that took longer there is nothing to see.
        let found = cache.get::<Value>(Key::Window(conversation.id)).await;
        if after < 3 && failed.elapsed() < RETRY_DELAY {
            assert_eq!(found, None, "a server that has failed is left alone");
        }
        until_used(&cache).await;
    }
}

/// The certificates that a process trusts are those of its start.
#[tokio::test]
async fn server_is_verified_by_its_certificate() {
    const URL: &str = "TEST_CACHE_URL";
    if let Ok(url) = std::env::var(URL) {
        let cache = SharedCache::new(Arc::new(Redis::new(&url, Duration::from_secs(10)).unwrap()), "test");
        cache.warm_up().await;
        let key = Key::Window("018f0000-0000-7000-8000-000000000002".parse().unwrap());
        cache.set(key, &json!(true), LIFETIME).await;
        println!("found: {:?}", cache.get::<Value>(key).await);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", &key, "-out", &certificate])
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{made:?}");
    let server = RedisServer::start_with_tls(&certificate, &key);
    let found = |url: String, trusted: &str| {
        let test = ["shared_cache::server_is_verified_by_its_certificate", "--exact", "--nocapture"];
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args(test).env(URL, url).env("SSL_CERT_FILE", trusted).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains("found: Some(Bool(true))")
    };
    let port = server.port();
    assert!(found(format!("rediss://localhost:{port}"), &certificate));
    assert!(!found(format!("rediss://127.0.0.1:{port}"), &certificate), "the name is another one");
    let other = file("other.pem");
    std::fs::write(&other, "").unwrap();
    assert!(!found(format!("rediss://localhost:{port}"), &other), "nobody vouches for it");
    assert!(!found(format!("redis://localhost:{port}"), &certificate), "it speaks TLS alone");
}
