use std::borrow::Cow;
use std::fmt::Display;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;

use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::forward_encode_impl;
use sqlx_core::types::{Text, Type};

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

impl Type<DataApi> for str {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::TEXT
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        ty.is_textual()
    }
}

impl Type<DataApi> for String {
    fn type_info() -> DataApiTypeInfo {
        <str as Type<DataApi>>::type_info()
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        <str as Type<DataApi>>::compatible(ty)
    }
}

impl Encode<'_, DataApi> for &'_ str {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::StringValue((*self).to_owned()));
        Ok(IsNull::No)
    }
}

impl Encode<'_, DataApi> for String {
    fn encode(self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::StringValue(self));
        Ok(IsNull::No)
    }

    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&str as Encode<DataApi>>::encode_by_ref(&self.as_str(), buffer)
    }
}

forward_encode_impl!(Arc<str>, &str, DataApi);
forward_encode_impl!(Rc<str>, &str, DataApi);
forward_encode_impl!(Box<str>, &str, DataApi);
forward_encode_impl!(Cow<'_, str>, &str, DataApi);

/// Anything that is written and read as text. So is a `numeric`, by the service.
impl<T> Type<DataApi> for Text<T> {
    fn type_info() -> DataApiTypeInfo {
        <str as Type<DataApi>>::type_info()
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        ty.is_textual() || *ty == DataApiTypeInfo::NUMERIC
    }
}

impl<T: Display> Encode<'_, DataApi> for Text<T> {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.to_string().encode(buffer)
    }
}

impl<T> Decode<'_, DataApi> for Text<T>
where
    T: FromStr,
    BoxDynError: From<T::Err>,
{
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(value.text()?.parse()?))
    }
}

impl<'r> Decode<'r, DataApi> for &'r str {
    fn decode(value: DataApiValueRef<'r>) -> Result<Self, BoxDynError> {
        value.text()
    }
}

impl Decode<'_, DataApi> for String {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        value.text().map(str::to_owned)
    }
}
