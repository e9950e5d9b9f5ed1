use aws_sdk_rdsdata::types::Field;
use serde::{Deserialize, Serialize};
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::{Json, Type};

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

impl<T> Type<DataApi> for Json<T> {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::JSONB
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        [DataApiTypeInfo::JSONB, DataApiTypeInfo::JSON].contains(ty)
    }
}

impl<T: Serialize> Encode<'_, DataApi> for Json<T> {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::StringValue(serde_json::to_string(&self.0)?));
        Ok(IsNull::No)
    }
}

impl<'r, T: Deserialize<'r>> Decode<'r, DataApi> for Json<T> {
    fn decode(value: DataApiValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Json(serde_json::from_str(value.text()?)?))
    }
}
