//! The results of closed polls, as files that people can download.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use lambda_runtime::Error;
use serde_json::Value;

use crate::variable;

const FOLDER: &str = "results/";
const EXTENSION: &str = ".json";

/// Validity of a link to a result.
const LINK: Duration = Duration::from_mins(5);

/// The bucket of results.
pub struct Results {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

impl Results {
    pub fn new(config: &aws_config::SdkConfig) -> Result<Self, Error> {
        Ok(Self { s3: aws_sdk_s3::Client::new(config), bucket: variable("RESULTS_BUCKET")? })
    }

    /// Writes the result of a poll. Doing so twice changes nothing.
    pub async fn export(&self, poll: &str, result: &Value) -> Result<(), Error> {
        self.s3
            .put_object()
            .bucket(&self.bucket)
            .key(format!("{FOLDER}{poll}{EXTENSION}"))
            .content_type("application/json")
            .body(ByteStream::from(result.to_string().into_bytes()))
            .send()
            .await?;
        Ok(())
    }

    /// Returns a link with which anybody can download a result for a while.
    pub async fn link(&self, key: &str) -> Result<String, Error> {
        let request = self.s3.get_object().bucket(&self.bucket).key(key);
        let request = request.response_content_disposition("attachment; filename=\"result.json\"");
        Ok(request.presigned(PresigningConfig::expires_in(LINK)?).await?.uri().to_owned())
    }
}

/// The id of the poll whose result has that key.
pub fn poll_of(key: &str) -> Option<&str> {
    key.strip_prefix(FOLDER)?.strip_suffix(EXTENSION)
}
