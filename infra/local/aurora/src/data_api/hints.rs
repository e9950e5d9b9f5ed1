//! The formats that type hints require of a `stringValue`.
//!
//! The Data API checks dates and times itself, more strictly than PostgreSQL would: `2026-01-02T03:04:05Z` is refused (`Parse
//! Error for TimeStamp: input contains invalid characters`) although PostgreSQL reads it. Values with other hints are left to
//! PostgreSQL. A fraction may have more than the documented three digits; PostgreSQL keeps six.

use super::errors::DataApiError;
use super::request::TypeHint;

/// Refuses text that AWS would refuse.
pub(super) fn check(hint: TypeHint, text: &str) -> Result<(), DataApiError> {
    let (kind, well_formed) = match hint {
        TypeHint::Decimal | TypeHint::Json | TypeHint::Uuid => return Ok(()),
        TypeHint::Date => ("Date", is_date(text)),
        TypeHint::Time => ("Time", is_time(text)),
        TypeHint::Timestamp => {
            ("TimeStamp", text.split_once(' ').is_some_and(|(date, time)| is_date(date) && is_time(time)))
        }
    };
    if well_formed {
        Ok(())
    } else {
        Err(DataApiError::Database(format!("Parse Error for {kind}: input contains invalid characters")))
    }
}

fn is_date(text: &str) -> bool {
    matches_digits(text, "dddd-dd-dd")
}

fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').map_or((text, "0"), |(clock, fraction)| (clock, fraction));
    matches_digits(clock, "dd:dd:dd")
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

fn matches_digits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            literal => byte == literal,
        })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::data_api::request::TypeHint;

    #[test]
    fn only_the_documented_formats_pass() {
        for (hint, good, bad) in [
            (TypeHint::Date, vec!["2026-01-02"], vec!["2026-1-2", "2026-01-02 00:00:00", "02.01.2026", ""]),
            (TypeHint::Time, vec!["03:04:05", "03:04:05.123456"], vec!["03:04", "03:04:05.", "03:04:05Z"]),
            (
                TypeHint::Timestamp,
                vec!["2026-01-02 03:04:05", "2026-01-02 03:04:05.123"],
                vec!["2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02 03:04:05+00", "2026-01-02"],
            ),
        ] {
            for text in good {
                assert!(check(hint, text).is_ok(), "{hint:?} {text}");
            }
            for text in bad {
                assert!(check(hint, text).is_err(), "{hint:?} {text}");
            }
        }
    }
}
