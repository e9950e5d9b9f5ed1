use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::types::Type;

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

/// Any integer column decodes to any integer type that can hold the value.
macro_rules! integer {
    ($rust:ty, $sql:ident) => {
        impl Type<DataApi> for $rust {
            fn type_info() -> DataApiTypeInfo {
                DataApiTypeInfo::$sql
            }

            fn compatible(ty: &DataApiTypeInfo) -> bool {
                ty.is_integer()
            }
        }

        impl Encode<'_, DataApi> for $rust {
            fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
                buffer.set(Field::LongValue(i64::from(*self)));
                Ok(IsNull::No)
            }
        }

        impl Decode<'_, DataApi> for $rust {
            fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
                match value.field() {
                    Field::LongValue(value) => Ok(<$rust>::try_from(*value)?),
                    other => Err(value.unexpected("longValue", other)),
                }
            }
        }
    };
}

integer!(i16, INT2);
integer!(i32, INT4);
integer!(i64, INT8);
