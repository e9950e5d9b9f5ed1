//! From pixels to bytes.

use domain::file::{Rejection, ThumbnailSize};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageResult};

use super::Thumbnail;

/// JPEG quality, of 100: the loss is hard to see, and the larger thumbnail of a photograph has some hundred kilobytes.
const JPEG_QUALITY: u8 = 80;

/// Encodes opaque images as JPEG, others as PNG.
pub(super) fn encode(size: ThumbnailSize, image: &DynamicImage, is_opaque: bool) -> Result<Thumbnail, Rejection> {
    let (content_type, bytes) = if is_opaque { ("image/jpeg", jpeg(image)) } else { ("image/png", png(image)) };
    let bytes = bytes.map_err(|error| {
        tracing::error!(%error, "a thumbnail could not be encoded");
        Rejection::ImageUnreadable
    })?;
    Ok(Thumbnail { size, content_type, bytes })
}

fn jpeg(image: &DynamicImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
    Ok(bytes)
}

fn png(image: &DynamicImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    image.write_with_encoder(PngEncoder::new_with_quality(
        &mut bytes,
        CompressionType::Default,
        FilterType::Adaptive,
    ))?;
    Ok(bytes)
}
