//! Small versions of images.
//!
//! PNG, JPEG, GIF and WebP are read, of animations the first picture. Of each image there is one version for each [`ThumbnailSize`],
//! no larger than the image itself, turned as its EXIF data says. Opaque images become JPEG, others PNG, which every client reads.
//!
//! **Nothing but pixels gets through**: EXIF and GPS data, XMP, texts and colour profiles stay behind, since the versions are encoded
//! anew. Colours of another profile are converted to sRGB, which is what images without a profile are taken to be: see [`colours`].
//!
//! **What is uploaded may be hostile.** Every bound is checked before the memory is taken, or the time spent: the size that the header
//! tells ([`decode::MAX_PIXELS`], [`decode::MAX_DECODED_BYTES`]), what decoders take besides, and how often a progressive JPEG goes over
//! its pixels ([`jpeg::MAX_SCANS`]). What an image claims beyond is [`Rejection::ImageTooLarge`]; what breaks off or makes no sense is
//! [`Rejection::ImageUnreadable`].

mod colours;
mod decode;
mod encode;
mod jpeg;
mod shrink;

use domain::file::{Dimensions, Rejection, ThumbnailSize};

/// What was made of an image.
#[derive(Debug, Default)]
pub(crate) struct ProcessedImage {
    /// As it is shown; `None` where there are no thumbnails.
    pub(crate) dimensions: Option<Dimensions>,
    /// One of each size.
    pub(crate) thumbnails: Vec<Thumbnail>,
}

/// A small version.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    /// Longest side.
    pub(crate) size: ThumbnailSize,
    /// What the bytes are.
    pub(crate) content_type: &'static str,
    /// The image.
    pub(crate) bytes: Vec<u8>,
}

/// Thumbnails of an image, which is all in memory.
pub(crate) fn thumbnails(image: &[u8]) -> Result<ProcessedImage, Rejection> {
    let source = decode::decode(image)?;
    let (width, height) = source.dimensions();
    let is_opaque = source.is_opaque();
    // The smaller is made of the larger: by then most of the memory is free again.
    let large = source.into_large(is_opaque)?;
    let small = shrink::shrunk(&large, ThumbnailSize::Small, is_opaque)?;
    let small = encode::encode(ThumbnailSize::Small, small.as_ref().unwrap_or(&large), is_opaque)?;
    let large = encode::encode(ThumbnailSize::Large, &large, is_opaque)?;
    Ok(ProcessedImage { dimensions: Some(Dimensions { width, height }), thumbnails: vec![small, large] })
}

#[cfg(test)]
mod tests;
