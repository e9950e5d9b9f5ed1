//! Whether bytes are of the type that they were announced as.

use domain::file::{ContentType, Rejection};

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
