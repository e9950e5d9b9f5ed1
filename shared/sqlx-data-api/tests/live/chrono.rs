//! The types of `chrono`, there and back.

use chrono::{DateTime, Datelike, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use sqlx_data_api::{query, query_as, query_scalar};

use crate::database::Database;
use crate::round_trips::round_trips;

fn at(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

round_trips! {
    instants: DateTime<Utc> = "timestamptz" [
        DateTime::UNIX_EPOCH,
        at("2024-02-29T23:59:59.999999").and_utc(),
        at("0001-01-01T00:00:00").and_utc(),
        at("9999-12-31T23:59:59.5").and_utc(),
    ];
    instants_with_an_offset: DateTime<FixedOffset> = "timestamptz" [
        DateTime::parse_from_rfc3339("2024-02-29T23:59:59.999999+05:30").unwrap(),
    ];
    instants_here: DateTime<Local> = "timestamptz" [Local.from_utc_datetime(&at("2024-02-29T23:59:59.5"))];
    timestamps: NaiveDateTime = "timestamp" [at("2024-02-29T23:59:59.000001"), at("1900-01-01T00:00:00")];
    dates: NaiveDate = "date" ["2024-02-29".parse().unwrap(), "0001-01-01".parse().unwrap(), "9999-12-31".parse().unwrap()];
    times: NaiveTime = "time" [NaiveTime::MIN, "23:59:59.123456".parse().unwrap()];
    instants_array: Vec<DateTime<Utc>> = "timestamptz[]" [vec![], vec![at("2024-02-29T23:59:59.999999").and_utc()]];
    timestamps_array: Vec<NaiveDateTime> = "timestamp[]" [vec![at("2024-02-29T23:59:59.000001")]];
    dates_array: Vec<Option<NaiveDate>> = "date[]" [vec![Some("0001-01-01".parse().unwrap()), None]];
    times_array: Vec<NaiveTime> = "time[]" [vec![NaiveTime::MIN]];
}

#[tokio::test]
async fn chrono_and_time_agree_on_instants() {
    let pool = Database::new().await.pool().await;
    let (instant, date): (time::OffsetDateTime, time::Date) = query_as("SELECT $1, $2")
        .bind(DateTime::parse_from_rfc3339("2024-01-01T01:30:00+02:00").unwrap())
        .bind(NaiveDate::from_ymd_opt(2024, 2, 29))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(instant, time::macros::datetime!(2023-12-31 23:30 UTC));
    assert_eq!(date, time::macros::date!(2024 - 02 - 29));
}

#[tokio::test]
async fn values_outside_the_common_range_are_an_error() {
    let database = Database::new().await;
    let pool = database.pool().await;
    for sql in
        ["SELECT 'infinity'::timestamptz", "SELECT '-infinity'::timestamptz", "SELECT '0044-03-15 BC'::timestamptz"]
    {
        let error = query_scalar::<DateTime<Utc>>(sql).fetch_one(&pool).await.unwrap_err();
        assert!(error.to_string().contains("between 1 and 9999"), "{error}");
    }
    assert!(query_scalar::<NaiveDate>("SELECT 'infinity'::date").fetch_one(&pool).await.is_err());
    assert!(query_scalar::<NaiveDateTime>("SELECT '0044-03-15 BC'::timestamp").fetch_one(&pool).await.is_err());
    assert!(query_scalar::<NaiveDateTime>("SELECT now()").fetch_one(&pool).await.is_err(), "the zone would be lost");
    database.requests();
    for date in [NaiveDate::MIN, NaiveDate::MAX, "2024-01-01".parse::<NaiveDate>().unwrap().with_year(0).unwrap()] {
        let error = query("SELECT $1").bind(date).execute(&pool).await.unwrap_err();
        assert!(matches!(error, sqlx::Error::Encode(_)), "{error}");
    }
    assert!(query("SELECT $1").bind(DateTime::<Utc>::MAX_UTC).execute(&pool).await.is_err());
    assert_eq!(database.requests(), 0);
}

#[tokio::test]
async fn nanoseconds_are_truncated() {
    let pool = Database::new().await.pool().await;
    let (time, instant): (NaiveTime, DateTime<Utc>) = query_as("SELECT $1, $2")
        .bind("23:59:59.999999999".parse::<NaiveTime>().unwrap())
        .bind(at("2024-12-31T23:59:59.999999999").and_utc())
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(time, "23:59:59.999999".parse().unwrap());
    assert_eq!(instant, at("2024-12-31T23:59:59.999999").and_utc());
}
