//! Round trips of arbitrary text: in a placeholder, in an array, in JSON, and quoted in the statement itself.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::AssertSqlSafe;
use sqlx::types::Json;
use sqlx_data_api::{DataApiPool, query_as, query_scalar};

use crate::database::Database;

/// Pieces with a special meaning in SQL, arrays, JSON or parameters.
const PIECES: [&str; 30] = [
    "'", "''", "\"", "\\", "\\\\", "$", "$$", "$1", "$2", "$tag$", ":", "::", ":p1", ":p2", "--", "/*", "*/", "{", "}",
    ",", ";", "NULL", "E'", "\n", "\t", " ", "a", "é", "🦀", "\u{1}",
];

fn some_text(random: &mut StdRng) -> String {
    (0..random.random_range(0..12)).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect()
}

/// Each is the same text to PostgreSQL.
fn quotations(text: &str) -> [String; 3] {
    let doubled = text.replace('\'', "''");
    let dollar = format!("$q$ {text}$q$");
    [format!("'{doubled}'"), format!("E'{}'", doubled.replace('\\', "\\\\")), format!("substr({dollar}, 2)")]
}

async fn check(pool: &DataApiPool, text: &str, next: &str) {
    let (back, array, json, same): (String, Vec<String>, Json<String>, bool) =
        query_as("SELECT $1, $2, $3, $1 = $4 AND $4 = ANY($2) AND $3 ->> 0 = $1")
            .bind(text)
            .bind([next, text])
            .bind(Json(text))
            .bind(text)
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!((&*back, &*array[0], &*array[1], &*json.0, same), (text, next, text, text, true));
    // Inside a comment, `/*` and `*/` are no text.
    let comment = if next.contains("/*") || next.contains("*/") { "" } else { next };
    for quoted in quotations(text) {
        let sql = format!("SELECT $1 = {quoted} /* {comment} */ AND {quoted} = $2 -- '");
        let same = query_scalar(AssertSqlSafe(&*sql)).bind(text).bind(text).fetch_one(pool).await;
        assert!(matches!(same, Ok(true)), "{sql}: {same:?}");
    }
}

#[tokio::test]
async fn arbitrary_text_survives_round_trips() {
    let pool = Database::new().await.pool().await;
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..60 {
        check(&pool, &some_text(&mut random), &some_text(&mut random)).await;
    }
}
