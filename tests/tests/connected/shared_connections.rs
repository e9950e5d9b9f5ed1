//! Connections that another process has read are used for two seconds.

use std::time::{Duration, Instant};

use chat::notify::Recipients;
use domain::{Timestamp, UserId};
use end_to_end::aws::{CONNECTIONS, MEMBERS, SUBSCRIPTIONS, dynamodb};
use end_to_end::redis::RedisServer;
use end_to_end::{Cloud, TestUser};
use futures_util::future::join_all;
use serde_json::json;
use store::dynamodb::{Connections, Members, Subscriptions};
use store::shared_cache::Key;

/// Time for which the cache would keep an entry.
const LIFETIME: Duration = Duration::from_mins(1);

#[tokio::test]
async fn connections_that_were_read_long_ago_are_read_again() {
    let (server, cloud) = (RedisServer::start(), Cloud::shared());
    let cache = server.cache();
    cache.warm_up().await;
    let users = join_all(["alice", "bob", "carol"].map(TestUser::new)).await;
    let _sockets = join_all(users.iter().map(TestUser::connect)).await;
    let users: Vec<UserId> = users.iter().map(|user| user.user_id.parse().unwrap()).collect();
    let client = dynamodb(&cloud.endpoints.aws.dynamodb);
    let process = || {
        let recipients = Recipients::new(
            Members::new(client.clone(), MEMBERS.to_owned()),
            Connections::new(client.clone(), CONNECTIONS.to_owned()),
            Subscriptions::new(client.clone(), SUBSCRIPTIONS.to_owned()),
        );
        recipients.sharing(Some(cache.clone()))
    };
    // The number of connections that are found beside an entry by which nobody is connected.
    let found = async |read: Timestamp| {
        let entry = json!({"read": read, "connections": []});
        for user in &users {
            assert!(cache.set(Key::Connections(*user), &entry, LIFETIME).await);
        }
        process().connected(&users, &[]).await.unwrap().recipients.len()
    };
    let now = Timestamp::now();
    assert_eq!(found(Timestamp::from_epoch_millis(now.epoch_millis() - 2_000)).await, 3, "the entry is too old");
    assert_eq!(found(now.plus(LIFETIME)).await, 3, "its clock is ahead");
    let begun = Instant::now();
    while found(Timestamp::now()).await > 0 {
        assert!(begun.elapsed() < LIFETIME, "a new entry is used");
    }
    let found = process().connected(&users[..2], &[]).await.unwrap().recipients.len();
    assert_eq!(found, 2, "the connections of two are always read");
}
