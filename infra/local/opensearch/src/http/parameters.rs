//! Parameters of the query of a URL: each known or refused.

use std::collections::BTreeMap;

use crate::error::ApiError;

/// Parameters that change nothing but the look of an answer, or nothing here.
const IGNORED: [&str; 4] = ["pretty", "human", "error_trace", "timeout"];

/// The parameters of a request, of which each has to be taken.
#[derive(Debug)]
pub(super) struct Parameters {
    path: String,
    rest: BTreeMap<String, String>,
}

/// The time at which a write becomes searchable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresh {
    /// With the next refresh.
    Later,
    /// Before the answer is sent.
    Now,
}

impl Parameters {
    pub(super) fn read(path: &str, query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let rest = pairs.filter(|(name, _)| !IGNORED.contains(&name.as_str())).collect();
        Self { path: path.to_owned(), rest }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.rest.get(name).map(String::as_str)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.rest.remove(name)
    }

    /// A parameter without a value is true.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, ApiError> {
        match self.take(name).as_deref() {
            Some("" | "true") => Ok(true),
            None | Some("false") => Ok(false),
            Some(other) => {
                let reason = format!("Failed to parse value [{other}] as only [true] or [false] are allowed.");
                Err(ApiError::illegal_argument(reason))
            }
        }
    }

    pub(super) fn refresh(&mut self) -> Result<Refresh, ApiError> {
        match self.take("refresh").as_deref() {
            None | Some("false") => Ok(Refresh::Later),
            Some("" | "true" | "wait_for") => Ok(Refresh::Now),
            Some(other) => Err(ApiError::illegal_argument(format!("Unknown value for refresh: [{other}]."))),
        }
    }

    /// Refuses what is left.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(name) => {
                let path = self.path;
                let reason =
                    format!("request [{path}] contains unrecognized parameter: [{name}], or it is not emulated");
                Err(ApiError::illegal_argument(reason))
            }
        }
    }
}
