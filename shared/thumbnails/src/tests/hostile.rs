use domain::file::Rejection::{self, ImageTooLarge, ImageUnreadable};
use image::{DynamicImage, GrayImage, ImageFormat};

use super::{FORMATS, chunk, encoded, exif, quarters};
use crate::jpeg::MAX_SCANS;
use crate::{jpeg, thumbnails};

fn rejected(bytes: &[u8]) -> Option<Rejection> {
    thumbnails(bytes).err()
}

/// Types of the pixels of a PNG.
const GREY: u8 = 0;
const COLOURS_AND_ALPHA: u8 = 6;

/// The header of a PNG of 8 or 16 bits.
fn png_header(width: u32, height: u32, depth: u8, kind: u8) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, kind, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n", &chunk(*b"IHDR", &header)[..]].concat()
}

/// A PNG whose header says another size than it has.
fn png_with_header_size(image: &DynamicImage, width: u32, height: u32) -> Vec<u8> {
    let bytes = encoded(image, ImageFormat::Png);
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &bytes[24..29]].concat();
    [&bytes[..8], &chunk(*b"IHDR", &header), &bytes[33..]].concat()
}

/// A JPEG whose header says another size than it has.
fn jpeg_with_header_size(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = encoded(&quarters(64, 64), ImageFormat::Jpeg);
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// A GIF of a screen and a frame; of its pixels there is but a code.
fn gif(screen: [u16; 2], frame: [u16; 2]) -> Vec<u8> {
    let sides = |[width, height]: [u16; 2]| [width.to_le_bytes(), height.to_le_bytes()].concat();
    let colours = [0, 0, 0, 255, 255, 255];
    [&b"GIF89a"[..], &sides(screen), &[0x80, 0, 0], &colours, b",\0\0\0\0", &sides(frame), &[0, 2, 1, 4, 0, b';']]
        .concat()
}

#[test]
fn images_with_too_many_pixels_are_rejected() {
    let pixels = chunk(*b"IDAT", b"\x78\x9c\x03\0\0\0\0\x01");
    for (width, height, depth, kind) in [
        (50_000, 50_000, 8, COLOURS_AND_ALPHA),
        (u32::MAX >> 1, u32::MAX >> 1, 8, COLOURS_AND_ALPHA),
        (8001, 8000, 8, GREY),
        (6000, 6000, 16, COLOURS_AND_ALPHA),
    ] {
        let png = [png_header(width, height, depth, kind), pixels.clone()].concat();
        assert_eq!(rejected(&png), Some(ImageTooLarge), "{width}");
    }
    assert_eq!(rejected(&jpeg_with_header_size(65_000, 65_000)), Some(ImageTooLarge));
    assert_eq!(rejected(&gif([65_535, 65_535], [1, 1])), Some(ImageTooLarge));
    assert_eq!(rejected(&gif([1, 1], [65_535, 65_535])), Some(ImageTooLarge), "a frame that is larger than its screen");
    let mut webp = encoded(&quarters(8, 8), ImageFormat::WebP);
    // Behind the signature of the lossless stream: fourteen bits for each side.
    let sides = webp.windows(4).position(|kind| kind == b"VP8L").unwrap() + 9;
    webp[sides..sides + 4].copy_from_slice(&[0xfe, 0xbf, 0xff, 0x0f]);
    assert_eq!(rejected(&webp), Some(ImageTooLarge));
}

#[test]
fn pixels_beyond_the_size_in_the_header_are_dropped() {
    let black = DynamicImage::from(GrayImage::new(4000, 4000));
    // The decoder drops the data behind the last row, piece by piece.
    let processed = thumbnails(&png_with_header_size(&black, 1, 1)).unwrap();
    assert_eq!(processed.dimensions.unwrap().width, 1);
    assert_eq!(
        rejected(&png_with_header_size(&black, 4000, 4001)),
        Some(ImageUnreadable),
        "fewer rows than in the header"
    );
}

#[test]
fn compressed_metadata_is_not_unpacked() {
    let unpacked = encoded(&DynamicImage::from(GrayImage::new(8000, 8000)), ImageFormat::Png);
    // The chunk of the pixels, taken for text and for a profile.
    let packed = &unpacked[41..unpacked.len() - 16];
    let mut png = encoded(&quarters(8, 8), ImageFormat::Png);
    for _ in 0..8 {
        png.splice(33..33, chunk(*b"zTXt", &[b"a\0\0", packed].concat()));
    }
    png.splice(33..33, chunk(*b"iCCP", &[b"a\0\0", packed].concat()));
    assert_eq!(rejected(&png), None);
}

#[test]
fn jpegs_with_too_many_scans_are_rejected() {
    let scan = [0xff, 0xda, 0, 2, 1, 2, 0xff, 0];
    let scans = |count| [&[0xff, 0xd8], &scan.repeat(count)[..], &[0xff, 0xd9]].concat();
    assert_eq!(jpeg::check(&scans(MAX_SCANS)), Ok(true));
    assert_eq!(rejected(&scans(MAX_SCANS + 1)), Some(ImageTooLarge));
    assert_eq!(jpeg::check(&scans(0)), Err(ImageUnreadable));
    assert_eq!(
        jpeg::check(&[0xff, 0xd8].iter().chain(&scan.repeat(MAX_SCANS)).copied().collect::<Vec<_>>()),
        Ok(false)
    );
    assert_eq!(
        jpeg::check(&[0xff, 0xd8].iter().chain(&scan.repeat(MAX_SCANS + 1)).copied().collect::<Vec<_>>()),
        Err(ImageTooLarge)
    );
}

#[test]
fn images_without_pixels_are_rejected() {
    assert_eq!(rejected(b""), Some(ImageUnreadable));
    assert_eq!(rejected(b"text"), Some(ImageUnreadable));
    assert_eq!(rejected(&jpeg_with_header_size(0, 0)), Some(ImageUnreadable));
    assert_eq!(rejected(&png_header(0, 0, 8, GREY)), Some(ImageUnreadable));
    assert_eq!(rejected(&gif([0, 0], [0, 0])), Some(ImageUnreadable));
    assert_eq!(rejected(b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0"), Some(ImageUnreadable), "an unsupported type");
}

/// Any outcome is fine, as long as there is one.
#[test]
fn corrupted_bytes_cause_no_panic() {
    for format in FORMATS {
        let mut whole = encoded(&quarters(40, 30), format);
        if format == ImageFormat::Jpeg {
            whole = super::described(&quarters(40, 30), format, Some(exif(6)), None);
        }
        for at in 0..whole.len().min(700) {
            for byte in [0x00, 0x7f, 0xff, whole[at] ^ 1, whole[at] ^ 0x80] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let _ = thumbnails(&bytes);
            }
        }
    }
}
