//! Values in both directions.

use aws_sdk_rdsdata::primitives::Blob;
use aws_sdk_rdsdata::types::{
    ArrayValue, DecimalReturnType, Field, LongReturnType, RecordsFormatType, ResultSetOptions, TypeHint,
};

use crate::harness::{DataApi, hinted, parameter, refused, text};

#[tokio::test]
async fn results_come_in_the_member_for_their_type() {
    let api = DataApi::start().await;
    api.run("CREATE TYPE mood AS ENUM ('fine', 'so-so')").await;
    for (expression, expected) in [
        ("true", Field::BooleanValue(true)),
        ("1::int2", Field::LongValue(1)),
        ("-2::int4", Field::LongValue(-2)),
        ("9223372036854775807::int8", Field::LongValue(i64::MAX)),
        ("0.5::float4", Field::DoubleValue(0.5)),
        ("1e300::float8", Field::DoubleValue(1e300)),
        ("'-Infinity'::float8", Field::DoubleValue(f64::NEG_INFINITY)),
        ("'é'::text", text("é")),
        ("'a'::varchar(3)", text("a")),
        ("'a'::char(3)", text("a  ")),
        ("'a'::name", text("a")),
        ("'fine'::mood", text("fine")),
        ("'01890A5D-AC96-774B-BCCE-B302099A8057'::uuid", text("01890a5d-ac96-774b-bcce-b302099a8057")),
        (r#"'{"a": [1]}'::json"#, text(r#"{"a": [1]}"#)),
        (r#"'{"a":[1]}'::jsonb"#, text(r#"{"a": [1]}"#)),
        (r"'\x0001ff'::bytea", Field::BlobValue(Blob::new([0, 1, 255]))),
        ("'10.0.0.1'::inet", text("10.0.0.1")),
        ("'10.0.0.1/8'::inet", text("10.0.0.1/8")),
        ("'10.0.0.0/8'::cidr", text("10.0.0.0/8")),
        ("'2001:db8::1'::inet", text("2001:db8::1")),
        ("'2026-01-02'::date", text("2026-01-02")),
        ("'0044-03-15 BC'::date", text("0044-03-15 BC")),
        ("'03:04:05.120'::time", text("03:04:05.12")),
        ("'2026-01-02 03:04:05'::timestamp", text("2026-01-02 03:04:05")),
        ("'2026-01-02 03:04:05.123456+02'::timestamptz", text("2026-01-02 01:04:05.123456")),
        ("'infinity'::timestamptz", text("infinity")),
        ("NULL::int4", Field::IsNull(true)),
        ("NULL::int4[]", Field::IsNull(true)),
        ("NULL", Field::IsNull(true)),
    ] {
        let output = api.run(&format!("SELECT {expression}")).await;
        assert_eq!(output.records(), [[expected]], "{expression}");
    }
}

#[tokio::test]
async fn decimals_keep_their_digits() {
    let api = DataApi::start().await;
    for decimal in [
        "0",
        "0.00",
        "1",
        "-1.50",
        "10000",
        "100000000.0001",
        "0.0000000001",
        "-0.00012345",
        "12345678901234567890.098765432109876543210",
        "NaN",
        "Infinity",
        "-Infinity",
    ] {
        let output = api.run(&format!("SELECT '{decimal}'::numeric")).await;
        assert_eq!(output.records(), [[text(decimal)]]);
    }
}

#[tokio::test]
async fn arrays_of_one_dimension_come_as_such() {
    let api = DataApi::start().await;
    for (expression, expected) in [
        ("'{t,f,NULL}'::bool[]", ArrayValue::BooleanValues(vec![Some(true), Some(false), None])),
        ("'{1,NULL}'::int4[]", ArrayValue::LongValues(vec![Some(1), None])),
        ("'{0.5}'::float8[]", ArrayValue::DoubleValues(vec![Some(0.5)])),
        ("'{a,NULL}'::text[]", ArrayValue::StringValues(vec![Some("a".into()), None])),
        ("'{1.50}'::numeric[]", ArrayValue::StringValues(vec![Some("1.50".into())])),
        (
            "'{2026-01-02 03:04:05+00}'::timestamptz[]",
            ArrayValue::StringValues(vec![Some("2026-01-02 03:04:05".into())]),
        ),
        ("'{}'::int8[]", ArrayValue::LongValues(vec![])),
    ] {
        let output = api.run(&format!("SELECT {expression}")).await;
        assert_eq!(output.records(), [[Field::ArrayValue(expected)]], "{expression}");
    }
}

#[tokio::test]
async fn what_the_service_cannot_carry_is_refused() {
    let api = DataApi::start().await;
    for (expression, name) in [
        ("'{{1,2},{3,4}}'::int4[]", "_int4"),
        ("1::money", "money"),
        ("'(1,2)'::point", "point"),
        ("'1 day'::interval", "interval"),
        ("'pg_class'::regclass", "regclass"),
        ("ROW(1, 2)", "record"),
        ("'a'::\"char\"", "\"CHAR\"."),
    ] {
        let refusal = refused(api.execute(&format!("SELECT {expression}"))).await;
        assert_eq!((refusal.status, refusal.code.as_str()), (400, "UnsupportedResultException"), "{expression}");
        assert_eq!(refusal.message, format!("The result contains the unsupported data type {name}"));
    }
    let output = api.run("SELECT 1::money::text").await;
    assert_eq!(output.records(), [[text("$1.00")]]);
}

#[tokio::test]
async fn parameters_have_the_type_of_their_member_or_hint() {
    let api = DataApi::start().await;
    for (parameter, expected) in [
        (parameter("p", text("a")), "text"),
        (parameter("p", Field::LongValue(1)), "bigint"),
        (parameter("p", Field::DoubleValue(1.0)), "double precision"),
        (parameter("p", Field::BooleanValue(true)), "boolean"),
        (parameter("p", Field::BlobValue(Blob::new([0]))), "bytea"),
        (hinted("p", "2026-01-02", TypeHint::Date), "date"),
        (hinted("p", "1.50", TypeHint::Decimal), "numeric"),
        (hinted("p", "{}", TypeHint::Json), "json"),
        (hinted("p", "03:04:05.678", TypeHint::Time), "time without time zone"),
        (hinted("p", "2026-01-02 03:04:05.678", TypeHint::Timestamp), "timestamp without time zone"),
        (hinted("p", "01890a5d-ac96-774b-bcce-b302099a8057", TypeHint::Uuid), "uuid"),
    ] {
        let output = api.execute("SELECT pg_typeof(:p)::text").parameters(parameter).send().await.unwrap();
        assert_eq!(output.records(), [[text(expected)]]);
    }
}

#[tokio::test]
async fn parameters_arrive_as_they_were_sent() {
    let api = DataApi::start().await;
    for value in [
        text("it's é \u{1F600} \\ \n"),
        text(""),
        Field::LongValue(i64::MIN),
        Field::DoubleValue(-0.1),
        Field::DoubleValue(f64::INFINITY),
        Field::BooleanValue(false),
        Field::BlobValue(Blob::new((0..=255).collect::<Vec<u8>>())),
    ] {
        let output = api.execute("SELECT :p").parameters(parameter("p", value.clone())).send().await.unwrap();
        assert_eq!(output.records(), [[value]]);
    }
    for (value, hint) in [
        ("2026-01-02", TypeHint::Date),
        ("-1.50", TypeHint::Decimal),
        (r#"{"a": 1}"#, TypeHint::Json),
        ("03:04:05.678", TypeHint::Time),
        ("2026-01-02 03:04:05.678", TypeHint::Timestamp),
        ("01890a5d-ac96-774b-bcce-b302099a8057", TypeHint::Uuid),
    ] {
        let output = api.execute("SELECT :p").parameters(hinted("p", value, hint)).send().await.unwrap();
        assert_eq!(output.records(), [[text(value)]]);
    }
}

#[tokio::test]
async fn null_fits_any_column() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int, b uuid, c jsonb, d timestamptz, e text[])").await;
    let mut insert = api.execute("INSERT INTO t VALUES (:a, :b, :c, :d, :e)");
    for name in ["a", "b", "c", "d", "e"] {
        insert = insert.parameters(parameter(name, Field::IsNull(true)));
    }
    assert_eq!(insert.send().await.unwrap().number_of_records_updated(), 1);
    let output = api.run("SELECT * FROM t").await;
    assert_eq!(output.records(), [[const { Field::IsNull(true) }; 5]]);
}

#[tokio::test]
async fn a_timestamp_is_stored_in_utc() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (at timestamptz)").await;
    let at = hinted("at", "2026-01-02 03:04:05.123", TypeHint::Timestamp);
    let insert = api.execute("INSERT INTO t VALUES (:at) RETURNING at, at::text").parameters(at);
    let output = insert.send().await.unwrap();
    assert_eq!(output.records(), [[text("2026-01-02 03:04:05.123"), text("2026-01-02 03:04:05.123+00")]]);
}

#[tokio::test]
async fn the_time_hints_take_the_documented_formats_only() {
    let api = DataApi::start().await;
    for (value, hint, kind) in [
        ("2026-07-22T02:17:21.804Z", TypeHint::Timestamp, "TimeStamp"),
        ("2026-7-2", TypeHint::Date, "Date"),
        ("02:17", TypeHint::Time, "Time"),
    ] {
        let refusal = refused(api.execute("SELECT :p").parameters(hinted("p", value, hint))).await;
        assert_eq!((refusal.status, refusal.code.as_str()), (400, "DatabaseErrorException"));
        assert_eq!(refusal.message, format!("Parse Error for {kind}: input contains invalid characters"));
    }
}

#[tokio::test]
async fn numbers_come_as_the_options_say() {
    let api = DataApi::start().await;
    let options = ResultSetOptions::builder()
        .decimal_return_type(DecimalReturnType::DoubleOrLong)
        .long_return_type(LongReturnType::String)
        .build();
    let select = api.execute("SELECT 7, 7::numeric, 7.5::numeric").result_set_options(options);
    let output = select.send().await.unwrap();
    assert_eq!(output.records(), [[text("7"), Field::LongValue(7), Field::DoubleValue(7.5)]]);
}

#[tokio::test]
async fn a_select_can_come_as_json() {
    let api = DataApi::start().await;
    let select = api
        .execute(r#"SELECT 1 AS "a", 'x' AS "b", NULL AS "c", '{1,2}'::int[] AS "d""#)
        .format_records_as(RecordsFormatType::Json);
    let output = select.send().await.unwrap();
    assert_eq!(output.formatted_records(), Some(r#"[{"a":1,"b":"x","c":null,"d":[1,2]}]"#));
    assert_eq!((output.records, output.column_metadata), (None, None));
}
