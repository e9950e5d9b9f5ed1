//! The messages of a batch that a function reports as failed (`ReportBatchItemFailures`).

use std::collections::BTreeSet;

use crate::batch_response::reported_failures;

/// The next step for a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// These message ids stay, the others are deleted. Empty: all are done.
    Failed(BTreeSet<String>),
    /// Nothing of the response can be relied on: all messages stay.
    Unusable(&'static str),
}

/// Reads the response as "Success and failure conditions" in the Lambda developer guide has it: an empty or null response,
/// or an empty or null list, is a success; an entry without a known id is a failure of the whole batch.
pub(super) fn verdict(response: &[u8], batch: &BTreeSet<String>) -> Verdict {
    let Some(failures) = reported_failures(response) else {
        return Verdict::Unusable("the response is no batch response");
    };
    let ids: Option<BTreeSet<String>> =
        failures.into_iter().map(|failed| failed.filter(|id| batch.contains(id))).collect();
    ids.map_or(Verdict::Unusable("an itemIdentifier is missing, empty or not of this batch"), Verdict::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(response: &str) -> Verdict {
        verdict(response.as_bytes(), &["a", "b"].map(str::to_owned).into())
    }

    #[test]
    fn an_empty_or_null_response_or_list_is_a_success() {
        for response in ["", "null", "{}", r#"{"batchItemFailures": null}"#, r#"{"batchItemFailures": []}"#] {
            assert_eq!(of(response), Verdict::Failed(BTreeSet::new()), "{response}");
        }
    }

    #[test]
    fn listed_messages_have_failed() {
        let failed = Verdict::Failed(["b".to_owned()].into());
        assert_eq!(of(r#"{"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]}"#), failed);
    }

    #[test]
    fn an_entry_without_a_known_id_fails_the_batch() {
        for entry in
            [r#"{"itemIdentifier": ""}"#, r#"{"itemIdentifier": null}"#, r#"{"id": "a"}"#, r#"{"itemIdentifier": "c"}"#]
        {
            let response = format!(r#"{{"batchItemFailures": [{{"itemIdentifier": "a"}}, {entry}]}}"#);
            assert!(matches!(of(&response), Verdict::Unusable(_)), "{response}");
        }
    }

    #[test]
    fn anything_else_fails_the_batch() {
        for response in ["7", "\"done\"", "[]", "{", r#"{"batchItemFailures": 7}"#, r#"{"batchItemFailures": [7]}"#] {
            assert!(matches!(of(response), Verdict::Unusable(_)), "{response}");
        }
    }
}
