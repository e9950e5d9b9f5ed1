//! Whether bytes are of the type that they were announced as.
//!
//! A client may believe what a file says of itself: a download carries the announced type, and types that browsers show are shown.
//! So the first bytes are held against it, and by the kind of type that was announced:
//!
//! - **Types with a magic number** (images, audio, video, PDF, office documents, archives, fonts) must begin with it, or with that of
//!   their family: see [`families`]. What follows is not looked at: a PNG with HTML behind its signature is a PNG for every browser,
//!   since the type is sent with the download and a thumbnail is made of the pixels alone.
//! - **SVG** must be an image and nothing else: see [`svg`].
//! - **Texts** must not be binary, and must be no web page and no script unless that was said: see [`texts`].
//! - **Plain bytes and programs**, like `application/octet-stream`, may be anything: nobody was told that they are harmless, and a
//!   browser keeps them and does not show them.
//! - **Every other type** may be anything but a web page, an SVG, a script or an executable: see [`active`].
//!
//! Scripts without a mark at their beginning (batch files, JavaScript) and macros inside of documents are not found here.

mod active;
mod families;
mod svg;
mod texts;

use domain::file::{ContentType, Rejection};

/// How much of a file its type is told by, in bytes.
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

/// How many of the first bytes [`inspect`] needs for a type.
pub(crate) fn needed(declared: &ContentType) -> u64 {
    if declared.as_str() == svg::TYPE { svg::MAX_BYTES + 1 } else { FIRST_BYTES }
}

/// Whether the first bytes of a file fit its type. They are all there are, or at least as many as are [`needed`].
pub(crate) fn inspect(declared: &ContentType, first_bytes: &[u8]) -> Result<(), Rejection> {
    let declared = declared.as_str();
    if declared == svg::TYPE {
        return svg::inspect(first_bytes);
    }
    let fits = if let Some(family) = families::of(declared) {
        families::magic(first_bytes).is_some_and(|found| family.contains(&found))
    } else if texts::is_text(declared) {
        texts::fits(declared, first_bytes)
    } else {
        GENERIC_TYPES.contains(&declared) || active::of(first_bytes).is_none()
    };
    if fits { Ok(()) } else { Err(Rejection::TypeMismatch) }
}

#[cfg(test)]
mod tests;
