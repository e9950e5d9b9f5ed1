//! Conversion between the colours of ICC profiles.
//!
//! Phones and cameras have more colours than sRGB, and embed an ICC profile that says so. Without the profile the image looks
//! visibly different, so the profile is applied first. Supported are profiles of three curves and a matrix, which screens and
//! cameras have (Display P3, Adobe RGB, ProPhoto). Profiles of printers have tables, which are not worth the risk for a
//! thumbnail, and are ignored.

use image::DynamicImage;
use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Largest profile that is looked at, in bytes. Those that are understood have a few hundred.
const MAX_PROFILE_BYTES: usize = 64 * 1024;

/// Converts an image with this profile to sRGB. An image that cannot be converted stays unchanged: its colours are slightly
/// off.
pub(super) fn to_srgb(image: &mut DynamicImage, profile: &[u8]) {
    let converted = match image {
        DynamicImage::ImageRgb8(pixels) => converted(pixels, profile, Layout::Rgb),
        DynamicImage::ImageRgba8(pixels) => converted(pixels, profile, Layout::Rgba),
        _ => return,
    };
    match (converted, image) {
        (Ok(Some(bytes)), DynamicImage::ImageRgb8(pixels)) => pixels.copy_from_slice(&bytes),
        (Ok(Some(bytes)), DynamicImage::ImageRgba8(pixels)) => pixels.copy_from_slice(&bytes),
        (Err(error), _) => tracing::info!(%error, "a colour profile was left out"),
        _ => {}
    }
}

/// The pixels in sRGB; `None` if the profile is not one of those that are understood.
fn converted(pixels: &[u8], profile: &[u8], layout: Layout) -> Result<Option<Vec<u8>>, CmsError> {
    if profile.len() > MAX_PROFILE_BYTES {
        return Ok(None);
    }
    let profile = ColorProfile::new_from_slice(profile)?;
    if profile.color_space != DataColorSpace::Rgb || !profile.is_matrix_shaper() {
        return Ok(None);
    }
    let srgb = ColorProfile::new_srgb();
    let transform = profile.create_transform_8bit(layout, &srgb, layout, TransformOptions::default())?;
    let mut bytes = vec![0; pixels.len()];
    transform.transform(pixels, &mut bytes)?;
    Ok(Some(bytes))
}
