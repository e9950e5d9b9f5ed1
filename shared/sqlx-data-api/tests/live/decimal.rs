//! `rust_decimal::Decimal`, there and back.

use rust_decimal::Decimal;
use sqlx_data_api::{query_as, query_scalar};

use crate::database::Database;
use crate::round_trips::round_trips;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

round_trips! {
    decimals: Decimal = "numeric" [
        Decimal::ZERO,
        Decimal::MIN,
        Decimal::MAX,
        decimal("-0.0000000000000000000000000001"),
        decimal("12345678901234567890.12345678"),
    ];
    decimals_of_a_scale: Decimal = "numeric(10, 2)" [decimal("-99999999.99"), decimal("0.10")];
    decimals_array: Vec<Option<Decimal>> = "numeric[]" [vec![], vec![Some(decimal("1.50")), None, Some(Decimal::MAX)]];
}

#[tokio::test]
async fn scale_is_preserved() {
    let pool = Database::new().await.pool().await;
    let (sent, sum): (Decimal, Decimal) =
        query_as("SELECT $1, $1 + 0.05").bind(decimal("1.10")).fetch_one(&pool).await.unwrap();
    assert_eq!((&*sent.to_string(), &*sum.to_string()), ("1.10", "1.15"));
}

#[tokio::test]
async fn values_that_would_be_rounded_are_an_error() {
    let pool = Database::new().await.pool().await;
    for sql in [
        "SELECT 'NaN'::numeric",
        "SELECT 'Infinity'::numeric",
        "SELECT 1e40::numeric",
        "SELECT 0.12345678901234567890123456789::numeric",
        "SELECT 0.5::float8",
    ] {
        assert!(query_scalar::<Decimal>(sql).fetch_one(&pool).await.is_err(), "{sql}");
    }
}
