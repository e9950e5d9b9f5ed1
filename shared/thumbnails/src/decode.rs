//! From bytes to pixels, within bounds.

use std::io::{Cursor, ErrorKind};

use domain::file::{Rejection, ThumbnailSize};
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};

use super::truncated::Truncatable;
use super::{colours, gif, jpeg, shrink};

/// Most pixels that are worked on: photographs of 50 megapixels, and some.
pub(super) const MAX_PIXELS: u64 = 64_000_000;

/// Most bytes of the decoded pixels: four per pixel, or eight per pixel for half as many pixels.
pub(super) const MAX_DECODED_BYTES: u64 = 4 * MAX_PIXELS;

/// An image in memory.
pub(super) struct Source {
    image: DynamicImage,
    orientation: Orientation,
    profile: Option<Vec<u8>>,
}

impl Source {
    /// Width and height, as it is shown.
    pub(super) fn dimensions(&self) -> (u32, u32) {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        let (width, height) = (self.image.width(), self.image.height());
        match self.orientation {
            Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => (height, width),
            _ => (width, height),
        }
    }

    /// Returns true if no pixel is transparent.
    pub(super) fn is_opaque(&self) -> bool {
        match &self.image {
            DynamicImage::ImageRgba8(image) => image.pixels().all(|pixel| pixel.0[3] == u8::MAX),
            DynamicImage::ImageRgba16(image) => image.pixels().all(|pixel| pixel.0[3] == u16::MAX),
            DynamicImage::ImageLumaA8(image) => image.pixels().all(|pixel| pixel.0[1] == u8::MAX),
            DynamicImage::ImageLumaA16(image) => image.pixels().all(|pixel| pixel.0[1] == u16::MAX),
            image => !image.color().has_alpha(),
        }
    }

    /// The larger thumbnail: as it is shown, in sRGB, of 8 bits.
    pub(super) fn into_large(self, is_opaque: bool) -> Result<DynamicImage, Rejection> {
        let large = shrink::shrunk(self.image, ThumbnailSize::Large, is_opaque)?;
        let mut large = match (large.color().has_color(), is_opaque) {
            (true, true) => DynamicImage::ImageRgb8(large.into_rgb8()),
            (true, false) => DynamicImage::ImageRgba8(large.into_rgba8()),
            (false, true) => DynamicImage::ImageLuma8(large.into_luma8()),
            (false, false) => DynamicImage::ImageLumaA8(large.into_luma_alpha8()),
        };
        if let Some(profile) = self.profile {
            colours::to_srgb(&mut large, &profile);
        }
        large.apply_orientation(self.orientation);
        Ok(large)
    }
}

/// Opens an image whose type was inspected; `None` if its file ends too early for a picture, and browsers show a part of it.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Source>, Rejection> {
    let reader = Cursor::new(bytes);
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => {
            let has_end = jpeg::check(bytes)?;
            match read(JpegDecoder::new(reader), false) {
                // The decoder stumbles over some cuts.
                Err(Rejection::ImageUnreadable) if !has_end => Ok(None),
                source => source,
            }
        }
        Ok(ImageFormat::Png) => read(PngDecoder::with_limits(reader, limits()), false),
        Ok(ImageFormat::Gif) => read(GifDecoder::new(reader), gif::is_cut(bytes)),
        Ok(ImageFormat::WebP) => read(WebPDecoder::new(reader), is_shorter_than_its_riff(bytes)),
        _ => Err(Rejection::ImageUnreadable),
    }
}

/// Returns true if the file has fewer bytes than its RIFF header announces.
fn is_shorter_than_its_riff(bytes: &[u8]) -> bool {
    let announced = bytes.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_le_bytes);
    (bytes.len() as u64) < u64::from(announced) + 8
}

/// Reads an image of which the header has been read. If its file `is_cut`, pixels that cannot be decoded are missing ones.
fn read(decoder: ImageResult<impl ImageDecoder>, is_cut: bool) -> Result<Option<Source>, Rejection> {
    let mut decoder = decoder.map_err(|error| rejection(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Rejection::ImageUnreadable);
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(Rejection::ImageTooLarge);
    }
    decoder.set_limits(limits()).map_err(|error| rejection(&error))?;
    // An unreadable orientation is ignored, as image viewers do.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().unwrap_or_default();
    match DynamicImage::from_decoder(Truncatable(decoder)) {
        Ok(image) => Ok(Some(Source { image, orientation, profile })),
        Err(ImageError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) if is_cut && rejection(&error) == Rejection::ImageUnreadable => Ok(None),
        Err(error) => Err(rejection(&error)),
    }
}

/// Returns the memory limits of decoders beyond the pixels: a frame of a GIF, unpacked text.
fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

fn rejection(error: &ImageError) -> Rejection {
    match error {
        ImageError::Limits(_) => Rejection::ImageTooLarge,
        _ => Rejection::ImageUnreadable,
    }
}
