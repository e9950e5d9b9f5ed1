//! The configuration of AWS's clients for services on loopback.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

/// Returns the configuration of a client for the service at `endpoint` (`http://…`) that signs with the access key `key`.
pub fn sdk(endpoint: impl Into<String>, key: &str) -> SdkConfig {
    sdk_with_secret(endpoint, key, "local")
}

/// The same with a secret access key of its own.
pub fn sdk_with_secret(endpoint: impl Into<String>, key: &str, secret: &str) -> SdkConfig {
    let credentials = Credentials::new(key, secret, None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

/// The same without retries, so that a test sees each failure.
pub fn sdk_without_retries(endpoint: impl Into<String>, key: &str) -> SdkConfig {
    sdk(endpoint, key).to_builder().retry_config(RetryConfig::disabled()).build()
}
