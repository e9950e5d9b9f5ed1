use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use aws_sdk_rdsdata::primitives::Blob;
use aws_sdk_rdsdata::types::Field;
use sqlx_core::decode::Decode;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::BoxDynError;
use sqlx_core::forward_encode_impl;
use sqlx_core::types::Type;

use crate::{DataApi, DataApiArgumentBuffer, DataApiTypeInfo, DataApiValueRef};

impl Type<DataApi> for [u8] {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::BYTEA
    }
}

impl Type<DataApi> for Vec<u8> {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::BYTEA
    }
}

impl<const N: usize> Type<DataApi> for [u8; N] {
    fn type_info() -> DataApiTypeInfo {
        DataApiTypeInfo::BYTEA
    }
}

impl Encode<'_, DataApi> for &'_ [u8] {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::BlobValue(Blob::new(*self)));
        Ok(IsNull::No)
    }
}

impl Encode<'_, DataApi> for Vec<u8> {
    fn encode(self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.set(Field::BlobValue(Blob::new(self)));
        Ok(IsNull::No)
    }

    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[u8] as Encode<DataApi>>::encode_by_ref(&self.as_slice(), buffer)
    }
}

impl<const N: usize> Encode<'_, DataApi> for [u8; N] {
    fn encode_by_ref(&self, buffer: &mut DataApiArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[u8] as Encode<DataApi>>::encode_by_ref(&self.as_slice(), buffer)
    }
}

forward_encode_impl!(Arc<[u8]>, &[u8], DataApi);
forward_encode_impl!(Rc<[u8]>, &[u8], DataApi);
forward_encode_impl!(Box<[u8]>, &[u8], DataApi);
forward_encode_impl!(Cow<'_, [u8]>, &[u8], DataApi);

impl<'r> Decode<'r, DataApi> for &'r [u8] {
    fn decode(value: DataApiValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.field() {
            Field::BlobValue(bytes) => Ok(bytes.as_ref()),
            other => Err(value.unexpected("blobValue", other)),
        }
    }
}

impl Decode<'_, DataApi> for Vec<u8> {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        <&[u8] as Decode<DataApi>>::decode(value).map(<[u8]>::to_vec)
    }
}

impl<const N: usize> Decode<'_, DataApi> for [u8; N] {
    fn decode(value: DataApiValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(<&[u8] as Decode<DataApi>>::decode(value)?.try_into()?)
    }
}
