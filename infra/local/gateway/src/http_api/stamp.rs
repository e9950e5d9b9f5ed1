//! The id and time that API Gateway assigns to every request.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// The access log's format, for example `21/Apr/2020:15:08:21 +0000`.
const LOG_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// One request's id and time.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Looks like API Gateway's: see [`new_id`].
    pub id: String,
    /// As access logs write it.
    pub time: String,
    /// Milliseconds since 1970: `requestContext.timeEpoch`.
    pub time_epoch: i64,
}

impl Stamp {
    /// A fresh id and the time of day.
    pub fn now() -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            id: new_id(),
            // All parts of the format exist in every date.
            time: now.format(LOG_TIME).unwrap_or_default(),
            time_epoch: i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX),
        }
    }

    /// An `X-Amzn-Trace-Id` for a request that came without one.
    pub fn trace_id(&self) -> String {
        let random = rand::random::<u128>() >> 32;
        format!("Root=1-{:08x}-{random:024x}", self.time_epoch / 1000)
    }
}

/// A random id in the form of API Gateway's request and connection ids: 11 bytes in URL-safe base64, so it ends in `=`.
pub fn new_id() -> String {
    URL_SAFE.encode(rand::random::<[u8; 11]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_api_gateways() {
        let id = new_id();
        assert_eq!(id.len(), "LV7fzho-PHcEJPw=".len());
        assert!(id.ends_with('=') && !id.ends_with("=="));
        assert_ne!(id, new_id());
    }

    #[test]
    fn time_is_written_as_in_access_logs() {
        let time = OffsetDateTime::from_unix_timestamp(1_587_481_701).unwrap();
        assert_eq!(time.format(LOG_TIME).unwrap(), "21/Apr/2020:15:08:21 +0000");
    }
}
