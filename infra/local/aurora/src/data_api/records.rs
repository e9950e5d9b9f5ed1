//! Results: from PostgreSQL's binary format to `Field`.
//!
//! | PostgreSQL | member |
//! |---|---|
//! | `bool` | `booleanValue` |
//! | `int2` `int4` `int8` | `longValue` |
//! | `float4` `float8` | `doubleValue` |
//! | `bytea` | `blobValue` |
//! | `text` `varchar` `bpchar` `name` `uuid` `json` `jsonb` `numeric` `inet` `cidr`, enums, dates and times | `stringValue` |
//! | one-dimensional arrays of those (not of `bytea`, `inet`, `cidr`, `jsonb` or enums) | `arrayValue` |
//! | anything else, arrays of more dimensions included | `UnsupportedResultException`: cast it to `text` |
//!
//! The list is that of AWS's "Data API operations reference". `timestamptz` is missing there, but comes back in UTC
//! without a suffix; `vector` is an extension's, and is not carried here.

use std::error::Error;
use std::net::IpAddr;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};
use uuid::Uuid;

use super::errors::DataApiError;
use super::field::{ArrayValue, Blob, Double, Field};
use super::request::{DecimalReturnType, LongReturnType, ResultSetOptions};
use super::{calendar, numeric};

pub(super) fn fields(row: &Row, options: ResultSetOptions) -> Result<Vec<Field>, DataApiError> {
    (0..row.len()).map(|index| field(row, index, options)).collect()
}

/// Refuses a result whose columns cannot be carried. Asked before the first row, so that a statement does not fail or
/// succeed by chance of its rows.
pub(super) fn check_columns<'a>(types: impl IntoIterator<Item = &'a Type>) -> Result<(), DataApiError> {
    for r#type in types {
        let carried = match r#type.kind() {
            Kind::Array(element) => is_array_element(element),
            _ => is_scalar(r#type),
        };
        if !carried {
            return Err(unsupported(r#type));
        }
    }
    Ok(())
}

fn is_scalar(r#type: &Type) -> bool {
    matches!(r#type.kind(), Kind::Enum(_))
        || is_array_element(r#type)
        || matches!(*r#type, Type::BYTEA | Type::JSONB | Type::INET | Type::CIDR)
}

fn is_array_element(r#type: &Type) -> bool {
    matches!(
        *r#type,
        Type::BOOL
            | Type::INT2
            | Type::INT4
            | Type::INT8
            | Type::FLOAT4
            | Type::FLOAT8
            | Type::NUMERIC
            | Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::UUID
            | Type::JSON
            | Type::DATE
            | Type::TIME
            | Type::TIMESTAMP
            | Type::TIMESTAMPTZ
    )
}

/// The one-byte `"char"` is shouted, as AWS does, so as not to be taken for `char(n)`.
fn unsupported(r#type: &Type) -> DataApiError {
    DataApiError::UnsupportedResult(match *r#type {
        Type::CHAR => "\"CHAR\".".to_owned(),
        _ => r#type.name().to_owned(),
    })
}

fn field(row: &Row, index: usize, options: ResultSetOptions) -> Result<Field, DataApiError> {
    let r#type = row.columns()[index].type_();
    if let Kind::Array(element) = r#type.kind() {
        let elements: Option<Vec<Option<Scalar>>> = row.try_get(index).map_err(|error| {
            tracing::debug!(%error, "array");
            unsupported(r#type)
        })?;
        return Ok(elements.map_or(Field::IsNull(true), |elements| Field::ArrayValue(array(element, elements))));
    }
    let value: Option<Scalar> = row.try_get(index).map_err(|error| {
        tracing::error!(%error, r#type = r#type.name(), "result");
        DataApiError::Internal
    })?;
    Ok(match value {
        None => Field::IsNull(true),
        Some(Scalar::Boolean(value)) => Field::BooleanValue(value),
        Some(Scalar::Long(value)) if options.long_return_type == Some(LongReturnType::String) => {
            Field::StringValue(value.to_string())
        }
        Some(Scalar::Long(value)) => Field::LongValue(value),
        Some(Scalar::Double(value)) => Field::DoubleValue(Double(value)),
        Some(Scalar::Decimal(value)) if options.decimal_return_type == Some(DecimalReturnType::DoubleOrLong) => {
            number(value)
        }
        Some(Scalar::Decimal(value) | Scalar::Text(value)) => Field::StringValue(value),
        Some(Scalar::Blob(value)) => Field::BlobValue(Blob(value)),
    })
}

/// A decimal as the narrowest number that it fits.
fn number(decimal: String) -> Field {
    if let Ok(value) = decimal.parse() {
        return Field::LongValue(value);
    }
    decimal.parse().map_or(Field::StringValue(decimal), |value| Field::DoubleValue(Double(value)))
}

/// Sorts elements, all of one type, into the member for that type.
fn array(element: &Type, elements: Vec<Option<Scalar>>) -> ArrayValue {
    fn pick<T>(elements: Vec<Option<Scalar>>, get: impl Fn(Scalar) -> Option<T>) -> Vec<Option<T>> {
        elements.into_iter().map(|element| element.and_then(&get)).collect()
    }
    match *element {
        Type::BOOL => ArrayValue::Booleans(pick(elements, |element| match element {
            Scalar::Boolean(value) => Some(value),
            _ => None,
        })),
        Type::INT2 | Type::INT4 | Type::INT8 => ArrayValue::Longs(pick(elements, |element| match element {
            Scalar::Long(value) => Some(value),
            _ => None,
        })),
        Type::FLOAT4 | Type::FLOAT8 => ArrayValue::Doubles(pick(elements, |element| match element {
            Scalar::Double(value) => Some(Double(value)),
            _ => None,
        })),
        _ => ArrayValue::Strings(pick(elements, |element| match element {
            Scalar::Decimal(value) | Scalar::Text(value) => Some(value),
            _ => None,
        })),
    }
}

/// A value that is no array.
enum Scalar {
    Boolean(bool),
    Long(i64),
    Double(f64),
    Decimal(String),
    Text(String),
    Blob(Vec<u8>),
}

impl<'a> FromSql<'a> for Scalar {
    fn from_sql(r#type: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *r#type {
            Type::BOOL => Self::Boolean(bool::from_sql(r#type, raw)?),
            Type::INT2 => Self::Long(i16::from_sql(r#type, raw)?.into()),
            Type::INT4 => Self::Long(i32::from_sql(r#type, raw)?.into()),
            Type::INT8 => Self::Long(i64::from_sql(r#type, raw)?),
            Type::FLOAT4 => Self::Double(f32::from_sql(r#type, raw)?.into()),
            Type::FLOAT8 => Self::Double(f64::from_sql(r#type, raw)?),
            Type::NUMERIC => Self::Decimal(numeric::text(raw)?),
            Type::BYTEA => Self::Blob(raw.to_vec()),
            Type::UUID => Self::Text(Uuid::from_sql(r#type, raw)?.to_string()),
            Type::DATE => Self::Text(calendar::date(i32::from_be_bytes(raw.try_into()?))),
            Type::TIME => Self::Text(calendar::time(i64::from_be_bytes(raw.try_into()?))),
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Self::Text(calendar::timestamp(i64::from_be_bytes(raw.try_into()?))),
            Type::INET | Type::CIDR => Self::Text(network(r#type, raw)?),
            // The first byte is the version of jsonb's binary format.
            Type::JSONB => Self::Text(std::str::from_utf8(raw.get(1..).ok_or("empty jsonb")?)?.to_owned()),
            _ => Self::Text(std::str::from_utf8(raw)?.to_owned()),
        })
    }

    fn accepts(r#type: &Type) -> bool {
        is_scalar(r#type)
    }
}

/// PostgreSQL leaves the length of a host's `inet` out of its text.
fn network(r#type: &Type, raw: &[u8]) -> Result<String, Box<dyn Error + Sync + Send>> {
    let [_family, length, is_cidr, _size, address @ ..] = raw else {
        return Err("short network address".into());
    };
    let address = match <[u8; 4]>::try_from(address) {
        Ok(four) => IpAddr::from(four),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(address)?),
    };
    let host = if address.is_ipv4() { 32 } else { 128 };
    Ok(if *length == host && *is_cidr == 0 && *r#type == Type::INET {
        address.to_string()
    } else {
        format!("{address}/{length}")
    })
}
