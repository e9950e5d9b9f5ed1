//! Parameters: from a `Field` and its type hint to a PostgreSQL type and its bytes.
//!
//! | value | hint | PostgreSQL type |
//! |---|---|---|
//! | `stringValue` | none | `text`: comparing it with a `uuid` column fails (42883), as on AWS |
//! | `stringValue` | `DATE` `DECIMAL` `JSON` `TIME` `TIMESTAMP` `UUID` | `date` `numeric` `json` `time` `timestamp` `uuid` |
//! | `longValue` | | `int8` |
//! | `doubleValue` | | `float8` |
//! | `booleanValue` | | `bool` |
//! | `blobValue` | | `bytea` |
//! | `isNull` | none | left for PostgreSQL to infer |
//! | `arrayValue` | | refused, as on AWS: pass JSON and unnest it |

use std::collections::{HashMap, HashSet};
use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use super::errors::DataApiError;
use super::field::Field;
use super::hints;
use super::request::{SqlParameter, TypeHint};

/// A value that is ready to be bound.
#[derive(Debug)]
pub(super) struct Argument {
    /// The type to declare to PostgreSQL; `unknown` lets it infer the type.
    pub(super) declared: Type,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Null,
    Boolean(bool),
    Long(i64),
    Double(f64),
    Blob(Vec<u8>),
    /// In PostgreSQL's text format, whatever the type.
    Text(String),
}

impl Argument {
    fn new(parameter: &SqlParameter) -> Result<Self, DataApiError> {
        let name = parameter.name.as_deref().unwrap_or_default();
        let Some(field) = &parameter.value else {
            return Err(DataApiError::BadRequest(format!("Parameter {name} has no value")));
        };
        let (declared, value) = match (field, parameter.type_hint) {
            (Field::IsNull(true), hint) => (hint.map_or(Type::UNKNOWN, hinted), Value::Null),
            (Field::StringValue(text), None) => (Type::TEXT, Value::Text(text.clone())),
            (Field::StringValue(text), Some(hint)) => {
                hints::check(hint, text)?;
                (hinted(hint), Value::Text(text.clone()))
            }
            (_, Some(_)) => {
                return Err(DataApiError::BadRequest(format!("The type hint of parameter {name} needs a stringValue")));
            }
            (Field::IsNull(false), None) => {
                return Err(DataApiError::BadRequest(format!("Parameter {name}: isNull can only be true")));
            }
            (Field::BooleanValue(value), None) => (Type::BOOL, Value::Boolean(*value)),
            (Field::LongValue(value), None) => (Type::INT8, Value::Long(*value)),
            (Field::DoubleValue(value), None) => (Type::FLOAT8, Value::Double(value.0)),
            (Field::BlobValue(value), None) => (Type::BYTEA, Value::Blob(value.0.clone())),
            (Field::ArrayValue(_), None) => {
                return Err(DataApiError::BadRequest("Array parameters are not supported.".to_owned()));
            }
        };
        Ok(Self { declared, value })
    }
}

/// Puts the parameters of a call into the order of the statement's `names`.
///
/// Every name needs a parameter and every parameter a place in the statement.
pub(super) fn arguments(names: &[String], parameters: &[SqlParameter]) -> Result<Vec<Argument>, DataApiError> {
    let mut unused: HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut given = HashMap::new();
    for parameter in parameters {
        let Some(name) = parameter.name.as_deref() else {
            return Err(DataApiError::BadRequest("A parameter has no name".to_owned()));
        };
        // The last one wins where a name is given twice.
        if given.insert(name, parameter).is_none() && !unused.remove(name) {
            return Err(DataApiError::BadRequest(format!("The statement has no parameter: {name}")));
        }
    }
    let missing = |name: &str| DataApiError::BadRequest(format!("Cannot find parameter: {name}"));
    names
        .iter()
        .map(|name| given.get(name.as_str()).map_or_else(|| Err(missing(name)), |it| Argument::new(it)))
        .collect()
}

fn hinted(hint: TypeHint) -> Type {
    match hint {
        TypeHint::Date => Type::DATE,
        TypeHint::Decimal => Type::NUMERIC,
        TypeHint::Json => Type::JSON,
        TypeHint::Time => Type::TIME,
        TypeHint::Timestamp => Type::TIMESTAMP,
        TypeHint::Uuid => Type::UUID,
    }
}

impl ToSql for Argument {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.value {
            Value::Null => return Ok(IsNull::Yes),
            Value::Boolean(value) => out.extend_from_slice(&[u8::from(*value)]),
            Value::Long(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::Double(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::Blob(value) => out.extend_from_slice(value),
            Value::Text(value) => out.extend_from_slice(value.as_bytes()),
        }
        Ok(IsNull::No)
    }

    /// The statement was prepared with the types declared here, so PostgreSQL can ask for no other.
    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.value {
            Value::Text(_) => Format::Text,
            _ => Format::Binary,
        }
    }

    fn to_sql_checked(&self, r#type: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(r#type, out)
    }
}
