//! Settings of an index.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::ApiError;

/// Time between two refreshes unless set.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

const MAX_RESULT_WINDOW: usize = 10_000;
const MAX_TERMS_COUNT: usize = 65_536;

/// The settings that an index was created with, as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    given: Map<String, Value>,
}

impl Settings {
    /// Reads `settings`, whose keys may begin with `index.` or stand in an object `index`.
    pub(crate) fn read(value: &Value) -> Result<Self, ApiError> {
        let mut given = Map::new();
        flatten("", value, &mut given);
        let mut settings = Self::default();
        for (key, value) in given {
            let key = key.strip_prefix("index.").unwrap_or(&key).to_owned();
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let wrong = |reason: &str| {
                Err(ApiError::illegal_argument(format!(
                    "Failed to parse value [{text}] for setting [index.{key}]{reason}"
                )))
            };
            match key.as_str() {
                "number_of_shards" | "max_result_window" | "max_terms_count" => {
                    if !text.parse::<usize>().is_ok_and(|number| number >= 1) {
                        return wrong(" must be >= 1");
                    }
                }
                "number_of_replicas" => {
                    if text.parse::<usize>().is_err() {
                        return wrong(" must be >= 0");
                    }
                }
                "refresh_interval" => {
                    if text != "-1" && duration(&text).is_none() {
                        return wrong(" as a time value: unit is missing or unrecognized");
                    }
                }
                other => {
                    let reason = format!(
                        "unknown setting [index.{other}] please check that any required plugins are installed, or check the breaking \
                         changes documentation for removed settings: it is not emulated"
                    );
                    return Err(ApiError::illegal_argument(reason));
                }
            }
            settings.given.insert(key, text.into());
        }
        Ok(settings)
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.given.get(key)?.as_str()?.parse().ok()
    }

    /// Returns the time after which a write is searchable; `None` where only requests refresh.
    pub(crate) fn refresh_interval(&self) -> Option<Duration> {
        match self.given.get("refresh_interval").and_then(Value::as_str) {
            Some("-1") => None,
            Some(text) => Some(duration(text).unwrap_or(REFRESH_INTERVAL)),
            None => Some(REFRESH_INTERVAL),
        }
    }

    pub(crate) fn replicas(&self) -> usize {
        self.number("number_of_replicas").unwrap_or(1)
    }

    pub(crate) fn max_result_window(&self) -> usize {
        self.number("max_result_window").unwrap_or(MAX_RESULT_WINDOW)
    }

    pub(crate) fn max_terms_count(&self) -> usize {
        self.number("max_terms_count").unwrap_or(MAX_TERMS_COUNT)
    }

    /// Returns the JSON of `settings` in answers, with what the engine adds.
    pub(crate) fn described(&self, name: &str, uuid: &str, created: u64) -> Value {
        let mut index = self.given.clone();
        let added = [
            ("number_of_shards", json!("1")),
            ("number_of_replicas", json!(self.replicas().to_string())),
            ("creation_date", json!(created.to_string())),
            ("provided_name", json!(name)),
            ("uuid", json!(uuid)),
            ("version", json!({ "created": "136408127" })),
        ];
        for (key, value) in added {
            index.entry(key).or_insert(value);
        }
        json!({ "index": index })
    }
}

fn flatten(prefix: &str, value: &Value, flat: &mut Map<String, Value>) {
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            flatten(&key, value, flat);
        }),
        other => {
            flat.insert(prefix.to_owned(), other.clone());
        }
    }
}

/// Reads a time with its unit, such as `500ms`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "nanos" => Duration::from_nanos(number),
        "micros" => Duration::from_micros(number),
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        "d" => Duration::from_secs(number.checked_mul(86_400)?),
        _ => return None,
    })
}
