/// Maps a Rust enum without fields to an enum of the database.
///
/// The name of the type is written into SQL as it stands (see [`DataApiTypeInfo::with_name`](crate::DataApiTypeInfo::with_name)).
/// `Vec`s of it can be bound (`= ANY($1)`); the service does not return arrays of enums.
///
/// ```
/// enum Mood {
///     Happy,
///     Sad,
/// }
///
/// sqlx_data_api::impl_enum!(Mood as "mood" { Happy = "happy", Sad = "sad" });
/// ```
#[macro_export]
macro_rules! impl_enum {
    ($rust:ident as $sql:literal { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl $crate::sqlx_core::types::Type<$crate::DataApi> for $rust {
            fn type_info() -> $crate::DataApiTypeInfo {
                $crate::DataApiTypeInfo::with_name($sql)
            }

            fn compatible(ty: &$crate::DataApiTypeInfo) -> bool {
                <str as $crate::sqlx_core::types::Type<$crate::DataApi>>::compatible(ty)
            }
        }

        impl $crate::DataApiHasArrayType for $rust {}

        impl $crate::sqlx_core::encode::Encode<'_, $crate::DataApi> for $rust {
            fn encode_by_ref(
                &self,
                buffer: &mut $crate::DataApiArgumentBuffer,
            ) -> ::std::result::Result<
                $crate::sqlx_core::encode::IsNull,
                $crate::sqlx_core::error::BoxDynError,
            > {
                let text = match self {
                    $(Self::$variant => $text,)+
                };
                $crate::sqlx_core::encode::Encode::<$crate::DataApi>::encode(text, buffer)
            }
        }

        impl $crate::sqlx_core::decode::Decode<'_, $crate::DataApi> for $rust {
            fn decode(
                value: $crate::DataApiValueRef<'_>,
            ) -> ::std::result::Result<Self, $crate::sqlx_core::error::BoxDynError> {
                match <&str as $crate::sqlx_core::decode::Decode<$crate::DataApi>>::decode(value)? {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!(concat!("`{}` is not a value of ", stringify!($rust)), other).into()),
                }
            }
        }
    };
}
