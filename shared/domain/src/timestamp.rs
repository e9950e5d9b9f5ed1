//! Points in time, to the millisecond.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Always three digits of fraction, so that equal instants are equal text.
const WIRE: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The last millisecond of the year 9999.
const MAX_MILLIS: i64 = 253_402_300_799_999;

/// A time outside of the years 1970 to 9999 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time is not within the years 1970 to 9999 in UTC")]
pub struct OutOfRange;

/// A point in time within the years 1970 to 9999 in UTC, in whole milliseconds since the Unix epoch.
///
/// In JSON it is RFC 3339 in UTC with three digits of fraction (`2026-11-22T10:00:00.123Z`); in `DynamoDB` it is the
/// number of milliseconds; in SQL it is `timestamptz`. Each form has the same range, so one instant is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

thread_local! {
    /// The time that a simulation has given to this thread; `None` for the machine's clock.
    static SIMULATED: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

impl Timestamp {
    /// The beginning of the year 1970, the Unix epoch.
    pub const MIN: Self = Self(0);
    /// The last time that RFC 3339 can write.
    pub const MAX: Self = Self(MAX_MILLIS);

    /// The time of this machine's clock.
    ///
    /// # Panics
    ///
    /// If the clock is outside of the range: nothing that such a machine writes would be right.
    pub fn now() -> Self {
        if let Some(simulated) = SIMULATED.get() {
            return simulated;
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let millis = since_epoch.and_then(|since_epoch| i64::try_from(since_epoch.as_millis()).ok());
        millis
            .and_then(|millis| Self::of_epoch_millis(millis).ok())
            .expect("the clock is within the years 1970 to 9999")
    }

    /// Sets the clock of this thread, for simulations; `None` sets it back to the machine's.
    pub fn simulate(now: Option<Self>) {
        SIMULATED.set(now);
    }

    /// From milliseconds since the Unix epoch, of a constant.
    ///
    /// # Panics
    ///
    /// If they are out of range. Use [`Timestamp::of_epoch_millis`] for numbers that are read.
    pub const fn from_epoch_millis(millis: i64) -> Self {
        assert!(millis >= 0 && millis <= MAX_MILLIS, "the time is not within the years 1970 to 9999");
        Self(millis)
    }

    /// From milliseconds since the Unix epoch.
    pub const fn of_epoch_millis(millis: i64) -> Result<Self, OutOfRange> {
        if millis >= 0 && millis <= MAX_MILLIS { Ok(Self(millis)) } else { Err(OutOfRange) }
    }

    /// From milliseconds since the Unix epoch; the nearest end of the range for times outside of it.
    ///
    /// For stored items and deadlines, where both ends mean what the number meant: long ago, and not within any life.
    pub fn nearest(millis: i64) -> Self {
        Self(millis.clamp(0, MAX_MILLIS))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn epoch_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch: what `DynamoDB`'s time to live and a token's `exp` count in.
    pub const fn epoch_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The smallest later time.
    #[must_use]
    pub fn next(self) -> Self {
        Self::nearest(self.0 + 1)
    }

    /// This time moved forward by whole milliseconds of `duration`, at most to the end of the range.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::nearest(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This time moved back by whole milliseconds of `duration`, at most to the beginning of the range.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self::nearest(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time since `earlier`; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Reads any RFC 3339 time; more digits of fraction than three are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339).ok()?.try_into().ok()
    }
}

impl TryFrom<OffsetDateTime> for Timestamp {
    type Error = OutOfRange;

    fn try_from(time: OffsetDateTime) -> Result<Self, OutOfRange> {
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(millis).map_err(|_| OutOfRange).and_then(Self::of_epoch_millis)
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(Timestamp(millis): Timestamp) -> Self {
        OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(millis)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from(*self).format(WIRE).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("must be a time as in RFC 3339, within the years 1970 to 9999 in UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_rfc_3339_with_three_digits() {
        let time = Timestamp::from_epoch_millis(1_764_000_000_120);
        let json = serde_json::to_string(&time).unwrap();
        assert_eq!(json, r#""2025-11-24T16:00:00.120Z""#);
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
    }

    #[test]
    fn every_form_has_the_same_range() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T23:00:00-01:00", 0),
            ("9999-12-31T23:59:59.9999Z", MAX_MILLIS),
            ("9999-12-31T12:59:59.999-11:00", MAX_MILLIS),
        ] {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(time.epoch_millis(), millis, "{text}");
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time), "{text}");
            assert_eq!(Timestamp::try_from(OffsetDateTime::from(time)), Ok(time), "{text}");
        }
        for text in [
            "9999-12-31T23:59:59-12:00",
            "9999-12-31T23:59:59.999-00:01",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+12:00",
            "1969-12-31T23:59:59.9999Z",
            "1970-01-01T00:00:00+00:01",
            "10000-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "1764000000",
            "",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        for millis in [-1, MAX_MILLIS + 1, i64::MIN, i64::MAX] {
            assert_eq!(Timestamp::of_epoch_millis(millis), Err(OutOfRange));
        }
    }

    #[test]
    fn arithmetic_stays_within_the_range() {
        assert_eq!(Timestamp::MAX.next(), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.minus(Duration::from_secs(1)), Timestamp::MIN);
        assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!((Timestamp::nearest(i64::MIN), Timestamp::nearest(i64::MAX)), (Timestamp::MIN, Timestamp::MAX));
    }
}
