//! Every type there and back: bound, stored, compared, returned; and as NULL.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use sqlx::types::{Json, Text};
use sqlx::{AssertSqlSafe, Row};
use sqlx_data_api::{query, query_as, query_scalar};
use time::macros::{date, datetime, time};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
use uuid::{Uuid, uuid};

use crate::database::Database;

macro_rules! round_trips {
    ($($name:ident: $rust:ty = $sql:literal [$($value:expr),+ $(,)?];)+) => {$(
        #[tokio::test]
        #[allow(clippy::float_cmp, reason = "the same number comes back, not one near it")]
        async fn $name() {
            let pool = Database::new().await.pool().await;
            query(concat!("CREATE TABLE t (v ", $sql, ")")).execute(&pool).await.unwrap();
            let values: Vec<$rust> = vec![$($value),+];
            for value in &values {
                let inserted: $rust = query_scalar("INSERT INTO t VALUES ($1) RETURNING v")
                    .bind(value).fetch_one(&pool).await.unwrap();
                assert_eq!(inserted, *value);
                let found: $rust = query_scalar("SELECT v FROM t WHERE v = $1")
                    .bind(value).fetch_one(&pool).await.unwrap();
                assert_eq!(found, *value);
                let echoed: Option<$rust> = query_scalar("SELECT coalesce($1, $2)")
                    .bind(None::<$rust>).bind(Some(value)).fetch_one(&pool).await.unwrap();
                assert_eq!(echoed.as_ref(), Some(value));
            }
            let ty: String = query_scalar("SELECT pg_typeof($1)::text")
                .bind(&values[0]).fetch_one(&pool).await.unwrap();
            let ty_of_null: String = query_scalar("SELECT pg_typeof($1)::text")
                .bind(None::<$rust>).fetch_one(&pool).await.unwrap();
            assert_eq!(ty, ty_of_null);
            let null: Option<$rust> = query_scalar("INSERT INTO t VALUES ($1) RETURNING v")
                .bind(None::<$rust>).fetch_one(&pool).await.unwrap();
            assert_eq!(null, None);
            let nulls: i64 = query_scalar("SELECT count(*) FROM t WHERE v IS NULL")
                .fetch_one(&pool).await.unwrap();
            assert_eq!(nulls, 1);
        }
    )+};
}

round_trips! {
    booleans: bool = "bool" [true, false];
    small_integers: i16 = "int2" [0, i16::MIN, i16::MAX];
    integers: i32 = "int4" [0, i32::MIN, i32::MAX];
    big_integers: i64 = "int8" [0, i64::MIN, i64::MAX];
    single_floats: f32 = "float4" [0.1, f32::MIN, f32::MAX, f32::INFINITY];
    double_floats: f64 = "float8" [0.1, f64::MIN, f64::MAX, f64::NEG_INFINITY];
    text: String = "text" [String::new(), "$1 :p1 ' \" \\ {a,b} é 🦀\n".to_owned()];
    varchar: String = "varchar(9)" ["a".to_owned()];
    bytes: Vec<u8> = "bytea" [vec![], (0..=255).collect()];
    uuids: Uuid = "uuid" [Uuid::nil(), uuid!("01234567-89ab-cdef-0123-456789abcdef")];
    instants: OffsetDateTime = "timestamptz" [
        OffsetDateTime::UNIX_EPOCH,
        datetime!(2024-02-29 23:59:59.999_999 +05:30),
        datetime!(0001-01-01 00:00:00 UTC),
        datetime!(9999-12-31 23:59:59.5 UTC),
    ];
    timestamps: PrimitiveDateTime = "timestamp" [datetime!(2024-02-29 23:59:59.000_001), datetime!(1900-01-01 00:00)];
    dates: Date = "date" [date!(2024-02-29), date!(0001-01-01), date!(9999-12-31)];
    times: Time = "time" [Time::MIDNIGHT, time!(23:59:59.123_456)];
    json: Json<Vec<Option<String>>> = "jsonb" [Json(vec![]), Json(vec![Some("a:b ? 'c'".to_owned()), None])];
    booleans_array: Vec<bool> = "bool[]" [vec![], vec![true, false]];
    integers_array: Vec<i32> = "int4[]" [vec![], vec![1, -1, i32::MAX]];
    big_integers_array: Vec<i64> = "int8[]" [vec![i64::MIN, 0]];
    floats_array: Vec<f64> = "float8[]" [vec![0.1, 1e300, f64::MIN]];
    text_array: Vec<String> = "text[]" [vec![r#"a"b\c, {d} 'e'"#.to_owned(), String::new(), "NULL".to_owned(), " ".to_owned()]];
    uuids_array: Vec<Uuid> = "uuid[]" [vec![Uuid::nil(), Uuid::max()]];
    instants_array: Vec<OffsetDateTime> = "timestamptz[]" [vec![datetime!(2024-02-29 23:59:59.999_999 UTC)]];
    nullable_array: Vec<Option<i64>> = "int8[]" [vec![Some(1), None, Some(2)]];
}

#[tokio::test]
async fn what_no_rust_value_equals() {
    let pool = Database::new().await.pool().await;
    let not_a_number: f64 = query_scalar("SELECT $1").bind(f64::NAN).fetch_one(&pool).await.unwrap();
    assert!(not_a_number.is_nan());
}

#[tokio::test]
async fn an_instant_is_the_same_in_any_zone() {
    let pool = Database::new().await.pool().await;
    let text: String = query_scalar("SELECT ($1 AT TIME ZONE 'UTC')::text")
        .bind(datetime!(2024-01-01 01:30:00 +02:00))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(text, "2023-12-31 23:30:00");
}

#[tokio::test]
async fn borrowed_and_plain_json_values() {
    let pool = Database::new().await.pool().await;
    let value = sqlx::types::JsonValue::from(vec![1, 2]);
    let (text, bytes, json): (String, Vec<u8>, sqlx::types::JsonValue) = query_as("SELECT $1, $2, $3::json")
        .bind("text")
        .bind(&b"bytes"[..])
        .bind(&value)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((&*text, &*bytes, json), ("text", &b"bytes"[..], value));
}

#[derive(Debug, PartialEq)]
enum Mood {
    Happy,
    Sad,
}

sqlx_data_api::impl_enum!(Mood as "mood" { Happy = "happy", Sad = "sad" });

#[derive(Debug, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct UserId(Uuid);

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct User {
    id: UserId,
    #[sqlx(rename = "feeling")]
    mood: Option<Mood>,
    #[sqlx(json)]
    tags: Vec<String>,
}

#[tokio::test]
async fn enums_newtypes_and_derived_rows() {
    let pool = Database::new().await.pool().await;
    query("CREATE TYPE mood AS ENUM ('happy', 'sad')").execute(&pool).await.unwrap();
    query("CREATE TABLE users (id uuid, mood mood, tags jsonb)").execute(&pool).await.unwrap();
    for (id, mood) in [(Uuid::nil(), Some(Mood::Sad)), (Uuid::max(), None)] {
        query("INSERT INTO users VALUES ($1, $2, '[\"a\"]')").bind(UserId(id)).bind(mood).execute(&pool).await.unwrap();
    }
    let users: Vec<User> =
        query_as("SELECT id, mood AS feeling, tags FROM users ORDER BY id").fetch_all(&pool).await.unwrap();
    let tags = vec!["a".to_owned()];
    assert_eq!(
        users,
        [
            User { id: UserId(Uuid::nil()), mood: Some(Mood::Sad), tags: tags.clone() },
            User { id: UserId(Uuid::max()), mood: None, tags },
        ]
    );
    let found: i64 = query_scalar("SELECT count(*) FROM users WHERE mood = ANY($1)")
        .bind(vec![Mood::Happy, Mood::Sad])
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(found, 1);
    let text: String =
        query_scalar("SELECT mood FROM users WHERE mood = $1::mood").bind("sad").fetch_one(&pool).await.unwrap();
    assert_eq!(text, "sad");
}

#[tokio::test]
async fn a_column_is_not_read_as_another_type() {
    let pool = Database::new().await.pool().await;
    let sql = "SELECT 70000 AS big, 'x' AS text, NULL::uuid AS id, now() AS at";
    let row = query(AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
    assert_eq!(row.get::<i64, _>("big"), 70_000);
    assert!(row.try_get::<i16, _>("big").is_err(), "the value does not fit");
    assert!(row.try_get::<String, _>("big").is_err());
    assert!(row.try_get::<bool, _>("text").is_err());
    assert!(row.try_get::<PrimitiveDateTime, _>("at").is_err(), "the zone would be lost");
    assert!(row.try_get::<Uuid, _>("id").is_err(), "NULL needs an Option");
    assert_eq!(row.get::<Option<Uuid>, _>("id"), None);
}

#[tokio::test]
async fn text_in_other_clothes() {
    let pool = Database::new().await.pool().await;
    let address = Ipv4Addr::LOCALHOST;
    let (text, boxed, host): (Text<Ipv4Addr>, Box<str>, String) = query_as("SELECT $1, $2, $1::inet")
        .bind(Text(address))
        .bind(Cow::Borrowed("text"))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((text.0, &*boxed, &*host), (address, "text", "127.0.0.1"));
}

#[tokio::test]
async fn numeric_is_text_of_a_number() {
    let pool = Database::new().await.pool().await;
    let number = Text(u128::from(u64::MAX) * 10);
    let back: Text<u128> = query_scalar("SELECT $1::numeric").bind(number).fetch_one(&pool).await.unwrap();
    assert_eq!(back, number);
}
