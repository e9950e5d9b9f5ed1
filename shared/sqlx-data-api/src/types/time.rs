use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::date_time::{as_text, date_and_time, readable, writable};
use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

type Format = &'static [BorrowedFormatItem<'static>];

const DATE: Format = format_description!("[year]-[month]-[day]");
const TIME: Format = format_description!("[hour]:[minute]:[second].[subsecond digits:6]");
const TIME_READ: Format = format_description!("[hour]:[minute]:[second][optional [.[subsecond]]]");

fn date_text(date: Date) -> Result<String, BoxDynError> {
    writable(date.year())?;
    Ok(date.format(DATE)?)
}

fn date_time_text(at: PrimitiveDateTime) -> Result<String, BoxDynError> {
    Ok(format!("{} {}", date_text(at.date())?, at.time().format(TIME)?))
}

fn parse_date_time(text: &str) -> Result<PrimitiveDateTime, BoxDynError> {
    let (date, time) = date_and_time(text)?;
    Ok(PrimitiveDateTime::new(Date::parse(date, DATE)?, Time::parse(time, TIME_READ)?))
}

as_text!(Date, DATE, date_text, |text| Ok(Date::parse(readable(text)?, DATE)?));
as_text!(Time, TIME, |time| Ok(time.format(TIME)?), |text| Ok(Time::parse(text, TIME_READ)?));
as_text!(PrimitiveDateTime, TIMESTAMP, date_time_text, parse_date_time);
as_text!(
    OffsetDateTime,
    TIMESTAMPTZ,
    |at| {
        let at = at.checked_to_offset(UtcOffset::UTC).ok_or("the year of the time in UTC is greater than 9999")?;
        Ok(date_time_text(PrimitiveDateTime::new(at.date(), at.time()))? + "+00")
    },
    |text| Ok(parse_date_time(text)?.assume_utc())
);

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{datetime, offset};

    #[test]
    fn fractional_seconds_are_optional_and_truncated_to_microseconds() {
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
    fn years_beyond_four_digits_are_refused() {
        assert!(date_text(Date::MIN).is_err());
        for beyond in [datetime!(9999-12-31 23:59 -01:00), datetime!(-9999-01-01 00:00 +01:00)] {
            assert!(DataApiArgumentBuffer::encode(beyond).is_err());
        }
    }
}
