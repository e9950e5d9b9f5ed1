//! The common part of `time` and `chrono`: dates and times travel as text, to the microsecond that PostgreSQL stores. Finer
//! digits are truncated.
//!
//! Only the years 1 to 9999 have the same text everywhere, and only they are sent and read.

use sqlx_core::error::BoxDynError;

/// Refuses a year that has no text of four digits.
pub(super) fn writable(year: i32) -> Result<(), BoxDynError> {
    if (1..=9999).contains(&year) {
        Ok(())
    } else {
        Err(format!("the year {year} is not supported: it must be between 1 and 9999").into())
    }
}

/// Refuses values of PostgreSQL that Rust cannot represent.
pub(super) fn readable(text: &str) -> Result<&str, BoxDynError> {
    if text.ends_with("infinity") || text.ends_with(" BC") {
        return Err(format!("`{text}` is not supported: the year must be between 1 and 9999").into());
    }
    Ok(text)
}

/// Splits `YYYY-MM-DD HH:MM:SS[.ffffff]`. The service leaves out the zone of a `timestamptz`, which is UTC.
pub(super) fn date_and_time(text: &str) -> Result<(&str, &str), BoxDynError> {
    let text = readable(text)?.trim_end_matches("+00").trim_end_matches('Z');
    text.split_once([' ', 'T']).ok_or_else(|| "the timestamp has no time of day".into())
}

/// A type that is its text.
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

pub(super) use as_text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_years_from_1_to_9999_are_accepted() {
        for year in [-1, 0, 10_000] {
            assert!(writable(year).is_err(), "{year}");
        }
        for text in ["infinity", "-infinity", "0044-03-15 BC", "0044-03-15 12:00:00 BC"] {
            assert!(readable(text).is_err(), "{text}");
        }
        assert!(date_and_time("2024-02-29").is_err());
        for text in ["2024-02-29 01:02:03", "2024-02-29T01:02:03Z", "2024-02-29 01:02:03+00"] {
            assert_eq!(date_and_time(text).unwrap(), ("2024-02-29", "01:02:03"));
        }
    }
}
