//! Conversion between the colours of ICC profiles.
//!
//! Images of phones and cameras have more colours than sRGB, described by an embedded ICC profile. Without the profile the
//! colours are visibly wrong, so the profile is applied first. Supported are profiles of three curves and a matrix, which
//! screens and cameras have (Display P3, Adobe RGB, ProPhoto). Profiles of printers have tables, which are not worth the risk
//! for a thumbnail, and are ignored.

use image::DynamicImage;
use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Largest profile that is parsed, in bytes. Supported profiles have a few hundred.
const MAX_PROFILE_BYTES: usize = 64 * 1024;

/// Converts an image with this profile to sRGB. An image that cannot be converted is not changed; its colours are slightly
/// wrong.
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

/// Returns the pixels in sRGB; `None` if the profile is not supported.
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
