//! `Field`, the union in which values travel both ways.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One value; on the wire an object with exactly one member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Field {
    IsNull(bool),
    BooleanValue(bool),
    LongValue(i64),
    DoubleValue(Double),
    StringValue(String),
    BlobValue(Blob),
    ArrayValue(ArrayValue),
}

/// A one-dimensional array. Its elements may be null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum ArrayValue {
    #[serde(rename = "booleanValues")]
    Booleans(Vec<Option<bool>>),
    #[serde(rename = "longValues")]
    Longs(Vec<Option<i64>>),
    #[serde(rename = "doubleValues")]
    Doubles(Vec<Option<Double>>),
    #[serde(rename = "stringValues")]
    Strings(Vec<Option<String>>),
    /// The wire allows more dimensions; the service does not.
    #[serde(rename = "arrayValues")]
    Arrays(Vec<ArrayValue>),
}

/// Bytes, as base64 on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob(pub(super) Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Blob).map_err(de::Error::custom)
    }
}

/// A number, or one of the three that JSON cannot write and AWS's REST-JSON protocol spells out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Double(pub(super) f64);

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            number => serializer.serialize_f64(number),
        }
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Number(f64),
            Text(String),
        }
        match Wire::deserialize(deserializer)? {
            Wire::Number(number) => Ok(Self(number)),
            Wire::Text(text) => match text.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                _ => Err(de::Error::custom("not a number")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Blob, Double, Field};

    #[test]
    fn every_member_has_the_name_of_the_service_model() {
        for (field, json) in [
            (Field::IsNull(true), r#"{"isNull":true}"#),
            (Field::BooleanValue(false), r#"{"booleanValue":false}"#),
            (Field::LongValue(-1), r#"{"longValue":-1}"#),
            (Field::DoubleValue(Double(0.5)), r#"{"doubleValue":0.5}"#),
            (Field::DoubleValue(Double(f64::NEG_INFINITY)), r#"{"doubleValue":"-Infinity"}"#),
            (Field::StringValue("a".into()), r#"{"stringValue":"a"}"#),
            (Field::BlobValue(Blob(vec![1, 2])), r#"{"blobValue":"AQI="}"#),
        ] {
            assert_eq!(serde_json::to_string(&field).unwrap(), json);
            assert_eq!(serde_json::from_str::<Field>(json).unwrap(), field);
        }
    }

    #[test]
    fn a_whole_number_is_a_double_too() {
        let field: Field = serde_json::from_str(r#"{"doubleValue":3}"#).unwrap();
        assert_eq!(field, Field::DoubleValue(Double(3.0)));
    }
}
