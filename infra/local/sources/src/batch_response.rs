//! A function's answer to a batch (`ReportBatchItemFailures`), for every kind of event source.

use serde::Deserialize;

/// The identifiers that the response reports as failed, as they are: an entry without one is `None`. Empty, as Lambda has
/// it, for an empty or null response and for an empty or null list. `None`: the response is no batch response.
pub(crate) fn reported_failures(response: &[u8]) -> Option<Vec<Option<String>>> {
    #[derive(Default, Deserialize)]
    struct Response {
        #[serde(rename = "batchItemFailures")]
        failures: Option<Vec<Failure>>,
    }
    #[derive(Deserialize)]
    struct Failure {
        #[serde(rename = "itemIdentifier")]
        identifier: Option<String>,
    }
    if response.is_empty() {
        return Some(Vec::new());
    }
    let response: Option<Response> = serde_json::from_slice(response).ok()?;
    let failures = response.unwrap_or_default().failures.unwrap_or_default();
    Some(failures.into_iter().map(|failure| failure.identifier).collect())
}
