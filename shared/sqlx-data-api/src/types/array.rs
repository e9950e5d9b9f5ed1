//! One-dimensional arrays.
//!
//! The service takes no array parameters. An array is sent as PostgreSQL's own text for it (`{"a","b"}`), which the
//! placeholder's cast turns into an array; a NULL array stays NULL.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::num::{NonZeroI16, NonZeroI32, NonZeroI64};

use aws_sdk_rdsdata::types::{ArrayValue, Field};
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::{Json, JsonValue, Text, Type};

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

/// Element types: `Vec<T>` and `[T]` are arrays for each `T` that has this.
pub trait DataApiHasArrayType: Type<DataApi> {
    /// The array type; of an enum `mood`, `mood[]`.
    fn array_type_info() -> DataApiTypeInfo {
        Self::type_info().array_of()
    }

    /// Returns true if an array column of this type decodes to a `Vec` of `Self`.
    fn array_compatible(ty: &DataApiTypeInfo) -> bool {
        ty.element().is_some_and(|element| Self::compatible(&element))
    }
}

macro_rules! elements {
    ($($rust:ty)*) => { $(impl DataApiHasArrayType for $rust {})* };
}

elements!(bool i16 i32 i64 NonZeroI16 NonZeroI32 NonZeroI64 f32 f64);
elements!(String &str Box<str> Cow<'_, str> Vec<u8> Box<[u8]> &[u8] JsonValue);
elements!(uuid::Uuid time::OffsetDateTime time::PrimitiveDateTime time::Date time::Time);

#[cfg(feature = "chrono")]
elements!(chrono::NaiveDateTime chrono::NaiveDate chrono::NaiveTime);

#[cfg(feature = "chrono")]
impl<Tz: chrono::TimeZone> DataApiHasArrayType for chrono::DateTime<Tz> {}

#[cfg(feature = "rust_decimal")]
elements!(rust_decimal::Decimal);

impl<const N: usize> DataApiHasArrayType for [u8; N] {}

impl<T> DataApiHasArrayType for Json<T> {}

impl<T> DataApiHasArrayType for Text<T> {}

impl<T: DataApiHasArrayType> DataApiHasArrayType for &T {}

impl<T: DataApiHasArrayType> DataApiHasArrayType for Option<T> {}

impl<T: DataApiHasArrayType> Type<DataApi> for [T] {
    fn type_info() -> DataApiTypeInfo {
        T::array_type_info()
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        T::array_compatible(ty)
    }
}

impl<T: DataApiHasArrayType> Type<DataApi> for Vec<T> {
    fn type_info() -> DataApiTypeInfo {
        T::array_type_info()
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        T::array_compatible(ty)
    }
}

impl<T: DataApiHasArrayType, const N: usize> Type<DataApi> for [T; N] {
    fn type_info() -> DataApiTypeInfo {
        T::array_type_info()
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        T::array_compatible(ty)
    }
}

impl<'q, T> Encode<'q, DataApi> for &'_ [T]
where
    T: DataApiHasArrayType + Encode<'q, DataApi>,
{
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let mut literal = String::from("{");
        for (index, element) in self.iter().enumerate() {
            if index > 0 {
                literal.push(',');
            }
            push_element(&mut literal, DataApiArgumentBuffer::encode(element)?)?;
        }
        literal.push('}');
        buffer.set(Field::StringValue(literal));
        Ok(IsNull::No)
    }
}

impl<'q, T> Encode<'q, DataApi> for Vec<T>
where
    T: DataApiHasArrayType + Encode<'q, DataApi>,
{
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[T] as Encode<'q, DataApi>>::encode_by_ref(&self.as_slice(), buffer)
    }
}

impl<'q, T, const N: usize> Encode<'q, DataApi> for [T; N]
where
    T: DataApiHasArrayType + Encode<'q, DataApi>,
{
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[T] as Encode<'q, DataApi>>::encode_by_ref(&self.as_slice(), buffer)
    }
}

fn push_element(literal: &mut String, field: Option<Field>) -> Result<(), BoxDynError> {
    match field {
        None => literal.push_str("NULL"),
        Some(Field::BooleanValue(value)) => write!(literal, "{value}")?,
        Some(Field::LongValue(value)) => write!(literal, "{value}")?,
        // The shortest text that reads back as the same number.
        Some(Field::DoubleValue(value)) => write!(literal, "{value}")?,
        Some(Field::StringValue(text)) => {
            literal.push('"');
            for character in text.chars() {
                if matches!(character, '"' | '\\') {
                    literal.push('\\');
                }
                literal.push(character);
            }
            literal.push('"');
        }
        Some(Field::BlobValue(bytes)) => {
            // The array's text takes one of the backslashes.
            literal.push_str(r#""\\x"#);
            bytes.as_ref().iter().try_for_each(|byte| write!(literal, "{byte:02x}"))?;
            literal.push('"');
        }
        Some(_) => return Err("an element of the array has no text format".into()),
    }
    Ok(())
}

impl<T> Decode<'_, DataApi> for Vec<T>
where
    T: DataApiHasArrayType + for<'e> Decode<'e, DataApi>,
{
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        let Field::ArrayValue(array) = value.field() else {
            return Err(value.unexpected("arrayValue", value.field()));
        };
        let elements: Vec<Field> = match array {
            ArrayValue::BooleanValues(values) => fields(values, Field::BooleanValue),
            ArrayValue::LongValues(values) => fields(values, Field::LongValue),
            ArrayValue::DoubleValues(values) => fields(values, Field::DoubleValue),
            ArrayValue::StringValues(values) => fields(values, Field::StringValue),
            _ => return Err("arrays of arrays are not supported".into()),
        };
        let ty = T::type_info();
        elements.iter().map(|element| T::decode(DataApiValueRef::new(element, &ty))).collect()
    }
}

impl<T, const N: usize> Decode<'_, DataApi> for [T; N]
where
    T: DataApiHasArrayType + for<'e> Decode<'e, DataApi>,
{
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        let elements = Vec::decode(value)?;
        elements
            .try_into()
            .map_err(|elements: Vec<T>| format!("the array has {} elements, not {N}", elements.len()).into())
    }
}

fn fields<V: Clone>(values: &[Option<V>], field: fn(V) -> Field) -> Vec<Field> {
    values.iter().cloned().map(|value| value.map_or(Field::IsNull(true), field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal<T>(elements: Vec<T>) -> String
    where
        T: DataApiHasArrayType + for<'t> Encode<'t, DataApi>,
    {
        match DataApiArgumentBuffer::encode(elements).unwrap() {
            Some(Field::StringValue(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arrays_are_encoded_as_postgresql_literals() {
        assert_eq!(literal(vec![1_i64, -2]), "{1,-2}");
        assert_eq!(literal(Vec::<i32>::new()), "{}");
        assert_eq!(literal(vec![Some(true), None]), "{true,NULL}");
        assert_eq!(literal(vec![r#"a"b\c,{}"#.to_owned(), "NULL".to_owned()]), r#"{"a\"b\\c,{}","NULL"}"#);
        assert_eq!(literal(vec![&b"\x01\xff"[..], &[]]), r#"{"\\x01ff","\\x"}"#);
        assert_eq!(literal(vec![f64::NAN, 0.5]), r#"{"NaN",0.5}"#);
        assert_eq!(Vec::<Option<i32>>::type_info(), DataApiTypeInfo::INT4.array_of());
    }
}
