//! Expressions of schedules: `rate(…)` and `cron(…)`.

use std::time::Duration;

use chrono::DateTime;
use croner::Cron;
use croner::parser::CronParser;
use time::OffsetDateTime;

/// The times at which a schedule is due.
#[derive(Debug, Clone)]
pub enum ScheduleExpression {
    /// The interval between two times.
    Rate(Duration),
    /// At these times, in UTC, to the minute.
    Cron(Box<Cron>),
}

/// The text is no schedule. Each text is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum ExpressionError {
    /// Neither of the two forms.
    #[error("a schedule is `rate(…)` or `cron(…)`, not `{0}`")]
    Form(String),
    /// AWS: a positive number and a unit.
    #[error("a rate is a number of `minutes`, `hours` or `days` (`minute`, `hour` or `day` for 1), not `{0}`")]
    Rate(String),
    /// AWS's cron has no field for seconds and one for years.
    #[error("`cron({0})` does not have six fields: minutes, hours, day of month, month, day of week, year")]
    Fields(String),
    /// AWS takes one of the two.
    #[error("`cron({0})` needs a `?` either for the day of month or for the day of week")]
    Days(String),
    /// A field is wrong.
    #[error("`cron({text})`: {reason}")]
    Cron {
        /// The text between the parentheses.
        text: String,
        /// The rule that the field breaks.
        reason: String,
    },
}

impl ScheduleExpression {
    /// Reads a schedule as EventBridge does:
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let within = |form| text.strip_prefix(form).and_then(|rest| rest.strip_suffix(')'));
        match (within("rate("), within("cron(")) {
            (Some(rate), _) => parse_rate(rate).ok_or_else(|| ExpressionError::Rate(rate.to_owned())),
            (_, Some(cron)) => parse_cron(cron),
            _ => Err(ExpressionError::Form(text.to_owned())),
        }
    }

    /// The first time after that one. `None`: never again.
    pub fn after(&self, time: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Rate(interval) => time.checked_add((*interval).try_into().ok()?),
            Self::Cron(cron) => {
                let time = DateTime::from_timestamp(time.unix_timestamp(), 0)?;
                let next = cron.find_next_occurrence(&time, false).ok()?;
                OffsetDateTime::from_unix_timestamp(next.timestamp()).ok()
            }
        }
    }
}

fn parse_rate(text: &str) -> Option<ScheduleExpression> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let unit = unit.trim();
    let seconds = match if number == 1 { unit } else { unit.strip_suffix('s')? } {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return None,
    };
    Some(ScheduleExpression::Rate(Duration::from_secs(number.checked_mul(seconds)?)))
}

fn parse_cron(text: &str) -> Result<ScheduleExpression, ExpressionError> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let &[_, _, day_of_month, _, day_of_week, _] = fields.as_slice() else {
        return Err(ExpressionError::Fields(text.to_owned()));
    };
    if (day_of_month == "?") == (day_of_week == "?") {
        return Err(ExpressionError::Days(text.to_owned()));
    }
    let failed = |reason: String| ExpressionError::Cron { text: text.to_owned(), reason };
    // These mean something to the parser and nothing to AWS.
    if let Some(other) = text.chars().find(|character| matches!(character, '@' | '+')) {
        return Err(failed(format!("`{other}` is not allowed")));
    }
    // AWS counts days of the week from 1 for Sunday, and has `0/5` for every five.
    let parser = CronParser::builder().alternative_weekdays(true).sloppy_ranges(true).build();
    let cron = parser.parse(&format!("0 {text}")).map_err(|error| failed(error.to_string()))?;
    Ok(ScheduleExpression::Cron(Box::new(cron)))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn next(text: &str, time: OffsetDateTime) -> OffsetDateTime {
        ScheduleExpression::parse(text).unwrap().after(time).unwrap()
    }

    #[test]
    fn rates() {
        let time = datetime!(2026-01-01 10:20:30 UTC);
        assert_eq!(next("rate(1 minute)", time), datetime!(2026-01-01 10:21:30 UTC));
        assert_eq!(next("rate(5 hours)", time), datetime!(2026-01-01 15:20:30 UTC));
        assert_eq!(next("rate(2 days)", time), datetime!(2026-01-03 10:20:30 UTC));
        for wrong in
            ["rate(1 minutes)", "rate(5 hour)", "rate(0 minutes)", "rate(5 seconds)", "rate(5)", "rate(-1 days)"]
        {
            assert!(matches!(ScheduleExpression::parse(wrong), Err(ExpressionError::Rate(_))), "{wrong}");
        }
    }

    /// The examples of EventBridge's user guide and the wildcards of its table; 2026-01-01 is a Thursday.
    #[test]
    fn crons() {
        let time = datetime!(2026-01-01 10:20:30 UTC);
        for (text, expected) in [
            ("cron(0 10 * * ? *)", datetime!(2026-01-02 10:00 UTC)),
            ("cron(15 12 * * ? *)", datetime!(2026-01-01 12:15 UTC)),
            ("cron(0 18 ? * MON-FRI *)", datetime!(2026-01-01 18:00 UTC)),
            ("cron(0 8 1 * ? *)", datetime!(2026-02-01 08:00 UTC)),
            ("cron(0/15 * * * ? *)", datetime!(2026-01-01 10:30 UTC)),
            ("cron(0/5 8-17 ? * MON-FRI *)", datetime!(2026-01-01 10:25 UTC)),
            ("cron(0 9 ? * 2#1 *)", datetime!(2026-01-05 09:00 UTC)),
            ("cron(0 0 L * ? *)", datetime!(2026-01-31 00:00 UTC)),
            ("cron(0 0 3W * ? *)", datetime!(2026-01-02 00:00 UTC)),
            ("cron(0 0 ? * 6L *)", datetime!(2026-01-30 00:00 UTC)),
            ("cron(0 0 ? * 1 *)", datetime!(2026-01-04 00:00 UTC)),
            ("cron(30 10 ? JAN SAT,SUN 2027-2030)", datetime!(2027-01-02 10:30 UTC)),
        ] {
            assert_eq!(next(text, time), expected, "{text}");
        }
        assert!(ScheduleExpression::parse("cron(0 0 1 1 ? 2020)").unwrap().after(time).is_none());
    }

    #[test]
    fn invalid_expressions_are_refused() {
        for (wrong, sentence) in [
            ("every day", "a schedule is `rate(…)` or `cron(…)`, not `every day`"),
            ("cron(0 10 * * ?)", "does not have six fields"),
            ("cron(0 0 10 * * ? *)", "does not have six fields"),
            ("cron(0 10 * * * *)", "needs a `?` either"),
            ("cron(0 10 ? * ? *)", "needs a `?` either"),
            ("cron(61 10 * * ? *)", "`cron(61 10 * * ? *)`: "),
            ("cron(0 10 ? * +MON *)", "`+` is not allowed"),
        ] {
            let error = ScheduleExpression::parse(wrong).unwrap_err().to_string();
            assert!(error.contains(sentence), "{error}");
        }
    }
}
