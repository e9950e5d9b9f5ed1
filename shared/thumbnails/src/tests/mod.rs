mod hostile;
mod images;
mod metadata;
mod truncated;

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgba, RgbaImage};

/// Formats that are read.
const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP];

/// Red, green, blue and white: of the corners, from left to right and from top to bottom.
const CORNERS: [Rgba<u8>; 4] =
    [Rgba([255, 0, 0, 255]), Rgba([0, 255, 0, 255]), Rgba([0, 0, 255, 255]), Rgba([255, 255, 255, 255])];

/// An opaque image, a colour in each quarter.
fn quarters(width: u32, height: u32) -> DynamicImage {
    let image = RgbaImage::from_fn(width, height, |x, y| {
        CORNERS[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)]
    });
    DynamicImage::ImageRgba8(image).into_rgb8().into()
}

/// An image in a format.
fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// An image with EXIF data and a colour profile.
fn described(image: &DynamicImage, format: ImageFormat, exif: Option<Vec<u8>>, profile: Option<Vec<u8>>) -> Vec<u8> {
    fn write(image: &DynamicImage, mut encoder: impl ImageEncoder, exif: Option<Vec<u8>>, profile: Option<Vec<u8>>) {
        if let Some(exif) = exif {
            encoder.set_exif_metadata(exif).unwrap();
        }
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile).unwrap();
        }
        image.write_with_encoder(encoder).unwrap();
    }
    let mut bytes = Vec::new();
    match format {
        ImageFormat::Jpeg => write(image, JpegEncoder::new_with_quality(&mut bytes, 95), exif, profile),
        ImageFormat::Png => write(image, PngEncoder::new(&mut bytes), exif, profile),
        _ => write(image, WebPEncoder::new_lossless(&mut bytes), exif, profile),
    }
    bytes
}

/// EXIF data: the orientation, and a place.
fn exif(orientation: u8) -> Vec<u8> {
    [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0][..], &[0; 4], b"59.93N 30.31E"].concat()
}

/// A chunk of a PNG.
fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind, data].concat();
    let crc = body.iter().fold(u32::MAX, |crc, byte| {
        let byte = crc ^ u32::from(*byte);
        (0..8).fold(byte, |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], &body, &(!crc).to_be_bytes()].concat()
}
