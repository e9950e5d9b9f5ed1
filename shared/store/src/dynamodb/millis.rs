//! Timestamps in items: numbers of milliseconds, so that conditions and sort keys compare them. Earlier versions wrote mutes
//! beyond the year 9999; such a number is read as the end of the range.

use domain::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

// The signature that serde requires.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(crate) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    time.epoch_millis().serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(deserializer).map(Timestamp::nearest)
}

/// The same for a time that may be absent.
pub(crate) mod optional {
    use domain::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    // The signature that serde requires.
    #[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)]
    pub(crate) fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::epoch_millis).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::nearest))
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use serde::{Deserialize, Serialize};

    #[derive(Deserialize, Serialize)]
    struct Item {
        #[serde(with = "super::optional")]
        muted_until: Option<Timestamp>,
    }

    #[test]
    fn numbers_beyond_the_range_are_read_as_its_end() {
        let read = |millis: i64| serde_json::from_value::<Item>(serde_json::json!({"muted_until": millis})).unwrap();
        assert_eq!(read(253_402_344_000_000).muted_until, Some(Timestamp::MAX));
        assert_eq!(read(7).muted_until, Some(Timestamp::from_epoch_millis(7)));
    }
}
