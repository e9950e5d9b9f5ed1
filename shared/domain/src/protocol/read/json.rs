//! JSON of a client.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::error::short;
use super::value::Reader;
use crate::{ApiError, ErrorCode};

/// Largest text that a client may send in one request: the limit of a WebSocket message, and twice the size of the largest
/// request.
pub const MAX_REQUEST_BYTES: usize = 128 * 1024;

/// A body or frame that is JSON as a whole, fields that nobody reads included.
#[derive(Debug)]
pub struct Json(Value);

impl Json {
    /// Parses one JSON text: UTF-8 without a byte order mark, at most 128 levels deep, each field once.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.len() > MAX_REQUEST_BYTES {
            let message = format!("A request can have at most {MAX_REQUEST_BYTES} bytes.");
            return Err(ApiError::new(ErrorCode::BodyTooLarge, message));
        }
        let repeated = Cell::new(None);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Tree(&repeated).deserialize(&mut deserializer);
        match value.and_then(|value| deserializer.end().map(|()| value)) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(match repeated.take() {
                Some(name) => ApiError::invalid(format!("The field `{}` occurs twice.", short(&name))),
                None => ApiError::new(ErrorCode::BadJson, format!("The request is not valid JSON: {}.", place(&error))),
            }),
        }
    }

    /// Reads the value as a type of the protocol.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        T::deserialize(Reader(&self.0)).map_err(|error| error.refusal("field"))
    }
}

fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// Builds the value, and keeps the name of a field that occurs twice in an object.
#[derive(Clone, Copy)]
struct Tree<'a>(&'a Cell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                self.0.set(Some(name));
                return Err(de::Error::custom("a field occurs twice"));
            }
            let value = fields.next_value_seed(self)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::{ConversationId, Role, Seq, Timestamp, UserId};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Body {
        user_ids: Vec<UserId>,
        #[serde(default)]
        parts: Vec<Part>,
        #[serde(default)]
        cursors: BTreeMap<ConversationId, Seq>,
        role: Option<Role>,
        until: Option<Timestamp>,
        text: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Part {
        number: u64,
    }

    fn refusal(text: &str) -> (ErrorCode, String) {
        let refusal = Json::parse(text).and_then(|json| json.read::<Body>()).expect_err(text);
        (refusal.code, refusal.message)
    }

    #[test]
    fn errors_name_the_field() {
        for (code, detail, text) in [
            (ErrorCode::InvalidRequest, "The request must be an object.", "7"),
            (
                ErrorCode::InvalidRequest,
                "The request must be an object.",
                r#"[["00000000-0000-0000-0000-000000000001"]]"#,
            ),
            (ErrorCode::InvalidRequest, "The field `user_ids` is missing.", "{}"),
            (ErrorCode::InvalidRequest, "`user_ids` must be an array.", r#"{"user_ids":{}}"#),
            (ErrorCode::InvalidRequest, "`user_ids` must be an array.", r#"{"user_ids":null}"#),
            (ErrorCode::InvalidRequest, "`user_ids[0]` must be a string.", r#"{"user_ids":[7]}"#),
            (
                ErrorCode::InvalidUuid,
                "`user_ids[1]` is not a UUID.",
                r#"{"user_ids":["00000000-0000-0000-0000-000000000001","bob"]}"#,
            ),
            (
                ErrorCode::InvalidUuid,
                "`user_ids[0]` is not a UUID.",
                r#"{"user_ids":["{00000000-0000-0000-0000-000000000001}"]}"#,
            ),
            (ErrorCode::UnknownField, "The field `as` is unknown.", r#"{"user_ids":[],"as":"owner"}"#),
            (ErrorCode::UnknownField, "The field `parts[0].n` is unknown.", r#"{"user_ids":[],"parts":[{"n":1}]}"#),
            (
                ErrorCode::InvalidRequest,
                "The field `parts[1].number` is missing.",
                r#"{"user_ids":[],"parts":[{"number":1},{}]}"#,
            ),
            (ErrorCode::InvalidRequest, "`parts[0]` must be an object.", r#"{"user_ids":[],"parts":[[1]]}"#),
            (
                ErrorCode::InvalidRequest,
                "`parts[0].number` must be a whole number.",
                r#"{"user_ids":[],"parts":[{"number":1.0}]}"#,
            ),
            (
                ErrorCode::InvalidRequest,
                "`parts[0].number` must be a whole number.",
                r#"{"user_ids":[],"parts":[{"number":1e3}]}"#,
            ),
            (
                ErrorCode::InvalidRequest,
                "`parts[0].number` must be a whole number.",
                r#"{"user_ids":[],"parts":[{"number":-1}]}"#,
            ),
            (
                ErrorCode::InvalidRequest,
                "`parts[0].number` must be at most 9007199254740991.",
                r#"{"user_ids":[],"parts":[{"number":9007199254740992}]}"#,
            ),
            (
                ErrorCode::InvalidRequest,
                "`parts[0].number` must be a whole number.",
                r#"{"user_ids":[],"parts":[{"number":"1"}]}"#,
            ),
            (ErrorCode::InvalidUuid, "`cursors.bob` is not a UUID.", r#"{"user_ids":[],"cursors":{"bob":1}}"#),
            (
                ErrorCode::InvalidRequest,
                "`cursors.00000000-0000-0000-0000-000000000001` must be a whole number.",
                r#"{"user_ids":[],"cursors":{"00000000-0000-0000-0000-000000000001":"x"}}"#,
            ),
            (
                ErrorCode::InvalidRequest,
                "`role` must be one of `owner`, `admin`, `member`.",
                r#"{"user_ids":[],"role":"king"}"#,
            ),
            (ErrorCode::InvalidRequest, "`role` must be a string.", r#"{"user_ids":[],"role":{"owner":null}}"#),
            (
                ErrorCode::InvalidRequest,
                "`until` must be a time as in RFC 3339, within the years 1970 to 9999 in UTC.",
                r#"{"user_ids":[],"until":"soon"}"#,
            ),
            (
                ErrorCode::InvalidRequest,
                "The field `role` occurs twice.",
                r#"{"user_ids":[],"role":"owner","role":"owner"}"#,
            ),
            (ErrorCode::InvalidRequest, "The field `a` occurs twice.", r#"{"user_ids":[],"text":{"a":1,"\u0061":2}}"#),
        ] {
            assert_eq!(refusal(text), (code, detail.to_owned()), "{text}");
        }
        let long = refusal(&format!(r#"{{"user_ids":[],"{}":1}}"#, "é".repeat(500))).1;
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn other_texts_are_bad_json() {
        let deep = |levels: usize| format!(r#"{{"user_ids":[],"more":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        for text in [
            "",
            " ",
            "{",
            "hello",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            r#"{"user_ids":[],"text":"\ud800"}"#,
            r#"{"user_ids":[],"more":"\udc00\ud800"}"#,
            r#"{"\ud800":1}"#,
            r#"{"user_ids":[],}"#,
            r"{'user_ids':[]}",
            r#"{"user_ids":[01]}"#,
            r#"{"user_ids":[NaN]}"#,
            "{\"text\":\"a\nb\"}",
            "{\"user_ids\":[]} // all",
            &deep(128),
            &deep(14_000),
        ] {
            assert_eq!(refusal(text).0, ErrorCode::BadJson, "{text:.40}");
        }
        assert_eq!(refusal(&deep(100)).0, ErrorCode::UnknownField);
        let huge = format!(r#"{{"user_ids":[]{}}}"#, " ".repeat(MAX_REQUEST_BYTES));
        assert_eq!(refusal(&huge).0, ErrorCode::BodyTooLarge);
    }

    #[test]
    fn documented_texts_are_read() {
        let text = r#" {"user_ids":["6F0D5A63-7D2B-5F3E-9F1A-2F4F5B6C7D8E"],"parts":[{"number":9007199254740991}],
            "role":null,"cursors":{"6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e":0},"text":"\ud83d\ude00\u0000"} "#;
        let body: Body = Json::parse(text).unwrap().read().unwrap();
        assert_eq!(body.user_ids[0].to_string(), "6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e");
        assert_eq!((body.text.as_deref(), body.role), (Some("😀\0"), None));
    }
}
