//! The checksums of S3, by algorithm rather than by field:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::checksum::ChecksumHasher;
use s3s::dto::Checksum;
use serde::{Deserialize, Serialize};

/// The type of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64nvme, Self::Sha1, Self::Sha256];

    /// As `x-amz-checksum-algorithm` has it: `SHA256`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn header(self) -> String {
        format!("x-amz-checksum-{}", self.name().to_lowercase())
    }

    /// Returns true if a text has the form of this algorithm's values.
    pub(super) fn accepts(self, value: &str) -> bool {
        let length = match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        };
        STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == length)
    }

    pub(super) fn hasher(self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        match self {
            Self::Crc32 => hasher.crc32 = Some(s3s::crypto::Checksum::new()),
            Self::Crc32c => hasher.crc32c = Some(s3s::crypto::Checksum::new()),
            Self::Crc64nvme => hasher.crc64nvme = Some(s3s::crypto::Checksum::new()),
            Self::Sha1 => hasher.sha1 = Some(s3s::crypto::Checksum::new()),
            Self::Sha256 => hasher.sha256 = Some(s3s::crypto::Checksum::new()),
        }
        hasher
    }

    /// The value of a finished hasher of this algorithm.
    pub(super) fn finish(self, hasher: ChecksumHasher) -> String {
        self.of(&hasher.finalize()).cloned().unwrap_or_default()
    }

    /// The value of this algorithm, where there is one.
    pub(super) fn of(self, checksum: &Checksum) -> Option<&String> {
        match self {
            Self::Crc32 => checksum.checksum_crc32.as_ref(),
            Self::Crc32c => checksum.checksum_crc32c.as_ref(),
            Self::Crc64nvme => checksum.checksum_crc64nvme.as_ref(),
            Self::Sha1 => checksum.checksum_sha1.as_ref(),
            Self::Sha256 => checksum.checksum_sha256.as_ref(),
        }
    }

    /// The checksum of an upload: of its parts' checksums, followed by their number.
    pub(super) fn composite(self, parts: &[&str]) -> String {
        let mut hasher = self.hasher();
        for part in parts {
            // Every value was accepted or computed here.
            hasher.update(&STANDARD.decode(part).unwrap_or_default());
        }
        format!("{}-{}", self.finish(hasher), parts.len())
    }
}

/// The values among the fields of a type that has one for each algorithm.
macro_rules! checksums_of {
    ($fields:expr) => {
        s3s::dto::Checksum {
            checksum_crc32: $fields.checksum_crc32.clone(),
            checksum_crc32c: $fields.checksum_crc32c.clone(),
            checksum_crc64nvme: $fields.checksum_crc64nvme.clone(),
            checksum_sha1: $fields.checksum_sha1.clone(),
            checksum_sha256: $fields.checksum_sha256.clone(),
            ..Default::default()
        }
    };
}

/// Sets the field of an algorithm in a type that has one for each, and empties the others.
macro_rules! set_checksum {
    ($fields:expr, $checksum:expr) => {{
        let checksum: Option<(crate::checksum::Algorithm, String)> = $checksum;
        let value =
            |wanted| checksum.as_ref().filter(|(algorithm, _)| *algorithm == wanted).map(|(_, value)| value.clone());
        $fields.checksum_crc32 = value(crate::checksum::Algorithm::Crc32);
        $fields.checksum_crc32c = value(crate::checksum::Algorithm::Crc32c);
        $fields.checksum_crc64nvme = value(crate::checksum::Algorithm::Crc64nvme);
        $fields.checksum_sha1 = value(crate::checksum::Algorithm::Sha1);
        $fields.checksum_sha256 = value(crate::checksum::Algorithm::Sha256);
    }};
}

pub(super) use {checksums_of, set_checksum};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_length_of_their_algorithm() {
        let hash = |algorithm: Algorithm| {
            let mut hasher = algorithm.hasher();
            hasher.update(b"hello");
            algorithm.finish(hasher)
        };
        for algorithm in Algorithm::ALL {
            let value = hash(algorithm);
            assert!(algorithm.accepts(&value), "{algorithm:?}: {value}");
            assert!(!algorithm.accepts("hello") && !algorithm.accepts("aGVsbG8="));
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        assert_eq!(hash(Algorithm::Sha256), "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    }
}
