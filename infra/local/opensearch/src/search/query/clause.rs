//! The parts of a query: parameters, each known or refused.

use serde_json::{Map, Value};

use super::{FieldParameters, Kind, Query};
use crate::error::ApiError;

/// The parameters of a query, of which each has to be taken.
pub(super) struct Parameters {
    query: &'static str,
    rest: Map<String, Value>,
}

impl Parameters {
    pub(super) fn of(query: &'static str, body: &Value) -> Result<Self, ApiError> {
        let malformed = || ApiError::parsing(format!("[{query}] query malformed, no start_object after query name"));
        Ok(Self { query, rest: body.as_object().ok_or_else(malformed)?.clone() })
    }

    /// Opens the parameters of the one field that a query is about: `{"<field>": {…}}`, or `{"<field>": <value>}` as short for
    /// `value` under this key.
    pub(super) fn of_field(query: &'static str, key: &str, body: &Value) -> Result<(String, Self), ApiError> {
        let Self { rest, .. } = Self::of(query, body)?;
        let mut entries = rest.into_iter();
        let missing = || ApiError::parsing(format!("[{query}] query malformed, no field is given"));
        let (field, value) = entries.next().ok_or_else(missing)?;
        if let Some((second, _)) = entries.next() {
            let reason = format!("[{query}] query doesn't support multiple fields, found [{field}] and [{second}]");
            return Err(ApiError::parsing(reason));
        }
        let rest = match value {
            Value::Object(parameters) => parameters,
            Value::Array(_) => {
                let reason = format!("[{query}] unknown token [START_ARRAY] after [{field}]");
                return Err(ApiError::parsing(reason));
            }
            value => FieldParameters::from_iter([(key.to_owned(), value)]),
        };
        Ok((field, Self { query, rest }))
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.rest.remove(key)
    }

    /// Takes the value that the query cannot do without.
    pub(super) fn required(&mut self, key: &str) -> Result<Value, ApiError> {
        let query = self.query;
        match self.take(key) {
            None | Some(Value::Null) => Err(ApiError::illegal_argument(format!("[{query}] requires [{key}]"))),
            Some(value @ (Value::Object(_) | Value::Array(_))) => {
                let reason = format!("[{query}] unknown token after [{key}]: {value}");
                Err(ApiError::parsing(reason))
            }
            Some(value) => Ok(value),
        }
    }

    /// Takes a number that is not negative.
    pub(super) fn number(&mut self, key: &str, default: u32) -> Result<u32, ApiError> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let number = crate::mapping::long(&value).ok().and_then(|number| u32::try_from(number).ok());
        number
            .ok_or_else(|| ApiError::illegal_argument(format!("[{}] requires non-negative {key}: {value}", self.query)))
    }

    /// Ends with `kind` and the boost. A parameter that is left is an error.
    pub(super) fn finish(mut self, kind: impl FnOnce(&mut Self) -> Result<Kind, ApiError>) -> Result<Query, ApiError> {
        let boost = self.take("boost").map_or(Ok(1.0), |value| boost(&value))?;
        let kind = kind(&mut self)?;
        match self.rest.keys().next() {
            None => Ok(Query { kind, boost }),
            Some(key) => {
                let query = self.query;
                let reason = format!("[{query}] query does not support [{key}], or it is not emulated");
                Err(ApiError::parsing(reason))
            }
        }
    }
}

pub(super) fn boost(value: &Value) -> Result<f32, ApiError> {
    #[allow(clippy::cast_possible_truncation, reason = "scores have this precision")]
    let boost = value.as_f64().map(|boost| boost as f32);
    boost
        .filter(|boost| *boost >= 0.0)
        .ok_or_else(|| ApiError::illegal_argument(format!("negative [boost] are not allowed: {value}")))
}
