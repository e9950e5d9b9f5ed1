//! Colours of one profile in those of another.
//!
//! Telephones and cameras have more colours than sRGB, and say so in an ICC profile. What they show differs visibly once the profile is
//! gone, so it is applied first. Profiles of three curves and a matrix are understood, which are those of screens and cameras (Display
//! P3, Adobe RGB, ProPhoto); others, of printers, have tables for which a thumbnail is not worth the risk, and are left out.

use image::DynamicImage;
use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Largest profile that is looked at, in bytes. Those that are understood have a few hundred.
const MAX_PROFILE_BYTES: usize = 64 * 1024;

/// Converts an image that has this profile to sRGB. Where that cannot be done, it stays as it is: its colours are a little off.
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
