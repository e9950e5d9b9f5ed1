//! A user with thousands of conversations.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::ConversationId;
use end_to_end::aws::MEMBERS;
use end_to_end::{Cloud, TestUser, aws};
use futures_util::{StreamExt, stream};

use crate::room::{Room, finds_nothing, found, word};

/// Conversations of the user, beside two real ones.
const CONVERSATIONS: usize = 5_000;

/// Makes the user a member of conversations of which only the projection knows.
async fn join_many(user: &TestUser) {
    let dynamodb = &aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: u64| AttributeValue::N(number.to_string());
    let member = |_| {
        let item = HashMap::from([
            ("conversation_id".to_owned(), text(&ConversationId::generate().to_string())),
            ("entry".to_owned(), text(&format!("a#{}", user.user_id))),
            ("user_id".to_owned(), text(&user.user_id)),
            ("role".to_owned(), text("member")),
            ("joined_seq".to_owned(), number(1)),
            ("joined_at".to_owned(), number(1_764_000_000_000)),
        ]);
        WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
    };
    let writes: Vec<WriteRequest> = (0..CONVERSATIONS).map(member).collect();
    let batches = writes.chunks(25).map(|batch| {
        let request = dynamodb.batch_write_item().request_items(MEMBERS, batch.to_vec()).send();
        async move { assert!(request.await.unwrap().unprocessed_items.unwrap_or_default().is_empty()) }
    });
    stream::iter(batches).buffer_unordered(8).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn a_user_with_thousands_of_conversations_searches_in_all_of_them() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let older = Room::of(&alice, &[]).await;
    let (hidden, seen, newer_word) = (word(), word(), word());
    older.say(&alice, &hidden).await;
    older.add(&alice, &bob).await;
    let seen_seq = older.say(&alice, &seen).await;
    join_many(&bob).await;
    let newer = Room::of(&alice, &[&bob]).await;
    let newer_seq = newer.say(&alice, &newer_word).await;
    tokio::join!(older.settle(&alice), newer.settle(&alice));
    assert_eq!(found(&bob, &seen).await, [seen_seq], "the oldest conversation of all");
    assert_eq!(found(&bob, &newer_word).await, [newer_seq]);
    finds_nothing(&bob, &hidden).await;
}
