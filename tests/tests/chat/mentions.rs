//! The list of the messages that mention a user.

use std::time::{Duration, Instant};

use domain::MentionPosition;
use end_to_end::lambda::invoke;
use end_to_end::test_user::refusal;
use end_to_end::{Cloud, TestBackend, TestUser, aws};
use serde_json::{Value, json};
use store::dynamodb::Mentions;
use uuid::Uuid;

/// Time that the reader of the stream may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a text that mentions these users; returns its seq.
async fn mention(sender: &TestUser, conversation: &str, text: &str, users: &[&TestUser]) -> u64 {
    let mentions: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
    let message = json!({"client_message_id": Uuid::new_v4(), "text": text, "mentions": mentions});
    let (status, sent) = sender.post(&format!("/v1/conversations/{conversation}/messages"), &message).await;
    assert_eq!(status, 201, "{sent}");
    sent["seq"].as_u64().unwrap()
}

async fn edit(sender: &TestUser, conversation: &str, seq: u64, text: &str, users: &[&TestUser]) {
    let mentions: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
    let path = format!("/v1/conversations/{conversation}/messages/{seq}");
    assert_eq!(sender.patch(&path, &json!({"text": text, "mentions": mentions})).await.0, 200);
}

async fn page(user: &TestUser, query: &str) -> (Vec<String>, Option<String>) {
    let (status, page) = user.get(&format!("/v1/mentions{query}")).await;
    assert_eq!(status, 200, "{page}");
    let text = |message: &Value| message["text"].as_str().unwrap().to_owned();
    (page["messages"].as_array().unwrap().iter().map(text).collect(), page["cursor"].as_str().map(str::to_owned))
}

/// Waits until the list has exactly these texts.
async fn until_listed(user: &TestUser, texts: &[&str]) {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let (listed, _) = page(user, "").await;
        if listed == texts {
            return;
        }
        assert!(Instant::now() < deadline, "{listed:?} are listed, not {texts:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn mentions_of_all_conversations_are_listed_newest_first() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let carol = TestUser::new("carol").await;
    let members = json!([bob.user_id, carol.user_id]);
    let group = alice.create_conversation(&json!({"type": "group", "title": "Team", "member_ids": members})).await;
    let private = alice.private_conversation_with(&bob).await;
    mention(&alice, &group, "one", &[&bob, &carol, &bob]).await;
    mention(&alice, &group, "nobody", &[]).await;
    mention(&alice, &private, "two", &[&bob]).await;
    mention(&carol, &group, "carol alone", &[&carol]).await;
    let part = |text: &str, user: &TestUser| json!({"client_message_id": Uuid::new_v4(), "text": text, "mentions": [user.user_id]});
    let batch =
        json!({"after_seq": 4, "messages": [part("three", &bob), part("to alice", &alice), part("four", &bob)]});
    let (status, sent) = carol.post(&format!("/v1/conversations/{group}/messages"), &batch).await;
    assert_eq!(status, 201, "{sent}");

    until_listed(&bob, &["four", "three", "two", "one"]).await;
    until_listed(&carol, &["carol alone", "one"]).await;
    until_listed(&alice, &["to alice"]).await;
    // As history shows it.
    let listed = bob.get("/v1/mentions?limit=1").await.1["messages"][0].clone();
    let history = bob.get(&format!("/v1/conversations/{group}/messages?limit=1")).await.1;
    assert_eq!(listed, history["messages"][0]);

    let mut pages = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let (texts, cursor) = page(&bob, &query).await;
        pages.push(texts);
        let Some(cursor) = cursor else { break };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(pages, [vec!["four", "three", "two"], vec!["one"]]);
    assert_eq!(page(&bob, "?limit=4").await.1, None, "nothing follows");

    let (status, as_bob) = backend.acting_as(&bob).get("/v1/server/mentions?limit=2").await;
    assert_eq!((status, as_bob["messages"].as_array().map(Vec::len)), (200, Some(2)), "{as_bob}");
    assert_eq!(refusal(backend.get("/v1/server/mentions").await), (400, "invalid_request".to_owned()));
    for query in ["?limit=0", "?limit=51", "?cursor=1", "?cursor=", "?conversation_id=a"] {
        assert_eq!(bob.get(&format!("/v1/mentions{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn what_no_longer_mentions_or_is_hidden_is_left_out() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = alice
        .create_conversation(&json!({"type": "group", "title": "Team", "member_ids": [bob.user_id], "history": "full"}))
        .await;
    let private = alice.private_conversation_with(&bob).await;
    let kept = mention(&alice, &group, "kept", &[&bob]).await;
    let taken_back = mention(&alice, &group, "bob: taken back", &[&bob]).await;
    let added = mention(&alice, &group, "to be edited", &[]).await;
    let deleted = mention(&alice, &group, "to be deleted", &[&bob]).await;
    mention(&alice, &private, "in private", &[&bob]).await;
    until_listed(&bob, &["in private", "to be deleted", "bob: taken back", "kept"]).await;

    // Edits: the one that adds is listed where the message was sent.
    edit(&alice, &group, taken_back, "taken back", &[]).await;
    edit(&alice, &group, added, "bob: edited", &[&bob]).await;
    edit(&alice, &group, kept, "kept, edited", &[&bob]).await;
    until_listed(&bob, &["in private", "to be deleted", "bob: edited", "kept, edited"]).await;
    edit(&alice, &group, taken_back, "bob: again", &[&bob]).await;
    until_listed(&bob, &["in private", "to be deleted", "bob: edited", "bob: again", "kept, edited"]).await;
    assert_eq!(alice.delete(&format!("/v1/conversations/{group}/messages/{deleted}")).await.0, 204);
    assert_eq!(page(&bob, "").await.0, ["in private", "bob: edited", "bob: again", "kept, edited"]);
    assert_eq!(page(&bob, "?limit=1").await.0, ["in private"]);

    // Conversations of which the user is no member, and those of before the user came back.
    let path = format!("/v1/conversations/{group}/members");
    assert_eq!(alice.delete(&format!("{path}/{}", bob.user_id)).await.0, 204);
    assert_eq!(page(&bob, "").await.0, ["in private"]);
    mention(&alice, &group, "while away", &[&bob]).await;
    assert_eq!(alice.post(&path, &json!({"user_ids": [bob.user_id]})).await.0, 204);
    mention(&alice, &group, "welcome back", &[&bob]).await;
    until_listed(&bob, &["welcome back", "in private", "bob: edited", "bob: again", "kept, edited"]).await;

    // Blocked senders, wherever they write.
    let block = async |blocked: bool| {
        assert_eq!(bob.patch(&format!("/v1/conversations/{private}"), &json!({"blocked": blocked})).await.0, 200);
    };
    block(true).await;
    assert_eq!(page(&bob, "").await.0, [] as [&str; 0]);
    block(false).await;
    assert_eq!(page(&bob, "?limit=2").await.0, ["welcome back", "in private"]);
}

#[tokio::test]
async fn repeated_records_add_nothing() {
    let cloud = Cloud::shared();
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let private = alice.private_conversation_with(&bob).await;
    mention(&alice, &private, "first", &[&bob]).await;
    let last = mention(&alice, &private, "last", &[&bob]).await;
    until_listed(&bob, &["last", "first"]).await;

    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let stored = aws::log(&dynamodb).messages.get(private.parse().unwrap(), domain::Seq(last)).await.unwrap().unwrap();
    assert_eq!(stored.mention_count, Some(1));
    let text = |text: &str| json!({"S": text});
    let number = |number: String| json!({"N": number});
    let record = |sent_at: i64, seq: u64| {
        json!({
            "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "eventVersion": "1.1", "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 0, "SequenceNumber": "1", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
                "Keys": {"conversation_id": text(&private), "seq": number(seq.to_string())},
                "NewImage": {
                    "conversation_id": text(&private), "seq": number(seq.to_string()), "message_id": text(&Uuid::nil().to_string()),
                    "sender_id": text(&alice.user_id), "sent_at": number(sent_at.to_string()), "members_seq": number("1".to_owned()),
                    "attempt": text(&Uuid::nil().to_string()), "kind": text("text"), "text": text("last"),
                    "mention_count": number("1".to_owned()), "mentions": {"L": [text(&bob.user_id)]},
                },
            },
        })
    };
    let sent_at = stored.sent_at.epoch_millis();
    // The record of the message, that of an old message, and that of one that the log does not have.
    let too_old = sent_at - i64::try_from(store::dynamodb::mentions::KEPT.as_millis()).unwrap();
    let records = [record(sent_at, last), record(sent_at, last), record(too_old, 2), record(sent_at + 1, 900)];
    let invoked = invoke(cloud, "FileReferences", json!({"Records": records}).to_string()).await;
    assert_eq!((invoked.function_error, &invoked.result["batchItemFailures"]), (None, &json!([])));

    let mentions = Mentions::new(dynamodb, aws::READ_STATUS.to_owned());
    let positions = mentions.newest(bob.user_id.parse().unwrap(), None, 10).await.unwrap();
    assert_eq!(positions.iter().map(|position| position.seq.0).collect::<Vec<_>>(), [900, last, last - 1]);
    assert_eq!(page(&bob, "").await.0, ["last", "first"], "the log decides");
    assert_eq!(page(&bob, "?limit=1").await.1, Some(positions[1].to_string()));
    let far = MentionPosition { sent_at: domain::Timestamp::MIN, ..positions[0] };
    assert_eq!(page(&bob, &format!("?cursor={far}")).await, (vec![], None));
}
