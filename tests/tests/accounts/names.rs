//! Finding users by name.

use end_to_end::{Cloud, TestBackend, TestUser, aws};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx_data_api::{query, query_as};
use store::sql::discovery::{prefixes, vector};
use store::sql::users::{FIND, MAX_COMPARED};
use uuid::Uuid;

use crate::discovery::escaped;
use crate::setup::refusal;

async fn rename(user: &TestUser, name: &str) {
    let (status, profile) = user.put("/v1/users/me", &json!({"display_name": name})).await;
    assert_eq!(status, 200, "{profile}");
}

/// Returns the names that a search finds.
async fn found(user: &TestUser, q: &str) -> Vec<String> {
    let (status, page) = user.get(&format!("/v1/users?q={}", escaped(q))).await;
    assert_eq!(status, 200, "{q:?}: {page}");
    let users = page["users"].as_array().unwrap().iter();
    users.map(|user| user["display_name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn users_are_found_by_the_beginnings_of_their_names() {
    let (zoe, other) = tokio::join!(TestUser::new("zoe"), TestUser::new("other"));
    // A family name that nobody else has.
    let family = format!("Q{}", Uuid::new_v4().simple());
    rename(&zoe, &format!("Zoë {family}")).await;
    rename(&other, &format!("Ayşe {family}")).await;
    let (zoes, ayses) = (format!("Zoë {family}"), format!("Ayşe {family}"));
    for q in [&format!("zo {family}"), &format!("{} ZOE", &family[..20]), &format!("Zoë {family}")] {
        assert_eq!(found(&other, q).await, [zoes.as_str()], "{q}");
    }
    assert_eq!(found(&zoe, &family[..25]).await, [ayses, zoes], "by name");
    assert_eq!(found(&zoe, &format!("oë {family}")).await, [] as [&str; 0], "a word begins there");
    let (_, one) = zoe.get(&format!("/v1/users?q={family}&limit=1")).await;
    assert_eq!(one["users"].as_array().unwrap().len(), 1);

    // By the new name alone, and not at all when they are gone.
    rename(&zoe, &format!("Maria {family}")).await;
    assert_eq!(found(&other, &format!("zoe {family}")).await, [] as [&str; 0]);
    assert_eq!(found(&other, &format!("mar {family}")).await, [format!("Maria {family}")]);
    assert_eq!(zoe.delete("/v1/users/me").await, (204, Value::Null));
    assert_eq!(found(&other, &format!("mar {family}")).await, [] as [&str; 0]);
    assert_eq!(refusal(zoe.get(&format!("/v1/users?q={family}")).await), (403, "user_deleted".to_owned()));
    let left: Vec<(bool,)> = query_as("SELECT terms IS NULL FROM users WHERE user_id = $1")
        .bind(Uuid::parse_str(&zoe.user_id).unwrap())
        .fetch_all(&aws::database(Cloud::shared()))
        .await
        .unwrap();
    assert_eq!(left, [(true,)], "no word of the name stays");
}

#[tokio::test]
async fn invalid_searches_are_refused() {
    let alice = TestUser::new("alice").await;
    for query in ["q=", "q=%20", "q=a&limit=21", "q=a&limit=0", &format!("q=a&ids={}", alice.user_id), "limit=5"] {
        let refused = refusal(alice.get(&format!("/v1/users?{query}")).await);
        assert_eq!(refused, (400, "invalid_request".to_owned()), "{query}");
    }
    assert_eq!(found(&alice, "&|!").await, [] as [&str; 0], "punctuation has no words");
}

#[tokio::test]
async fn only_backends_find_users_where_it_is_off() {
    let cloud = &Cloud::start_with(None, &["UserSearch=off"]);
    let (alice, backend) = tokio::join!(TestUser::of(cloud, "alice"), TestBackend::of(cloud));
    rename(&alice, "Alice").await;
    assert_eq!(refusal(alice.get("/v1/users?q=ali").await), (501, "search_off".to_owned()));
    let (status, page) = backend.get("/v1/server/users?q=ali").await;
    assert_eq!((status, &page["users"][0]["display_name"]), (200, &json!("Alice")), "{page}");
}

#[tokio::test]
async fn searches_use_an_index_and_compare_few() {
    let pool = aws::database(Cloud::shared());
    let mut tx = pool.begin().await.unwrap();
    query(
        "INSERT INTO users (user_id, display_name, terms)
         SELECT gen_random_uuid(), 'Many ' || n, to_tsvector('simple', 'Many ' || n) FROM generate_series(1, 20000) AS n",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    query("ANALYZE users").execute(&mut *tx).await.unwrap();
    let words = domain::search::Words::parse("man 199").unwrap().unwrap();
    let lines: Vec<(String,)> = query_as(AssertSqlSafe(format!("EXPLAIN {FIND}")))
        .bind(prefixes(&words))
        .bind(MAX_COMPARED)
        .bind(20_i64)
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let plan: String = lines.into_iter().map(|(line,)| line + "\n").collect();
    assert!(plan.contains("Bitmap Index Scan on terms_of_users") && plan.contains("Limit"), "{plan}");
    assert_eq!(vector("Zoë", None).trim(), "'zoe':1");
}
