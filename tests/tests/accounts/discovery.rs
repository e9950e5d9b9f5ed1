//! Search for public conversations.

use std::time::Duration;

use domain::hex;
use domain::search::Words;
use end_to_end::{Cloud, TestUser, aws};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx_data_api::{query, query_as};
use store::sql::discovery::{DISCOVER, fold_missing, prefixes};
use uuid::Uuid;

use crate::setup::{create_conversation, refusal};

/// Returns a word that occurs in no other conversation.
fn unique_word() -> String {
    format!("w{}", Uuid::new_v4().simple())
}

/// Begins a public conversation; gives back its id.
async fn public(creator: &TestUser, title: &str, topic: &str) -> Value {
    let body = json!({"type": "public", "title": title, "topic": topic});
    let (status, conversation) = creator.post("/v1/conversations", &body).await;
    assert_eq!(status, 201, "{conversation}");
    conversation["conversation_id"].clone()
}

pub(crate) fn escaped(text: &str) -> String {
    text.bytes().flat_map(|byte| ["%".to_owned(), hex(&[byte])]).collect()
}

async fn search(user: &TestUser, q: &str, more: &str) -> Value {
    let (status, page) = user.get(&format!("/v1/public-conversations?q={}{more}", escaped(q))).await;
    assert_eq!(status, 200, "{q:?}: {page}");
    page
}

async fn found(user: &TestUser, q: &str) -> Vec<Value> {
    let page = search(user, q, "").await;
    page["conversations"].as_array().unwrap().iter().map(|listed| listed["conversation_id"].clone()).collect()
}

#[tokio::test]
async fn open_public_conversations_are_found_by_all_users() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let tag = unique_word();
    let id = public(&alice, &format!("Rust {tag}"), "Everything about crabs").await;
    let page = search(&bob, &tag, "").await;
    let listed = &page["conversations"][0];
    assert_eq!((&listed["conversation_id"], &listed["member_count"]), (&id, &json!(1)));
    assert_eq!((&listed["title"], &listed["topic"]), (&json!(format!("Rust {tag}")), &json!("Everything about crabs")));
    assert!(listed["created_at"].is_string(), "{listed}");
    assert_eq!(listed["member"], false);
    assert_eq!(search(&alice, &tag, "").await["conversations"][0]["member"], true);

    let path = format!("/v1/conversations/{}", id.as_str().unwrap());
    assert_eq!(bob.put(&format!("{path}/members/me"), &json!({})).await.0, 200);
    let page = search(&bob, &tag, "").await;
    let listed = &page["conversations"][0];
    assert_eq!((&listed["member"], &listed["member_count"]), (&json!(true), &json!(2)));

    let private = create_conversation("group", &alice, &[]).await;
    alice.patch(&format!("/v1/conversations/{private}"), &json!({"title": tag})).await;
    assert_eq!(found(&bob, &tag).await, [id], "a group is not found");
    assert_eq!(alice.delete(&path).await.0, 204);
    assert_eq!(found(&bob, &tag).await, [] as [Value; 0], "what is closed is not found");
}

#[tokio::test]
async fn search_matches_word_prefixes_in_any_script() {
    let alice = TestUser::new("alice").await;
    let tag = unique_word();
    let id = public(&alice, &format!("Café-Society {tag}"), "हिन्दी 日本語 tokio/axum v1.2 O'Reilly crates.io").await;
    for q in [
        "caf",
        "CAFÉ",
        "society",
        "soc caf",
        "हिन्दी",
        "हि",
        "日本",
        "axum",
        "tok",
        "v1.2",
        "o'reilly",
        "io crates",
        "crates.io",
    ] {
        assert_eq!(found(&alice, &format!("{tag} {q}")).await, std::slice::from_ref(&id), "{q}");
    }
    for q in ["afé", "societyx", "rust"] {
        assert_eq!(found(&alice, &format!("{tag} {q}")).await, [] as [Value; 0], "{q}");
    }
}

/// Titles and topics as they are found in all spellings, also after a change.
#[tokio::test]
async fn search_folds_letters_and_cuts_scripts_without_spaces() {
    let alice = TestUser::new("alice").await;
    let tag = unique_word();
    let id = public(&alice, &format!("Ärger in Zürich {tag}"), "ΟΔΟΣ, Straße, ｒｕｓｔ; 東京の写真クラブ").await;
    let check = async |searches: &[&str]| {
        for q in searches {
            assert_eq!(found(&alice, &format!("{tag} {q}")).await, std::slice::from_ref(&id), "{q}");
        }
    };
    check(&["ärger", "a\u{308}rger", "zurich", "οδος", "STRASSE", "rust", "写真", "クラブ"]).await;
    let path = format!("/v1/conversations/{}", id.as_str().unwrap());
    let both = json!({"title": format!("咖啡爱好者 {tag}"), "topic": "กรุงเทพมหานคร"});
    assert_eq!(alice.patch(&path, &both).await.0, 200);
    check(&["爱好", "เทพ"]).await;
    assert_eq!(alice.patch(&path, &json!({"topic": null})).await.0, 200);
    check(&["爱好者"]).await;
    for q in ["zurich", "写真", "เทพ"] {
        assert_eq!(found(&alice, &format!("{tag} {q}")).await, [] as [Value; 0], "{q}");
    }
}

/// Rows of the version before have no terms. They are found as before, and get terms by `fold_missing` or by any change.
#[tokio::test]
async fn conversations_without_terms_are_found_and_folded() {
    let alice = TestUser::new("alice").await;
    let tag = unique_word();
    let id = public(&alice, &format!("Straße {tag}"), "東京の写真クラブ").await;
    let pool = aws::database(Cloud::shared());
    let forget = async || {
        query("UPDATE conversations SET terms = NULL WHERE title LIKE $1")
            .bind(format!("%{tag}"))
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(found(&alice, &tag).await, std::slice::from_ref(&id));
        assert_eq!(found(&alice, &format!("{tag} 写真")).await, [] as [Value; 0]);
    };
    forget().await;
    assert!(fold_missing(&pool, Duration::from_mins(1)).await.unwrap() > 0);
    assert_eq!(found(&alice, &format!("{tag} strasse 写真")).await, std::slice::from_ref(&id));
    forget().await;
    let (bob, path) = (TestUser::new("bob").await, format!("/v1/conversations/{}", id.as_str().unwrap()));
    assert_eq!(bob.put(&format!("{path}/members/me"), &json!({})).await.0, 200);
    assert_eq!(found(&alice, &format!("{tag} strasse 写真")).await, std::slice::from_ref(&id));
}

#[tokio::test]
async fn special_characters_do_not_break_the_search() {
    let alice = TestUser::new("alice").await;
    let tag = unique_word();
    let id = public(&alice, &tag, "").await;
    for noise in
        ["&", "|", "!", "()", "<->", ":*", "'", "''", "\\", "\\'", "\0", "\u{1}", "%", "--", "{", "¿", "—", "\u{200d}"]
    {
        assert_eq!(found(&alice, &format!("{noise}{tag}{noise}")).await, std::slice::from_ref(&id), "{noise:?}");
        found(&alice, noise).await;
        found(&alice, &format!("a{noise}b, {noise}")).await;
    }
    for q in ["<1>", "$1", ":q", "a:*b", "E'\\'"] {
        found(&alice, q).await;
    }
    for q in ["&|!", "🎉", "—"] {
        assert_eq!(found(&alice, q).await, [] as [Value; 0], "{q}: no words to search for");
    }
    assert!(!found(&alice, " ").await.is_empty(), "an empty search lists conversations");
    for query in [format!("q={}", "é".repeat(101)), "limit=0".into(), "limit=51".into(), "cursor=x".into()] {
        let refused = refusal(alice.get(&format!("/v1/public-conversations?{query}")).await);
        assert_eq!(refused, (400, "invalid_request".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn search_pages_are_ordered_from_newest_to_oldest() {
    let alice = TestUser::new("alice").await;
    let tag = unique_word();
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.insert(0, public(&alice, &format!("{tag} {n}"), "").await);
    }
    let (mut seen, mut more) = (Vec::new(), String::new());
    loop {
        let page = search(&alice, &tag, &format!("&limit=2{more}")).await;
        let ids = page["conversations"].as_array().unwrap().iter().map(|listed| listed["conversation_id"].clone());
        seen.extend(ids);
        match page["cursor"].as_str() {
            Some(cursor) => more = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

/// Returns the database's plans of these searches among very many conversations, one in a hundred of which is about `rust`.
async fn plans(searches: [Option<&str>; 2]) -> [String; 2] {
    let pool = aws::database(Cloud::shared());
    let mut tx = pool.begin().await.unwrap();
    query(
        "INSERT INTO conversations (conversation_id, type, title, created_by, version, history, member_count, terms)
         SELECT gen_random_uuid(), 'public', CASE WHEN n % 100 = 0 THEN 'rust ' ELSE 'chat ' END || n, u.user_id, 1, 'full', 1,
            to_tsvector('simple', CASE WHEN n % 100 = 0 THEN 'rust ' ELSE 'chat ' END || n)
         FROM generate_series(1, 20000) AS n, (SELECT user_id FROM users LIMIT 1) AS u",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    query("ANALYZE conversations").execute(&mut *tx).await.unwrap();
    let mut plans = [String::new(), String::new()];
    for (plan, search) in plans.iter_mut().zip(searches) {
        let words = search.map(|text| prefixes(&Words::parse(text).unwrap().unwrap()));
        let lines: Vec<(String,)> = query_as(AssertSqlSafe(format!("EXPLAIN {DISCOVER}")))
            .bind(Uuid::new_v4())
            .bind(Uuid::max())
            .bind(words)
            .bind(20_i64)
            .fetch_all(&mut *tx)
            .await
            .unwrap();
        *plan = lines.into_iter().map(|(line,)| line + "\n").collect();
    }
    tx.rollback().await.unwrap();
    plans
}

#[tokio::test]
async fn searches_use_an_index() {
    // Somebody has to have begun all those.
    TestUser::new("alice").await;
    let [all, few] = plans([None, Some("rus 1900")]).await;
    assert!(all.contains("Index Scan Backward using open_public_conversations"), "{all}");
    for index in ["terms_of_public_conversations", "words_of_public_conversations_without_terms"] {
        assert!(few.contains(&format!("Bitmap Index Scan on {index}")), "{few}");
    }
    for plan in [all, few] {
        assert!(!plan.contains("Seq Scan on conversations"), "{plan}");
    }
}
