//! The configuration of AWS's clients for services on loopback, and requests that are signed as theirs.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

/// Returns the configuration of a client for the service at `endpoint` (`http://…`) that signs with the developer's key. In plans of
/// faults it is the function `name`.
pub fn sdk(endpoint: impl Into<String>, name: &str) -> SdkConfig {
    let credentials = local_aws::Credentials::developer();
    sdk_as(endpoint, local_aws::Credentials { session_token: Some(name.to_owned()), ..credentials })
}

/// The same with other credentials.
pub fn sdk_as(endpoint: impl Into<String>, credentials: local_aws::Credentials) -> SdkConfig {
    let local_aws::Credentials { access_key, secret_key, session_token } = credentials;
    let credentials = Credentials::new(access_key, secret_key, session_token, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

/// The same without retries, so that a test sees each failure.
pub fn sdk_without_retries(endpoint: impl Into<String>, name: &str) -> SdkConfig {
    sdk(endpoint, name).to_builder().retry_config(RetryConfig::disabled()).build()
}

/// Signs a request that is made without AWS's clients, with the developer's key.
///
/// # Panics
///
/// If it is no request, or if its body is a stream.
pub fn signed(request: reqwest::RequestBuilder, service: &str) -> reqwest::RequestBuilder {
    let whole = request.try_clone().expect("no stream").build().expect("a request");
    let body = whole.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
    let mut signed = http::Request::new(body);
    *signed.method_mut() = whole.method().clone();
    *signed.uri_mut() = whole.url().as_str().parse().expect("a URL");
    *signed.headers_mut() = whole.headers().clone();
    local_aws::signature::sign(&local_aws::Credentials::developer(), service, &mut signed);
    request.headers(signed.headers().clone())
}
