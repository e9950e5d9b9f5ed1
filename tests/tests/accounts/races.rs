//! Races between the deletion of a user and their addition to a conversation.

use domain::membership::Action;
use domain::new_conversation::NewConversation;
use domain::{ApiError, ConversationId, ErrorCode, HistoryPolicy, UserId};
use end_to_end::{Cloud, TestUser, aws};
use serde_json::json;
use sqlx_data_api::{DataApiPool, DataApiPoolExt, query, query_as};
use store::sql::Conversations;
use store::sqs::Queue;
use tokio::sync::oneshot;

use crate::setup::{eventually, group, messages};

fn conversations() -> Conversations {
    let cloud = Cloud::shared();
    Conversations::new(aws::database(cloud), Queue::new(aws::sqs(cloud), aws::relay_queue_url(cloud)))
}

/// Deletes a user, in SQL alone, and commits only after a signal.
async fn delete_on_signal(pool: DataApiPool, user: UserId, begun: oneshot::Sender<()>, commit: oneshot::Receiver<()>) {
    let deleted = pool.transaction(async |mut tx| {
        query("UPDATE users SET display_name = NULL, deleted_at = now() WHERE user_id = $1")
            .bind(user.0)
            .execute(&mut *tx)
            .await?;
        begun.send(()).unwrap();
        commit.await.unwrap();
        Ok::<_, sqlx::Error>(())
    });
    deleted.await.unwrap();
}

/// Returns the number of statements that wait for a lock.
async fn waiting(pool: &DataApiPool) -> i64 {
    let (waiting,): (i64,) = query_as("SELECT count(*) FROM pg_locks WHERE NOT granted").fetch_one(pool).await.unwrap();
    waiting
}

/// Checks that a change waits for a concurrent deletion that is not committed yet.
async fn during_deletion<T>(user: &TestUser, change: impl Future<Output = T>) -> T {
    let pool = aws::database(Cloud::shared());
    let ((signal_begun, begun), (commit, commit_signal)) = (oneshot::channel(), oneshot::channel());
    let deletion = delete_on_signal(pool.clone(), user.user_id.parse().unwrap(), signal_begun, commit_signal);
    let release = async {
        eventually("the change waits", async || waiting(&pool).await, |n| *n > 0).await;
        commit.send(()).unwrap();
    };
    let changed = async {
        begun.await.unwrap();
        tokio::join!(change, release).0
    };
    tokio::join!(deletion, changed).1
}

#[tokio::test]
async fn user_who_is_being_deleted_cannot_be_added() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (adding, actor) = (conversations(), bob.user_id.parse().unwrap());
    let team: ConversationId = group(&bob, &[]).await.parse().unwrap();
    let action = [Action::Add(vec![alice.user_id.parse().unwrap()])];
    let refused = during_deletion(&alice, adding.change(team, actor, &action)).await.unwrap_err();
    assert_eq!(ApiError::from(refused).code, ErrorCode::UserNotFound);
}

#[tokio::test]
async fn no_conversation_is_created_with_a_user_who_is_being_deleted() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let ids: [UserId; 2] = [&alice, &bob].map(|person| person.user_id.parse().unwrap());
    let creating = conversations();
    let new = NewConversation::Private { pair: [ids[0].min(ids[1]), ids[0].max(ids[1])] };
    let refused = during_deletion(&alice, creating.create(ids[1], &new, None)).await.unwrap_err();
    assert_eq!(ApiError::from(refused).code, ErrorCode::UserNotFound);

    let carol = TestUser::new("carol").await;
    let refused = during_deletion(&carol, creating.create(carol.user_id.parse().unwrap(), &alone(&carol), None)).await;
    assert_eq!(ApiError::from(refused.unwrap_err()).code, ErrorCode::UserDeleted);
}

fn alone(person: &TestUser) -> NewConversation {
    let request = domain::new_conversation::RequestedConversation {
        kind: domain::ConversationType::Group,
        title: Some("Alone"),
        topic: None,
        custom: None,
        history: Some(HistoryPolicy::Full),
        member_ids: &[],
    };
    NewConversation::new(person.user_id.parse().unwrap(), &request).unwrap()
}

#[tokio::test]
async fn deleted_user_is_no_member_if_deletion_races_with_addition() {
    let bob = TestUser::new("bob").await;
    for _ in 0..8 {
        let (alice, team) = tokio::join!(TestUser::new("alice"), group(&bob, &[]));
        let path = format!("/v1/conversations/{team}/members");
        let body = json!({"user_ids": [alice.user_id]});
        let (added, deleted) = tokio::join!(bob.post(&path, &body), alice.delete("/v1/users/me"));
        assert_eq!(deleted.0, 204);
        assert!(added.0 == 204 || added.1["code"] == "user_not_found", "{added:?}");
        let left = usize::from(added.0 == 204);
        let (_, listed) = bob.get(&path).await;
        assert_eq!(listed["members"].as_array().map(Vec::len), Some(1), "{listed}");
        assert_eq!(messages(&bob, &team).await.len(), 1 + 2 * left, "added and removed, or never added");
    }
}
