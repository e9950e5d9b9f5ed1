use aws_sdk_rdsdata::types::Field;
use rust_decimal::Decimal;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

impl Type<DataApi> for Decimal {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::NUMERIC
    }
}

impl Encode<'_, DataApi> for Decimal {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::StringValue(self.to_string()));
        Ok(IsNull::No)
    }
}

/// Exact: a `numeric` that has more digits than a `Decimal`, or is no number, is an error.
impl Decode<'_, DataApi> for Decimal {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self::from_str_exact(value.text()?)?)
    }
}
