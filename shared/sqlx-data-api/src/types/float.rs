use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

/// JSON has no number for these, PostgreSQL reads them as text.
fn field(value: f64) -> Field {
    if value.is_finite() { Field::DoubleValue(value) } else { Field::StringValue(format!("{value}")) }
}

fn double(value: DataApiValueRef<'_>) -> Result<f64, BoxDynError> {
    match value.field() {
        Field::DoubleValue(value) => Ok(*value),
        Field::StringValue(text) => Ok(text.parse()?),
        other => Err(value.unexpected("doubleValue", other)),
    }
}

impl Type<DataApi> for f32 {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::FLOAT4
    }
}

impl Encode<'_, DataApi> for f32 {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(field(f64::from(*self)));
        Ok(IsNull::No)
    }
}

impl Decode<'_, DataApi> for f32 {
    #[allow(clippy::cast_possible_truncation, reason = "only a float4 is decoded, whose value it rounds to exactly")]
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        double(value).map(|value| value as f32)
    }
}

impl Type<DataApi> for f64 {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::FLOAT8
    }

    fn compatible(ty: &DataApiTypeInfo) -> bool {
        [DataApiTypeInfo::FLOAT4, DataApiTypeInfo::FLOAT8].contains(ty)
    }
}

impl Encode<'_, DataApi> for f64 {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(field(*self));
        Ok(IsNull::No)
    }
}

impl Decode<'_, DataApi> for f64 {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        double(value)
    }
}
