//! Values of fields, from the JSON of documents and queries.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Formats of dates, joined by `||`; the first is also the default.
const FORMATS: [&str; 3] = ["strict_date_optional_time", "epoch_millis", "date_optional_time"];

/// Returns a format of dates, if each of its alternatives is supported.
pub(super) fn date_format(value: &Value) -> Option<String> {
    let format = value.as_str()?;
    format.split("||").all(|part| FORMATS.contains(&part)).then(|| format.to_owned())
}

/// Reads a whole number; a fraction is cut off, and text is read as a number.
pub(crate) fn long(value: &Value) -> Result<i64, String> {
    match value {
        Value::Number(number) => {
            let float = || number.as_f64().filter(|float| float.abs() < 9.3e18);
            #[allow(clippy::cast_possible_truncation, reason = "cutting the fraction off is meant")]
            number
                .as_i64()
                .or_else(|| if number.is_f64() { float().map(|float| float as i64) } else { None })
                .ok_or_else(|| format!("Value [{number}] is out of range for a long"))
        }
        Value::String(text) => {
            let wrong = || format!("For input string: \"{text}\"");
            text.parse::<i64>().or_else(|_| {
                #[allow(clippy::cast_possible_truncation, reason = "cutting the fraction off is meant")]
                text.parse::<f64>()
                    .ok()
                    .filter(|float| float.abs() < 9.3e18)
                    .map(|float| float as i64)
                    .ok_or_else(wrong)
            })
        }
        other => Err(format!("For input string: \"{other}\"")),
    }
}

/// Reads a date in milliseconds since the epoch.
pub(crate) fn date(value: &Value, format: Option<&str>) -> Result<i64, String> {
    let format = format.unwrap_or("strict_date_optional_time||epoch_millis");
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let read = |part: &str| match part {
        "epoch_millis" => text.parse::<f64>().ok().filter(|millis| millis.abs() < 9e15).map(whole),
        _ if value.is_number() => None,
        _ => instant(&text),
    };
    format
        .split("||")
        .find_map(read)
        .ok_or_else(|| format!("failed to parse date field [{text}] with format [{format}]"))
}

#[allow(clippy::cast_possible_truncation, reason = "checked before")]
fn whole(millis: f64) -> i64 {
    millis.floor() as i64
}

/// A date with or without its time; without an offset it is in UTC.
fn instant(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let has_offset = time.ends_with('Z') || time.contains(['+', '-']);
    let whole = format!("{date}T{time}{}", if has_offset { "" } else { "Z" });
    let instant = OffsetDateTime::parse(&whole, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Reads a truth value.
pub(crate) fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" || text.is_empty() => Ok(false),
        Value::String(text) => Err(format!("Failed to parse value [{text}] as only [true] or [false] are allowed.")),
        other => Err(format!("Failed to parse value [{other}] as only [true] or [false] are allowed.")),
    }
}

/// Reads a text; numbers and truth values have one, too.
pub(crate) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        other => Err(format!("Can't get text on a {}", if other.is_array() { "START_ARRAY" } else { "START_OBJECT" })),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_dates_are_read_as_opensearch_reads_them() {
        assert_eq!(long(&json!("12")), Ok(12));
        assert_eq!(long(&json!(1.9)), Ok(1));
        assert_eq!(long(&json!(i64::MAX)), Ok(i64::MAX));
        assert!(long(&json!(u64::MAX)).is_err() && long(&json!("a")).is_err() && long(&json!(1e30)).is_err());
        assert_eq!(date(&json!(1_700_000_000_000_i64), None), Ok(1_700_000_000_000));
        assert_eq!(date(&json!("1970-01-02"), None), Ok(86_400_000));
        assert_eq!(date(&json!("1970-01-01T00:00:01.5Z"), None), Ok(1500));
        assert!(date(&json!("1970-01-02"), Some("epoch_millis")).is_err());
        assert_eq!(date(&json!("5"), Some("epoch_millis")), Ok(5));
    }
}
