//! Scales images down for thumbnails.

use domain::file::{Rejection, ThumbnailSize};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

/// Scales the image down to this length of its longer side; `None` if it is no longer than that.
///
/// Every pixel of the image counts (Lanczos). In a transparent image, colours count as much as they are visible; this needs a
/// copy of the image.
pub(super) fn shrunk(
    image: &DynamicImage,
    size: ThumbnailSize,
    is_opaque: bool,
) -> Result<Option<DynamicImage>, Rejection> {
    let (width, height, most) = (image.width(), image.height(), size.pixels());
    let longest = width.max(height);
    if longest <= most {
        return Ok(None);
    }
    let mut shrunk = DynamicImage::new(scaled(width, most, longest), scaled(height, most, longest), image.color());
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(!is_opaque);
    Resizer::new().resize(image, &mut shrunk, &options).map_err(|error| {
        tracing::error!(%error, "an image could not be resized");
        Rejection::ImageUnreadable
    })?;
    Ok(Some(shrunk))
}

/// Returns the scaled length of a side if the longest side becomes `most`: rounded, at least one pixel.
fn scaled(side: u32, most: u32, longest: u32) -> u32 {
    let rounded = (u64::from(side) * u64::from(most) + u64::from(longest) / 2) / u64::from(longest);
    // It is no more than `most`.
    u32::try_from(rounded).unwrap_or(most).max(1)
}
