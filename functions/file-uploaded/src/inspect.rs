//! Whether bytes are what they were announced as.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::file::{ContentType, File, Rejection};
use store::objects::Uploaded;

/// Whether S3 has as many bytes as were announced, and those. S3 has refused all others; that it did is not taken for granted.
pub(crate) fn announced(file: &File, uploaded: &Uploaded) -> Result<(), Rejection> {
    if uploaded.size != file.size {
        return Err(Rejection::SizeMismatch);
    }
    // Of an upload in parts S3 knows the checksums of the parts, each of which it has compared.
    let whole = uploaded.sha256.as_deref().filter(|checksum| !checksum.contains('-'));
    match whole {
        Some(checksum) if checksum != BASE64_STANDARD.encode(file.sha256.bytes()) => Err(Rejection::ChecksumMismatch),
        _ => Ok(()),
    }
}

/// Whether the first bytes of a file fit its type.
pub(crate) fn inspect(declared: &ContentType, first_bytes: &[u8]) -> Result<(), Rejection> {
    let starts = |magic: &[u8]| first_bytes.starts_with(magic);
    let fits = match declared.as_str() {
        "image/png" => starts(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => starts(b"\xff\xd8\xff"),
        "image/gif" => starts(b"GIF8"),
        "application/pdf" => starts(b"%PDF-"),
        _ => true,
    };
    if !fits {
        return Err(Rejection::TypeMismatch);
    }
    let text = String::from_utf8_lossy(first_bytes).to_lowercase();
    if declared.as_str() == "image/svg+xml" && text.contains("<script") {
        return Err(Rejection::ActiveContent);
    }
    Ok(())
}
