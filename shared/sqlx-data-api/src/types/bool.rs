use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

impl Type<DataApi> for bool {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::BOOL
    }
}

impl Encode<'_, DataApi> for bool {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::BooleanValue(*self));
        Ok(IsNull::No)
    }
}

impl Decode<'_, DataApi> for bool {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.field() {
            Field::BooleanValue(value) => Ok(*value),
            other => Err(value.unexpected("booleanValue", other)),
        }
    }
}
