//! The answers that the protocol documents.

use std::collections::BTreeMap;
use std::fmt;

use domain::ErrorCode;
use serde_json::Value;

/// Number of answers by status or code.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Adds the counts of another attacker.
    pub(crate) fn add(&mut self, other: &Self) {
        for (answer, count) in &other.0 {
            *self.0.entry(answer.clone()).or_default() += count;
        }
    }

    fn count(&mut self, answer: impl Into<String>) {
        *self.0.entry(answer.into()).or_default() += 1;
    }

    /// Number of requests that were carried out.
    pub(crate) fn accepted(&self) -> u64 {
        self.0.get("accepted").copied().unwrap_or_default()
    }

    /// Number of requests that were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.0.iter().filter(|(answer, _)| *answer != "accepted").map(|(_, count)| count).sum()
    }

    /// Checks an answer of the HTTP API.
    ///
    /// # Panics
    ///
    /// If the protocol does not document it.
    pub(crate) fn http(&mut self, status: u16, body: &[u8], input: &str) {
        if status < 400 {
            return self.count("accepted");
        }
        let body: Value = serde_json::from_slice(body)
            .unwrap_or_else(|_| panic!("{status} without a JSON body to {input}: {}", String::from_utf8_lossy(body)));
        // API Gateway's own answers have no code.
        if body.get("code").is_none()
            && body["message"].is_string()
            && [400, 401, 403, 404, 413, 414, 429, 431].contains(&status)
        {
            return self.count(format!("gateway {status}"));
        }
        let code = code(&body["code"]).unwrap_or_else(|| panic!("no documented code in {status} {body} to {input}"));
        assert_eq!(code.status(), status, "{body} to {input}");
        assert_ne!(code, ErrorCode::Internal, "{body} to {input}");
        self.count(code.to_string());
    }

    /// Checks the answer to a frame.
    ///
    /// # Panics
    ///
    /// If the protocol does not document it.
    pub(crate) fn frame(&mut self, answer: &Value, input: &str) {
        match answer["type"].as_str() {
            Some("error") => {
                let code = code(&answer["error"]["code"]);
                let code = code.unwrap_or_else(|| panic!("no documented code in {answer} to {input}"));
                assert_ne!(code, ErrorCode::Internal, "{answer} to {input}");
                self.count(code.to_string());
            }
            Some("sent" | "accepted" | "synced" | "pong") => self.count("accepted"),
            _ => panic!("{answer} to {input}"),
        }
    }
}

fn code(code: &Value) -> Option<ErrorCode> {
    serde_json::from_value(code.clone()).ok()
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(|(answer, count)| format!("{answer}: {count}")).collect();
        f.write_str(&all.join(", "))
    }
}
