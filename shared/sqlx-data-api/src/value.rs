use std::borrow::Cow;
use std::fmt::{self, Debug, Formatter};

use aws_sdk_rdsdata::types::Field;
use sqlx_core::error::BoxDynError;
use sqlx_core::value::{Value, ValueRef};

use crate::{DataApi, DataApiTypeInfo};

/// A value of a result, owned.
#[derive(Clone)]
pub struct DataApiValue {
    field: Field,
    type_info: DataApiTypeInfo,
}

/// A value of a result, borrowed from its row.
#[derive(Clone, Copy)]
pub struct DataApiValueRef<'r> {
    field: &'r Field,
    type_info: &'r DataApiTypeInfo,
}

impl<'r> DataApiValueRef<'r> {
    pub(crate) fn new(field: &'r Field, type_info: &'r DataApiTypeInfo) -> Self {
        Self { field, type_info }
    }

    /// The value as the service sent it.
    pub fn field(&self) -> &'r Field {
        self.field
    }

    /// The text of a value that is sent as text.
    pub(crate) fn text(&self) -> Result<&'r str, BoxDynError> {
        match self.field {
            Field::StringValue(text) => Ok(text),
            other => Err(self.unexpected("stringValue", other)),
        }
    }

    /// Names the kind of field that came instead of `expected`, without its value.
    pub(crate) fn unexpected(&self, expected: &str, found: &Field) -> BoxDynError {
        let found = match found {
            Field::IsNull(_) => return sqlx_core::error::UnexpectedNullError.into(),
            Field::ArrayValue(_) => "arrayValue",
            Field::BlobValue(_) => "blobValue",
            Field::BooleanValue(_) => "booleanValue",
            Field::DoubleValue(_) => "doubleValue",
            Field::LongValue(_) => "longValue",
            Field::StringValue(_) => "stringValue",
            _ => "a field type that this version of the SDK does not support",
        };
        format!("the Data API returned a {} as {found}, not as {expected}", self.type_info).into()
    }
}

impl Value for DataApiValue {
    type Database = DataApi;

    fn as_ref(&self) -> DataApiValueRef<'_> {
        DataApiValueRef::new(&self.field, &self.type_info)
    }

    fn type_info(&self) -> Cow<'_, DataApiTypeInfo> {
        Cow::Borrowed(&self.type_info)
    }

    fn is_null(&self) -> bool {
        matches!(self.field, Field::IsNull(true))
    }
}

impl<'r> ValueRef<'r> for DataApiValueRef<'r> {
    type Database = DataApi;

    fn to_owned(&self) -> DataApiValue {
        DataApiValue { field: self.field.clone(), type_info: self.type_info.clone() }
    }

    fn type_info(&self) -> Cow<'_, DataApiTypeInfo> {
        Cow::Borrowed(self.type_info)
    }

    fn is_null(&self) -> bool {
        matches!(self.field, Field::IsNull(true))
    }
}

/// Shows the type, never the value.
impl Debug for DataApiValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DataApiValue").field(&self.type_info).finish()
    }
}

/// Shows the type, never the value.
impl Debug for DataApiValueRef<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DataApiValueRef").field(self.type_info).finish()
    }
}
