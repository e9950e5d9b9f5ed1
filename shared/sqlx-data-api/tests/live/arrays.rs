//! Arrays of one dimension, there and back.

use std::borrow::Cow;
use std::num::NonZeroI32;

use sqlx::types::{Json, JsonValue, Text};
use sqlx_data_api::{DataApiError, DataApiFault, query, query_as, query_scalar};
use time::macros::{date, datetime, time};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
use uuid::Uuid;

use crate::database::Database;
use crate::round_trips::round_trips;

round_trips! {
    booleans_array: Vec<bool> = "bool[]" [vec![], vec![true, false]];
    integers_array: Vec<i32> = "int4[]" [vec![], vec![1, -1, i32::MAX]];
    big_integers_array: Vec<i64> = "int8[]" [vec![i64::MIN, 0]];
    small_integers_array: Vec<i16> = "int2[]" [vec![i16::MIN, i16::MAX]];
    numbers_but_zero_array: Vec<NonZeroI32> = "int4[]" [vec![NonZeroI32::MIN]];
    single_floats_array: Vec<f32> = "float4[]" [vec![0.1, f32::MAX, f32::NEG_INFINITY]];
    floats_array: Vec<f64> = "float8[]" [vec![0.1, 1e300, f64::MIN]];
    text_array: Vec<String> = "text[]" [vec![r#"a"b\c, {d} 'e'"#.to_owned(), String::new(), "NULL".to_owned(), " ".to_owned()]];
    uuids_array: Vec<Uuid> = "uuid[]" [vec![Uuid::nil(), Uuid::max()]];
    addresses_array: Vec<Text<std::net::IpAddr>> = "text[]" [vec![Text("::1".parse().unwrap())]];
    timestamps_array: Vec<PrimitiveDateTime> = "timestamp[]" [vec![datetime!(2024-02-29 23:59:59.000_001)]];
    dates_array: Vec<Date> = "date[]" [vec![date!(0001-01-01), date!(9999-12-31)]];
    times_array: Vec<Time> = "time[]" [vec![Time::MIDNIGHT, time!(23:59:59.999_999)]];
    instants_array: Vec<OffsetDateTime> = "timestamptz[]" [vec![datetime!(2024-02-29 23:59:59.999_999 UTC)]];
    nullable_array: Vec<Option<i64>> = "int8[]" [vec![Some(1), None, Some(2)]];
    nullable_text_array: Vec<Option<String>> = "text[]" [vec![None], vec![Some("NULL".to_owned()), None, Some(String::new())]];
    array_of_a_size: [i32; 2] = "int4[]" [[1, 2]];
}

#[tokio::test]
async fn borrowed_arrays_can_be_bound() {
    let pool = Database::new().await.pool().await;
    let owned = ["a".to_owned(), "b".to_owned()];
    let joined: String = query_scalar("SELECT array_to_string($1 || $2 || $3 || $4 || $5, ',', 'NULL')")
        .bind(&owned[..])
        .bind(vec![&owned[0]])
        .bind(["c", "d"])
        .bind([Cow::Borrowed("e")])
        .bind(vec![Some(Box::<str>::from("f")), None])
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(joined, "a,b,a,c,d,e,f,NULL");
}

/// The service takes them, as part of a statement, and returns none.
#[tokio::test]
async fn arrays_of_bytes_and_json_can_be_bound_and_not_returned() {
    let pool = Database::new().await.pool().await;
    let bytes = vec![vec![], (0..=255).collect::<Vec<u8>>()];
    let found: Vec<Vec<u8>> =
        query_scalar("SELECT v FROM unnest($1) AS v").bind(&bytes).fetch_all(&pool).await.unwrap();
    assert_eq!(found, bytes);
    let same: bool = query_scalar("SELECT $1 = ANY($2)")
        .bind([0_u8, 92, 255])
        .bind([[1_u8, 2, 3], [0, 92, 255]])
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(same);
    let values = vec![Json(Some("\"a\\".to_owned())), Json(None)];
    let found: Vec<Json<Option<String>>> =
        query_scalar("SELECT v FROM unnest($1) AS v").bind(&values).fetch_all(&pool).await.unwrap();
    assert_eq!(found, values);
    // `json` is returned, `jsonb` is not.
    let found: Vec<JsonValue> =
        query_scalar("SELECT $1::json[]").bind([JsonValue::from("a"), JsonValue::Null]).fetch_one(&pool).await.unwrap();
    assert_eq!(found, [JsonValue::from("a"), JsonValue::Null]);
    for refused in
        [query("SELECT $1").bind(&bytes).execute(&pool).await, query("SELECT $1").bind(&values).execute(&pool).await]
    {
        let error = refused.unwrap_err();
        let error = error.as_database_error().unwrap().downcast_ref::<DataApiError>();
        assert_eq!(error.fault(), DataApiFault::UnsupportedResult);
    }
}

#[tokio::test]
async fn arrays_that_do_not_fit_are_an_error() {
    let pool = Database::new().await.pool().await;
    let nulls = query_scalar::<Vec<i32>>("SELECT ARRAY[1, NULL]").fetch_one(&pool).await;
    assert!(nulls.is_err(), "NULL needs an Option");
    let too_many = query_scalar::<[i32; 1]>("SELECT ARRAY[1, 2]").fetch_one(&pool).await.unwrap_err();
    assert!(too_many.to_string().contains("2 elements, not 1"), "{too_many}");
    let another = query_scalar::<Vec<String>>("SELECT ARRAY[1, 2]").fetch_one(&pool).await;
    assert!(another.is_err());
    let null: (Option<Vec<Option<i32>>>, Option<Vec<i32>>) =
        query_as("SELECT NULL::int[], '{}'::int[]").fetch_one(&pool).await.unwrap();
    assert_eq!(null, (None, Some(vec![])));
}

#[tokio::test]
async fn rows_are_selected_by_a_list_of_uuids() {
    let pool = Database::new().await.pool().await;
    query("CREATE TABLE t (id uuid PRIMARY KEY, n int)").execute(&pool).await.unwrap();
    query("INSERT INTO t SELECT * FROM unnest($1, $2)")
        .bind([Uuid::nil(), Uuid::max()])
        .bind([Some(1), None])
        .execute(&pool)
        .await
        .unwrap();
    for (ids, expected) in [(vec![], 0), (vec![Uuid::nil()], 1), (vec![Uuid::nil(), Uuid::max(), Uuid::new_v4()], 2)] {
        let found: i64 =
            query_scalar("SELECT count(*) FROM t WHERE id = ANY($1)").bind(ids).fetch_one(&pool).await.unwrap();
        assert_eq!(found, expected);
    }
}
