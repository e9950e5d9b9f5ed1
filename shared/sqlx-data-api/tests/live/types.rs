//! Scalar types, there and back.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::num::{NonZeroI16, NonZeroI32, NonZeroI64};
use std::rc::Rc;
use std::sync::Arc;

use sqlx::types::{Json, Text};
use sqlx::{AssertSqlSafe, Row};
use sqlx_data_api::{query, query_as, query_scalar};
use time::macros::{date, datetime, time};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
use uuid::{Uuid, uuid};

use crate::database::Database;
use crate::round_trips::round_trips;

round_trips! {
    booleans: bool = "bool" [true, false];
    small_integers: i16 = "int2" [0, i16::MIN, i16::MAX];
    integers: i32 = "int4" [0, i32::MIN, i32::MAX];
    // From 2^53 on, a reader that parses JSON's numbers as doubles loses the last digit.
    big_integers: i64 = "int8" [0, i64::MIN, i64::MAX, (1 << 53) + 1, -(1 << 53) - 1];
    small_numbers_but_zero: NonZeroI16 = "int2" [NonZeroI16::MIN, NonZeroI16::MAX];
    numbers_but_zero: NonZeroI32 = "int4" [NonZeroI32::MIN, NonZeroI32::MAX];
    big_numbers_but_zero: NonZeroI64 = "int8" [NonZeroI64::MIN, NonZeroI64::MAX];
    single_floats: f32 = "float4" [0.1, f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::INFINITY];
    double_floats: f64 = "float8" [0.1, f64::MIN, f64::MAX, f64::MIN_POSITIVE, f64::NEG_INFINITY];
    text: String = "text" [String::new(), "$1 :p1 ' \" \\ {a,b} é 🦀\n".to_owned()];
    varchar: String = "varchar(9)" ["a".to_owned()];
    bytes: Vec<u8> = "bytea" [vec![], (0..=255).collect()];
    bytes_of_a_size: [u8; 3] = "bytea" [[0, 92, 255]];
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
}

#[tokio::test]
async fn nan_infinity_and_negative_zero_floats() {
    let pool = Database::new().await.pool().await;
    let (double, single): (f64, f32) =
        query_as("SELECT $1, $2").bind(f64::NAN).bind(f32::NAN).fetch_one(&pool).await.unwrap();
    assert!(double.is_nan() && single.is_nan());
    let numbers: Vec<f64> = query_scalar("SELECT $1")
        .bind([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0])
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(numbers[0].is_nan());
    assert_eq!(numbers[1..], [f64::INFINITY, f64::NEG_INFINITY, -0.0]);
    let zero: f64 = query_scalar("SELECT $1").bind(-0.0_f64).fetch_one(&pool).await.unwrap();
    assert!(zero.is_sign_negative() && numbers[3].is_sign_negative());
}

#[tokio::test]
async fn times_outside_the_common_range_are_an_error() {
    let database = Database::new().await;
    let pool = database.pool().await;
    for sql in
        ["SELECT 'infinity'::timestamptz", "SELECT '-infinity'::timestamptz", "SELECT '0044-03-15 BC'::timestamptz"]
    {
        let error = query_scalar::<OffsetDateTime>(sql).fetch_one(&pool).await.unwrap_err();
        assert!(error.to_string().contains("between 1 and 9999"), "{error}");
    }
    for sql in ["SELECT 'infinity'::date", "SELECT '0044-03-15 BC'::date", "SELECT '12345-01-01'::date"] {
        assert!(query_scalar::<Date>(sql).fetch_one(&pool).await.is_err(), "{sql}");
    }
    assert!(query_scalar::<Time>("SELECT '24:00'::time").fetch_one(&pool).await.is_err());
    database.requests();
    let before_christ = query("SELECT $1").bind(date!(-0043 - 03 - 15)).execute(&pool).await.unwrap_err();
    assert!(matches!(before_christ, sqlx::Error::Encode(_)), "{before_christ}");
    assert_eq!(database.requests(), 0);
}

#[tokio::test]
async fn nanoseconds_are_truncated() {
    let pool = Database::new().await.pool().await;
    let (time, at): (Time, OffsetDateTime) = query_as("SELECT $1, $2")
        .bind(time!(23:59:59.999_999_999))
        .bind(datetime!(2024-12-31 23:59:59.999_999_999 UTC))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((time, at), (time!(23:59:59.999_999), datetime!(2024-12-31 23:59:59.999_999 UTC)));
}

#[tokio::test]
async fn instants_are_independent_of_the_time_zone() {
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
async fn text_in_other_rust_types() {
    let pool = Database::new().await.pool().await;
    let address = Ipv4Addr::LOCALHOST;
    let (text, boxed, shared, host): (Text<Ipv4Addr>, Box<str>, Arc<str>, String) =
        query_as("SELECT $1, $2 || $3, $4 || $5, $1::inet")
            .bind(Text(address))
            .bind(Cow::Borrowed("a"))
            .bind(Box::<str>::from("b"))
            .bind(Arc::<str>::from("c"))
            .bind(Rc::<str>::from("d"))
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((text.0, &*boxed, &*shared, &*host), (address, "ab", "cd", "127.0.0.1"));
}

#[tokio::test]
async fn bytes_in_other_rust_types() {
    let pool = Database::new().await.pool().await;
    let (joined, first): (Box<[u8]>, Arc<[u8]>) = query_as("SELECT $1 || $2 || $3 || $4, $1")
        .bind(Box::<[u8]>::from([1]))
        .bind(Arc::<[u8]>::from([2]))
        .bind(Rc::<[u8]>::from([3]))
        .bind(Cow::Borrowed(&[4_u8][..]))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((&*joined, &*first), (&[1, 2, 3, 4][..], &[1][..]));
}

#[tokio::test]
async fn numeric_is_read_as_text_of_a_number() {
    let pool = Database::new().await.pool().await;
    let number = Text(u128::from(u64::MAX) * 10);
    let back: Text<u128> = query_scalar("SELECT $1::numeric").bind(number).fetch_one(&pool).await.unwrap();
    assert_eq!(back, number);
}
