//! Checks that bytes have the announced type.
//!
//! A download carries the announced type, and browsers display some types inline, so a file must have its announced type. Its
//! first bytes are checked by the kind of the announced type:
//!
//! - **Types with a magic number** (images, audio, video, PDF, office documents, archives, fonts) must have it, or that of
//!   their family, in its place, and nothing active before it: see [`families`]. The rest is not checked: a PNG with HTML
//!   behind its signature is a PNG for every browser, since the type is sent with the download and a thumbnail is made of
//!   the pixels alone.
//!
//! - **SVG** must be an image and nothing else: see [`svg`].
//!
//! - **Texts** must not be binary, and must not be a web page or a script unless announced as one: see [`texts`].
//!
//! - **Plain bytes and programs**, like `application/octet-stream`, may have any content: a browser saves them without
//!   displaying them.
//!
//! - **Every other type** may be anything but a web page, an SVG, a script or an executable: see [`active`].
//!
//! Scripts without a mark at their beginning (batch files, JavaScript) and macros inside of documents are not detected.

mod active;
mod encoding;
mod families;
mod svg;
mod texts;

use domain::file::{ContentType, Rejection};

/// Number of first bytes that decide the type of a file.
const FIRST_BYTES: u64 = 64 * 1024;

/// Types of plain bytes, and of programs that are called such.
const GENERIC_TYPES: [&str; 12] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/java-vm",
    "application/vnd.microsoft.portable-executable",
    "application/x-dosexec",
    "application/x-elf",
    "application/x-executable",
    "application/x-mach-binary",
    "application/x-msdos-program",
    "application/x-msdownload",
    "application/x-pie-executable",
    "application/x-sharedlib",
];

/// Returns the number of first bytes that [`inspect`] needs for a type.
pub(crate) fn needed(declared: &ContentType) -> u64 {
    if declared.as_str() == svg::TYPE { svg::MAX_BYTES + 1 } else { FIRST_BYTES }
}

/// Checks that the first bytes of a file fit its type. The bytes are the whole file, or at least [`needed`] bytes.
pub(crate) fn inspect(declared: &ContentType, first_bytes: &[u8]) -> Result<(), Rejection> {
    let declared = declared.as_str();
    if declared == svg::TYPE {
        return svg::inspect(first_bytes);
    }
    let fits = if let Some(family) = families::of(declared) {
        // The marks of some families do not stand at the very beginning, where another format's may be.
        families::magic(first_bytes).is_some_and(|found| family.contains(&found)) && active::of(first_bytes).is_none()
    } else if texts::is_text(declared) {
        texts::fits(declared, first_bytes)
    } else {
        GENERIC_TYPES.contains(&declared) || active::of(first_bytes).is_none()
    };
    if fits { Ok(()) } else { Err(Rejection::TypeMismatch) }
}

#[cfg(test)]
mod tests;
