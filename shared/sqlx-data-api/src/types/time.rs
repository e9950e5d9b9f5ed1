//! Dates and times travel as text, to the microsecond that PostgreSQL keeps. What Rust has beyond it is cut off.

use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

type Format = &'static [BorrowedFormatItem<'static>];

const DATE: Format = format_description!("[year]-[month]-[day]");
const TIME: Format = format_description!("[hour]:[minute]:[second].[subsecond digits:6]");
const TIME_READ: Format = format_description!("[hour]:[minute]:[second][optional [.[subsecond]]]");

fn date_text(date: Date) -> Result<String, BoxDynError> {
    if date.year() < 1 {
        return Err(format!("the year {} has no text form that is sent to PostgreSQL", date.year()).into());
    }
    Ok(date.format(DATE)?)
}

fn date_time_text(at: PrimitiveDateTime) -> Result<String, BoxDynError> {
    Ok(format!("{} {}", date_text(at.date())?, at.time().format(TIME)?))
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`.
fn parse_date_time(text: &str) -> Result<PrimitiveDateTime, BoxDynError> {
    let (date, time) = text.split_once([' ', 'T']).ok_or("a timestamp without a time of day")?;
    Ok(PrimitiveDateTime::new(Date::parse(date, DATE)?, Time::parse(time, TIME_READ)?))
}

macro_rules! as_text {
    ($rust:ty, $sql:ident, $encode:expr, $decode:expr) => {
        impl Type<DataApi> for $rust {
            fn type_info() -> DataApiTypeInfo {
                DataApiTypeInfo::$sql
            }
        }

        impl Encode<'_, DataApi> for $rust {
            fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let encode: fn($rust) -> Result<String, BoxDynError> = $encode;
                buffer.set(Field::StringValue(encode(*self)?));
                Ok(IsNull::No)
            }
        }

        impl Decode<'_, DataApi> for $rust {
            fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
                let decode: fn(&str) -> Result<$rust, BoxDynError> = $decode;
                decode(value.text()?)
            }
        }
    };
}

as_text!(Date, DATE, date_text, |text| Ok(Date::parse(text, DATE)?));
as_text!(Time, TIME, |time| Ok(time.format(TIME)?), |text| Ok(Time::parse(text, TIME_READ)?));
as_text!(PrimitiveDateTime, TIMESTAMP, date_time_text, parse_date_time);
as_text!(
    OffsetDateTime,
    TIMESTAMPTZ,
    |at| {
        let at = at.to_offset(UtcOffset::UTC);
        Ok(date_time_text(PrimitiveDateTime::new(at.date(), at.time()))? + "+00")
    },
    // The service gives timestamptz in UTC and leaves the zone out.
    |text| Ok(parse_date_time(text.trim_end_matches("+00").trim_end_matches('Z'))?.assume_utc())
);

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{datetime, offset};

    #[test]
    fn fractions_of_a_second_are_optional_and_cut_at_microseconds() {
        assert_eq!(parse_date_time("2024-02-29 01:02:03").unwrap(), datetime!(2024-02-29 01:02:03));
        assert_eq!(parse_date_time("2024-02-29 01:02:03.5").unwrap(), datetime!(2024-02-29 01:02:03.5));
        assert_eq!(date_time_text(datetime!(2024-02-29 01:02:03.123_456_789)).unwrap(), "2024-02-29 01:02:03.123456");
    }

    #[test]
    fn instants_are_sent_in_utc() {
        let field = DataApiArgumentBuffer::encode(datetime!(2024-01-01 01:00:00).assume_offset(offset!(+2))).unwrap();
        assert_eq!(field, Some(Field::StringValue("2023-12-31 23:00:00.000000+00".into())));
    }

    #[test]
    fn years_before_christ_are_refused() {
        assert!(date_text(Date::MIN).is_err());
    }
}
