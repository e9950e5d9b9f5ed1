//! Timestamps in items: numbers of milliseconds, so that conditions and sort keys compare them.

use domain::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

// The signature that serde requires.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(crate) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    time.epoch_millis().serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(deserializer).map(Timestamp::from_epoch_millis)
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
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_epoch_millis))
    }
}
