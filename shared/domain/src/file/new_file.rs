//! The announcement of a file, before its upload.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{ContentType, FileName};
use crate::{ApiError, ErrorCode};

/// Largest file, in bytes: 5 GiB, the S3 limit of one PUT request.
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// A SHA-256 in 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    /// Checks the digits; capitals make no difference.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(ApiError::invalid("`sha256` must have 64 hexadecimal digits."))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn bytes(&self) -> Vec<u8> {
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
        // Two digits fit a byte.
        self.0.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |byte, next| (byte << 4) | digit(*next))).collect()
    }
}

impl<'de> Deserialize<'de> for Sha256Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?)
            .map_err(|_| de::Error::custom("must have 64 hexadecimal digits"))
    }
}

/// Body of `POST /v1/conversations/{id}/files`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    #[serde(deserialize_with = "FileName::requested")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub name: FileName,
    pub content_type: ContentType,
    /// Size in bytes: 1 to [`MAX_FILE_BYTES`].
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_FILE_BYTES)))]
    pub size: u64,
    /// Of all of them.
    pub sha256: Sha256Hex,
}

impl NewFile {
    pub fn check(self) -> Result<Self, ApiError> {
        match self.size {
            0 => Err(ApiError::invalid("`size` must be at least 1.")),
            1..=MAX_FILE_BYTES => Ok(self),
            _ => {
                Err(ApiError::new(ErrorCode::FileTooLarge, format!("A file can have at most {MAX_FILE_BYTES} bytes.")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_64_hex_digits() {
        let digits = "00ff10".to_owned() + &"ab".repeat(29);
        let bytes = Sha256Hex::parse(&digits.to_uppercase()).unwrap().bytes();
        assert_eq!((bytes.len(), crate::hex(&bytes)), (32, digits));
        for bad in ["", "ab", &"g".repeat(64), &"é".repeat(32)] {
            assert!(Sha256Hex::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn file_size_is_bounded() {
        let file = |size: u64| {
            let json = serde_json::json!({"name": "a", "content_type": "a/b", "size": size, "sha256": "0".repeat(64)});
            serde_json::from_value::<NewFile>(json).unwrap().check().map_err(|error| error.code)
        };
        assert_eq!(file(0).unwrap_err(), ErrorCode::InvalidRequest);
        assert!(file(1).is_ok() && file(MAX_FILE_BYTES).is_ok());
        assert_eq!(file(MAX_FILE_BYTES + 1).unwrap_err(), ErrorCode::FileTooLarge);
    }
}
