//! What an app adds to messages, conversations and users: a JSON object that Palaver keeps and never reads.
//!
//! It is stored in DynamoDB, PostgreSQL and files, and has to come back from each as it was. The rules for numbers and keys see to
//! that.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::number::MAX_NUMBER;
use crate::{ApiError, ErrorCode};

/// Most bytes of the object, as JSON without spaces.
pub const MAX_CUSTOM_BYTES: usize = 4 * 1024;

/// Most levels of objects and arrays, the object itself included.
pub const MAX_CUSTOM_LEVELS: usize = 8;

/// Longest key, in bytes.
pub const MAX_CUSTOM_KEY_BYTES: usize = 100;

/// Smallest fraction but zero: DynamoDB's is smaller.
const MIN_FRACTION: f64 = 1e-100;

/// An object that an app has added. [`Self::check`] holds its limits against what a client sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Custom(Map<String, Value>);

impl Custom {
    /// Returns true for the object without fields, which stands for none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the object, or `None` for an empty one.
    pub fn non_empty(self) -> Option<Self> {
        Some(self).filter(|custom| !custom.is_empty())
    }

    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Checks an object against every limit, and brings its numbers into their one form.
    pub fn check(mut self) -> Result<Self, ApiError> {
        check_fields("custom", 1, &mut self.0)?;
        let bytes = self.canonical().len();
        if bytes > MAX_CUSTOM_BYTES {
            let message = format!("`custom` has {bytes} bytes; the limit is {MAX_CUSTOM_BYTES}.");
            return Err(ApiError::new(ErrorCode::CustomTooLarge, message));
        }
        Ok(self)
    }

    /// Checks what a client has sent. An empty object is none.
    pub fn checked(custom: Option<Self>) -> Result<Option<Self>, ApiError> {
        Ok(custom.map(Self::check).transpose()?.and_then(Self::non_empty))
    }

    /// Returns the JSON text, the same for equal objects.
    pub fn canonical(&self) -> String {
        // Keys are in their order, and an object with keys that are texts can always be written.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Reads what [`Self::canonical`] has written.
    pub fn stored(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

impl From<Map<String, Value>> for Custom {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

fn check_fields(path: &str, level: usize, fields: &mut Map<String, Value>) -> Result<(), ApiError> {
    for (key, value) in fields {
        let is_valid = (1..=MAX_CUSTOM_KEY_BYTES).contains(&key.len())
            && !key.starts_with('$')
            && !key.chars().any(char::is_control);
        if !is_valid {
            return Err(ApiError::invalid(format!(
                "Each key in `{path}` must have 1 to {MAX_CUSTOM_KEY_BYTES} bytes, no controls, and no `$` at its beginning."
            )));
        }
        check_value(&format!("{path}.{key}"), level, value)?;
    }
    Ok(())
}

fn check_value(path: &str, level: usize, value: &mut Value) -> Result<(), ApiError> {
    if level == MAX_CUSTOM_LEVELS && (value.is_object() || value.is_array()) {
        return Err(ApiError::invalid(format!("`custom` can have at most {MAX_CUSTOM_LEVELS} levels.")));
    }
    match value {
        // PostgreSQL has no such character.
        Value::String(text) if text.contains('\0') => {
            Err(ApiError::invalid(format!("`{path}` must not have the character U+0000.")))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => {
            *number = checked_number(number).ok_or_else(|| {
                ApiError::invalid(format!(
                    "`{path}` must be a number from -{MAX_NUMBER} to {MAX_NUMBER}, and zero or not smaller than {MIN_FRACTION:e}."
                ))
            })?;
            Ok(())
        }
        Value::Array(elements) => elements
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, element)| check_value(&format!("{path}[{index}]"), level + 1, element)),
        Value::Object(fields) => check_fields(path, level + 1, fields),
    }
}

/// Returns a number in its one form: a whole one without a fraction.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "at most 2^53 - 1")]
fn checked_number(number: &Number) -> Option<Number> {
    let is_safe = |whole: i64| whole.unsigned_abs() <= MAX_NUMBER;
    if let Some(whole) = number.as_i64() {
        return is_safe(whole).then(|| number.clone());
    }
    let fraction = number.as_f64().filter(|fraction| fraction.abs() <= MAX_NUMBER as f64)?;
    if fraction.fract() == 0.0 {
        return Some(Number::from(fraction as i64));
    }
    Some(number.clone()).filter(|_| fraction.abs() >= MIN_FRACTION)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn checked(value: &Value) -> Result<Custom, ApiError> {
        from_value::<Custom>(value.clone()).unwrap().check()
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn limits_are_named() {
        let filled = |bytes: usize| json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())});
        assert!(checked(&filled(MAX_CUSTOM_BYTES)).is_ok());
        assert_eq!(checked(&filled(MAX_CUSTOM_BYTES + 1)).unwrap_err().code, ErrorCode::CustomTooLarge);
        assert!(checked(&nested(MAX_CUSTOM_LEVELS)).is_ok());
        assert!(checked(&json!({"k".repeat(MAX_CUSTOM_KEY_BYTES): 1})).is_ok());
        for (value, names) in [
            (nested(MAX_CUSTOM_LEVELS + 1), "8 levels"),
            (nested(100), "8 levels"),
            (json!({"": 1}), "`custom`"),
            (json!({"a": {"k".repeat(MAX_CUSTOM_KEY_BYTES + 1): 1}}), "`custom.a`"),
            (json!({"$serde_json::private::RawValue": "["}), "`custom`"),
            (json!({"a\n": 1}), "`custom`"),
            (json!({"a": ["b", "\0"]}), "`custom.a[1]`"),
            (json!({"a": MAX_NUMBER + 1}), "`custom.a`"),
            (json!({"a": u64::MAX}), "`custom.a`"),
            (json!({"a": i64::MIN}), "`custom.a`"),
            (json!({"a": 1e16}), "`custom.a`"),
            (json!({"a": 1e-101}), "`custom.a`"),
        ] {
            let refusal = checked(&value).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidRequest);
            assert!(refusal.message.contains(names), "{}", refusal.message);
        }
    }

    #[test]
    fn equal_objects_have_one_text() {
        let custom = checked(&json!({"b": [1.0, -0.0, 0.5, {"z": null, "y": true}], "a": -7})).unwrap();
        assert_eq!(custom.canonical(), r#"{"a":-7,"b":[1,0,0.5,{"y":true,"z":null}]}"#);
        assert_eq!(Custom::stored(&custom.canonical()).unwrap(), custom);
        assert_eq!(custom.clone().non_empty(), Some(custom));
        assert_eq!(checked(&json!({})).unwrap().non_empty(), None);
    }
}
