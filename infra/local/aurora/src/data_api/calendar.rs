//! PostgreSQL's binary dates and times as text.
//!
//! They count from 2000-01-01, days or microseconds. The text is PostgreSQL's ISO format; a fraction loses its trailing
//! zeros (`.99`, not `.990`), and a whole second has none. Clients have to read any number of digits.

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
const MICROSECONDS_PER_DAY: i64 = 86_400 * MICROSECONDS_PER_SECOND;

/// Days from 0000-03-01, the start of the calculation's first year, to 2000-01-01.
const EPOCH: i64 = 730_425;
/// The calendar repeats itself after 400 years.
const DAYS_PER_ERA: i64 = 146_097;

pub(super) fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        days => {
            let (day, era) = civil(i64::from(days));
            format!("{day}{era}")
        }
    }
}

pub(super) fn time(microseconds: i64) -> String {
    let seconds = microseconds / MICROSECONDS_PER_SECOND;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match microseconds % MICROSECONDS_PER_SECOND {
        0 => clock,
        fraction => format!("{clock}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}

pub(super) fn timestamp(microseconds: i64) -> String {
    match microseconds {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        microseconds => {
            let (day, era) = civil(microseconds.div_euclid(MICROSECONDS_PER_DAY));
            let clock = time(microseconds.rem_euclid(MICROSECONDS_PER_DAY));
            format!("{day} {clock}{era}")
        }
    }
}

/// The day, and the suffix for years before Christ. Years are counted from March, so that a leap day comes last.
fn civil(days: i64) -> (String, &'static str) {
    let days = days + EPOCH;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + 400 * era + i64::from(month <= 2);
    if year > 0 {
        (format!("{year:04}-{month:02}-{day:02}"), "")
    } else {
        (format!("{:04}-{month:02}-{day:02}", 1 - year), " BC")
    }
}

#[cfg(test)]
mod tests {
    use super::{MICROSECONDS_PER_DAY, date, time, timestamp};

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(date(0), "2000-01-01");
        assert_eq!(date(59), "2000-02-29");
        assert_eq!(date(60), "2000-03-01");
        assert_eq!(date(-1), "1999-12-31");
        assert_eq!(date(9_498), "2026-01-02");
        assert_eq!(date(-730_485), "0001-01-01 BC");
        assert_eq!(date(i32::MAX), "infinity");
    }

    #[test]
    fn fractions_lose_their_trailing_zeros() {
        assert_eq!(time(0), "00:00:00");
        assert_eq!(time(11_045_120_000), "03:04:05.12");
        assert_eq!(timestamp(1), "2000-01-01 00:00:00.000001");
        assert_eq!(timestamp(-1), "1999-12-31 23:59:59.999999");
        assert_eq!(timestamp(9_498 * MICROSECONDS_PER_DAY), "2026-01-02 00:00:00");
    }
}
