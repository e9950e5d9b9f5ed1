use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;
use uuid::Uuid;

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

impl Type<DataApi> for Uuid {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::UUID
    }
}

impl Encode<'_, DataApi> for Uuid {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::StringValue(self.to_string()));
        Ok(IsNull::No)
    }
}

impl Decode<'_, DataApi> for Uuid {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(value.text()?.parse()?)
    }
}
