//! Thumbnails of images.
//!
//! Reads PNG, JPEG, GIF and WebP, and the first picture of animations. Makes one thumbnail for each [`ThumbnailSize`], no
//! larger than the image itself, rotated as its EXIF data says. Opaque images become JPEG, others PNG, which every client
//! reads.
//!
//! **Thumbnails contain nothing but pixels**: EXIF and GPS data, XMP, texts and colour profiles are dropped, since thumbnails
//! are encoded anew. Colours of another profile are converted to sRGB, the default for images without a profile: see
//! `colours`.
//!
//! **Uploads may be hostile.** Every bound is checked before memory is allocated or time is spent: the size in the header
//! (`decode::MAX_PIXELS`, `decode::MAX_DECODED_BYTES`), further memory of decoders, and the scans of a progressive JPEG
//! (`jpeg::MAX_SCANS`). An image beyond these is [`Rejection::ImageTooLarge`], an invalid one
//! [`Rejection::ImageUnreadable`].
//!
//! **A file may end too early.** Browsers show what there is of it, so its thumbnails have what could be decoded; if nothing
//! could be, a file with a readable header is accepted without thumbnails.

mod colours;
mod decode;
mod encode;
mod gif;
mod jpeg;
mod shrink;
mod truncated;

use domain::file::{Dimensions, Rejection, ThumbnailSize};

/// An image's dimensions and thumbnails.
#[derive(Debug, Default)]
pub struct ProcessedImage {
    /// Dimensions of the image after its EXIF rotation; `None` for a type without thumbnails.
    pub dimensions: Option<Dimensions>,
    /// One of each size.
    pub thumbnails: Vec<Thumbnail>,
}

/// A thumbnail, encoded as a file.
#[derive(Debug)]
pub struct Thumbnail {
    pub size: ThumbnailSize,
    /// `image/jpeg`, or `image/png` if it is transparent.
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Thumbnails of an image, which is all in memory.
pub fn thumbnails(image: &[u8]) -> Result<ProcessedImage, Rejection> {
    let Some(source) = decode::decode(image)? else { return Ok(ProcessedImage::default()) };
    let (width, height) = source.dimensions();
    let is_opaque = source.is_opaque();
    // The smaller is made of the larger: by then most of the memory is free again.
    let image = source.into_large(is_opaque)?;
    let large = encode::encode(ThumbnailSize::Large, &image, is_opaque)?;
    let image = shrink::shrunk(image, ThumbnailSize::Small, is_opaque)?;
    let small = encode::encode(ThumbnailSize::Small, &image, is_opaque)?;
    Ok(ProcessedImage { dimensions: Some(Dimensions { width, height }), thumbnails: vec![small, large] })
}

#[cfg(test)]
mod tests;
