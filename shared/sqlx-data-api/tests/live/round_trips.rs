//! Round trips of every type: bound, stored, compared, returned; and as NULL.

macro_rules! round_trips {
    ($($name:ident: $rust:ty = $sql:literal [$($value:expr),+ $(,)?];)+) => {$(
        #[tokio::test]
        #[allow(clippy::float_cmp, reason = "the same number comes back, not one near it")]
        async fn $name() {
            let pool = $crate::database::Database::new().await.pool().await;
            ::sqlx_data_api::query(concat!("CREATE TABLE t (v ", $sql, ")")).execute(&pool).await.unwrap();
            let values: Vec<$rust> = vec![$($value),+];
            for value in &values {
                let inserted: $rust = ::sqlx_data_api::query_scalar("INSERT INTO t VALUES ($1) RETURNING v")
                    .bind(value).fetch_one(&pool).await.unwrap();
                assert_eq!(inserted, *value);
                let found: $rust = ::sqlx_data_api::query_scalar("SELECT v FROM t WHERE v = $1")
                    .bind(value).fetch_one(&pool).await.unwrap();
                assert_eq!(found, *value);
                let echoed: Option<$rust> = ::sqlx_data_api::query_scalar("SELECT coalesce($1, $2)")
                    .bind(None::<$rust>).bind(Some(value)).fetch_one(&pool).await.unwrap();
                assert_eq!(echoed.as_ref(), Some(value));
            }
            let ty: String = ::sqlx_data_api::query_scalar("SELECT pg_typeof($1)::text")
                .bind(&values[0]).fetch_one(&pool).await.unwrap();
            let ty_of_null: String = ::sqlx_data_api::query_scalar("SELECT pg_typeof($1)::text")
                .bind(None::<$rust>).fetch_one(&pool).await.unwrap();
            assert_eq!(ty, ty_of_null);
            let null: Option<$rust> = ::sqlx_data_api::query_scalar("INSERT INTO t VALUES ($1) RETURNING v")
                .bind(None::<$rust>).fetch_one(&pool).await.unwrap();
            assert_eq!(null, None);
            let nulls: i64 = ::sqlx_data_api::query_scalar("SELECT count(*) FROM t WHERE v IS NULL")
                .fetch_one(&pool).await.unwrap();
            assert_eq!(nulls, 1);
        }
    )+};
}

pub(crate) use round_trips;
