//! From which record on a function reports a batch as failed (`ReportBatchItemFailures`).

use crate::batch_response::reported_failures;

/// The next step for a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it is done.
    Done,
    /// This record and all after it are to be repeated.
    FailedFrom(usize),
}

/// Reads the response as "Success and failure conditions" in the Lambda developer guide has it: an empty or null response,
/// or an empty or null list, is a success; the lowest of the reported sequence numbers is where to go on; an entry without
/// a number of the batch is a failure of the whole batch.
pub(super) fn verdict<'a>(response: &[u8], numbers: impl Iterator<Item = &'a str>) -> Verdict {
    let Some(failures) = reported_failures(response) else {
        return Verdict::FailedFrom(0);
    };
    if failures.is_empty() {
        return Verdict::Done;
    }
    let numbers: Vec<&str> = numbers.collect();
    let place = |failed: Option<String>| numbers.iter().position(|number| Some(*number) == failed.as_deref());
    let places: Option<Vec<usize>> = failures.into_iter().map(place).collect();
    Verdict::FailedFrom(places.and_then(|places| places.into_iter().min()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(response: &str) -> Verdict {
        verdict(response.as_bytes(), ["1", "2", "3"].into_iter())
    }

    #[test]
    fn an_empty_or_null_response_or_list_is_a_success() {
        for response in ["", "null", "{}", r#"{"batchItemFailures": null}"#, r#"{"batchItemFailures": []}"#] {
            assert_eq!(of(response), Verdict::Done, "{response}");
        }
    }

    #[test]
    fn the_lowest_number_is_where_to_go_on() {
        let response = r#"{"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}"#;
        assert_eq!(of(response), Verdict::FailedFrom(1));
    }

    #[test]
    fn anything_else_fails_the_batch() {
        for entry in [r#"{"itemIdentifier": ""}"#, r#"{"itemIdentifier": null}"#, r#"{"id": "1"}"#, "7"] {
            let response = format!(r#"{{"batchItemFailures": [{{"itemIdentifier": "2"}}, {entry}]}}"#);
            assert_eq!(of(&response), Verdict::FailedFrom(0), "{response}");
        }
        for response in ["7", "[]", "{", r#"{"batchItemFailures": 7}"#] {
            assert_eq!(of(response), Verdict::FailedFrom(0), "{response}");
        }
    }
}
