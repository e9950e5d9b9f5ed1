//! Configuration, read only from environment variables that the template sets.

use std::str::FromStr;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use store::StoreError;
use store::shared_cache::InvalidUrl;
use store::signed_requests::endpoint_elsewhere;

/// An environment variable that is not as the template should give it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The template forgot it.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It is no length of time.
    #[error("the environment variable {0} is not a whole number of seconds")]
    NotSeconds(&'static str),
    /// A client cannot be built from it.
    #[error("the environment has no place for a client")]
    Client(#[from] StoreError),
    /// It is no URL of a cache.
    #[error("the environment variable {0} cannot be used")]
    InvalidCacheUrl(&'static str, #[source] InvalidUrl),
    /// It is no number.
    #[error("the environment variable {0} is not a whole number")]
    NotANumber(&'static str),
    /// It is no number of days.
    #[error("the environment variable {0} is not a whole number of days")]
    NotDays(&'static str),
}

/// A variable that the function cannot do without.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
}

/// A variable that the template always sets; `None` if it is empty, which turns a part of the function off.
pub fn given(name: &'static str) -> Result<Option<String>, ConfigError> {
    let value = std::env::var(name).map_err(|_| ConfigError::Missing(name))?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

pub fn number<T: FromStr>(name: &'static str) -> Result<T, ConfigError> {
    required(name)?.parse().map_err(|_| ConfigError::NotANumber(name))
}

/// A length of time, in whole seconds.
pub fn seconds(name: &'static str) -> Result<Duration, ConfigError> {
    required(name)?.parse().map(Duration::from_secs).map_err(|_| ConfigError::NotSeconds(name))
}

/// A length of time, in whole days. A local cloud may give parts of a day, so that tests need not wait for one.
pub fn days(name: &'static str) -> Result<Duration, ConfigError> {
    let is_local = endpoint_elsewhere("S3").is_some();
    days_in(&required(name)?, is_local).ok_or(ConfigError::NotDays(name))
}

/// Returns a number of days, if it is a whole one or `parts` are allowed.
fn days_in(text: &str, parts: bool) -> Option<Duration> {
    let day = Duration::from_hours(24);
    match text.parse::<u32>() {
        Ok(days) => day.checked_mul(days),
        Err(_) if parts => Duration::try_from_secs_f64(text.parse::<f64>().ok()? * day.as_secs_f64()).ok(),
        Err(_) => None,
    }
}

/// Returns the number of invocations that the process runs at once: 1 but on a Lambda Managed Instance.
pub fn max_concurrency() -> u32 {
    number("AWS_LAMBDA_MAX_CONCURRENCY").ok().filter(|count| *count > 0).unwrap_or(1)
}

/// Time limit of one attempt of an AWS call. The hot path's calls take milliseconds: a longer one is lost, and the next attempt
/// succeeds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// Time limit of an AWS call with all its attempts: half of the timeout of a function whose caller waits.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit of opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// HTTP for requests that no SDK makes, with the same TLS.
pub fn http_connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let builder = Connector::builder().connector_settings(settings);
    SharedHttpConnector::new(builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build())
}

/// HTTP with TLS by rustls and ring.
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// Returns the configuration that every AWS client of a function shares: region, credentials and endpoints from the
/// environment, one TLS set-up.
///
/// The SDK reads the endpoints itself (`AWS_ENDPOINT_URL_*`): a function does not distinguish AWS from the local cloud.
pub async fn aws() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts)
        .load()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_day_are_for_the_local_cloud_alone() {
        for parts in [false, true] {
            assert_eq!(days_in("0", parts), Some(Duration::ZERO));
            assert_eq!(days_in("180", parts), Some(Duration::from_hours(4_320)));
            for text in ["", "-1", "-0.5", "x", "NaN", "inf", "1e300"] {
                assert_eq!(days_in(text, parts), None, "{text}");
            }
        }
        assert_eq!((days_in("0.5", false), days_in("1.5", false)), (None, None));
        assert_eq!(days_in("0.5", true), Some(Duration::from_hours(12)));
    }
}
