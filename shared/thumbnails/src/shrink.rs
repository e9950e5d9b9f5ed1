//! Scales images down for thumbnails.

use std::error::Error;

use domain::file::{Rejection, ThumbnailSize};
use fast_image_resize::images::TypedImage;
use fast_image_resize::pixels::{U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Pixel};

/// Scales the image down to this length of its longer side, in 8 bits. An image that is no longer than that is returned as it is.
///
/// Every pixel of the image counts (Lanczos). In a transparent image, colours count as much as they are visible; this needs a
/// copy of the image.
///
/// Everything is scaled as RGB or RGBA, of which other images need a copy: the resizer takes 20 seconds to compile for each form of
/// pixels. Grey images stay grey.
pub(super) fn shrunk(image: DynamicImage, size: ThumbnailSize, is_opaque: bool) -> Result<DynamicImage, Rejection> {
    let (width, height, most) = (image.width(), image.height(), size.pixels());
    let longest = width.max(height);
    if longest <= most {
        return Ok(image);
    }
    let (width, height) = (scaled(width, most, longest), scaled(height, most, longest));
    let has_colour = image.color().has_color();
    let shrunk = if is_opaque {
        resized::<U8x3, _>(image.into_rgb8(), width, height).map(|pixels| {
            let grey = |x, y| Luma([pixels.get_pixel(x, y).0[0]]);
            if has_colour { pixels.into() } else { GrayImage::from_fn(width, height, grey).into() }
        })
    } else {
        resized::<U8x4, _>(image.into_rgba8(), width, height).map(|pixels| {
            let grey = |x, y| {
                let [level, .., alpha] = pixels.get_pixel(x, y).0;
                LumaA([level, alpha])
            };
            if has_colour { pixels.into() } else { GrayAlphaImage::from_fn(width, height, grey).into() }
        })
    };
    shrunk.map_err(|error| {
        tracing::error!(%error, "an image could not be resized");
        Rejection::ImageUnreadable
    })
}

/// Returns the pixels, which have the form `P`, scaled to this size.
fn resized<P: PixelTrait, I: Pixel<Subpixel = u8>>(
    mut from: ImageBuffer<I, Vec<u8>>,
    width: u32,
    height: u32,
) -> Result<ImageBuffer<I, Vec<u8>>, Box<dyn Error>> {
    let mut to = ImageBuffer::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    // A source that could be written has the type of the resizer's own images, which halves what is compiled.
    let (from_width, from_height) = from.dimensions();
    let source = TypedImage::<P>::from_buffer(from_width, from_height, &mut from)?;
    let mut target = TypedImage::<P>::from_buffer(width, height, &mut to)?;
    Resizer::new().resize_typed(&source, &mut target, &options)?;
    Ok(to)
}

/// Returns the scaled length of a side if the longest side becomes `most`: rounded, at least one pixel.
fn scaled(side: u32, most: u32, longest: u32) -> u32 {
    let rounded = (u64::from(side) * u64::from(most) + u64::from(longest) / 2) / u64::from(longest);
    // It is no more than `most`.
    u32::try_from(rounded).unwrap_or(most).max(1)
}
