//! Compares uploaded bytes with their announcement.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::file::{File, Rejection};
use store::s3::Uploaded;

/// What S3's metadata says of the announced checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// S3 has computed the announced one.
    Verified,
    /// S3 has only the checksums of the parts: that of the whole has to be computed.
    Unknown,
}

/// Checks that S3 has the announced number of bytes with the announced checksum. S3 refuses all others; this does not rely on
/// it.
pub(crate) fn check(file: &File, uploaded: &Uploaded) -> Result<Checksum, Rejection> {
    if uploaded.size != file.size {
        return Err(Rejection::SizeMismatch);
    }
    match uploaded.sha256.as_deref().filter(|checksum| !checksum.contains('-')) {
        None => Ok(Checksum::Unknown),
        Some(checksum) if checksum == BASE64_STANDARD.encode(file.sha256.bytes()) => Ok(Checksum::Verified),
        Some(_) => Err(Rejection::ChecksumMismatch),
    }
}

#[cfg(test)]
mod tests {
    use domain::file::{ContentType, FileName, FileStatus, Sha256Hex};
    use domain::{FileId, Timestamp};

    use super::*;

    #[test]
    fn uploads_of_another_size_or_checksum_are_rejected() {
        let file = File {
            file_id: FileId::generate(),
            conversation_id: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            name: FileName::parse("a").unwrap(),
            content_type: ContentType::parse("a/b").unwrap(),
            size: 5,
            sha256: Sha256Hex::parse(&"00".repeat(32)).unwrap(),
            status: FileStatus::Pending,
            reason: None,
            dimensions: None,
            created_at: Timestamp::from_epoch_millis(0),
        };
        let check = |size: u64, sha256: &str| check(&file, &Uploaded { size, sha256: Some(sha256.to_owned()) });
        let good = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(check(5, good), Ok(Checksum::Verified));
        assert_eq!(check(6, good), Err(Rejection::SizeMismatch));
        assert_eq!(check(5, &good.replacen('A', "B", 1)), Err(Rejection::ChecksumMismatch));
        assert_eq!(check(5, &format!("{good}-2")), Ok(Checksum::Unknown), "of the parts");
    }
}
