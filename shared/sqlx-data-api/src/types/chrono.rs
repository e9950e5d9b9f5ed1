use aws_sdk_rdsdata::types::Field;
use chrono::{DateTime, Datelike, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;

use super::date_time::{as_text, date_and_time, readable, writable};
use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

const DATE: &str = "%Y-%m-%d";
const TIME: &str = "%H:%M:%S%.6f";
const TIME_READ: &str = "%H:%M:%S%.f";

fn date_text(date: NaiveDate) -> Result<String, BoxDynError> {
    writable(date.year())?;
    Ok(date.format(DATE).to_string())
}

fn date_time_text(at: NaiveDateTime) -> Result<String, BoxDynError> {
    Ok(format!("{} {}", date_text(at.date())?, at.time().format(TIME)))
}

fn parse_date_time(text: &str) -> Result<NaiveDateTime, BoxDynError> {
    let (date, time) = date_and_time(text)?;
    Ok(NaiveDate::parse_from_str(date, DATE)?.and_time(NaiveTime::parse_from_str(time, TIME_READ)?))
}

as_text!(NaiveDate, DATE, date_text, |text| Ok(NaiveDate::parse_from_str(readable(text)?, DATE)?));
as_text!(NaiveTime, TIME, |time| Ok(time.format(TIME).to_string()), |text| {
    Ok(NaiveTime::parse_from_str(text, TIME_READ)?)
});
as_text!(NaiveDateTime, TIMESTAMP, date_time_text, parse_date_time);

impl<Tz: TimeZone> Type<DataApi> for DateTime<Tz> {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::TIMESTAMPTZ
    }
}

impl<Tz: TimeZone> Encode<'_, DataApi> for DateTime<Tz> {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::StringValue(date_time_text(self.naive_utc())? + "+00"));
        Ok(IsNull::No)
    }
}

impl Decode<'_, DataApi> for DateTime<Utc> {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(parse_date_time(value.text()?)?.and_utc())
    }
}

/// The offset is zero: the service returns the time in UTC.
impl Decode<'_, DataApi> for DateTime<FixedOffset> {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        <DateTime<Utc> as Decode<DataApi>>::decode(value).map(|at| at.fixed_offset())
    }
}

impl Decode<'_, DataApi> for DateTime<Local> {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        <DateTime<Utc> as Decode<DataApi>>::decode(value).map(|at| at.with_timezone(&Local))
    }
}
