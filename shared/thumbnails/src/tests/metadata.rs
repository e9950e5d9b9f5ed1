use image::{DynamicImage, GenericImageView, ImageFormat, Rgb, RgbImage};
use moxcms::ColorProfile;

use super::{chunk, described, encoded, exif, quarters};
use crate::{ProcessedImage, thumbnails};

/// Returns true if these bytes are anywhere in a thumbnail.
fn contains(processed: &ProcessedImage, planted: &[u8]) -> bool {
    let within = |bytes: &[u8]| bytes.windows(planted.len()).any(|window| window == planted);
    processed.thumbnails.iter().any(|made| within(&made.bytes))
}

/// A JPEG with a segment after its first marker.
fn with_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, data, &jpeg[2..]].concat()
}

#[test]
fn thumbnails_contain_no_metadata() {
    let transparent = quarters(400, 300).into_rgba8();
    let mut transparent = DynamicImage::from(transparent);
    transparent.as_mut_rgba8().unwrap().get_pixel_mut(0, 0).0[3] = 0;
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    for (image, format) in [
        (quarters(400, 300), ImageFormat::Jpeg),
        (quarters(400, 300), ImageFormat::Png),
        (quarters(400, 300), ImageFormat::WebP),
        (transparent.clone(), ImageFormat::Png),
        (transparent, ImageFormat::WebP),
    ] {
        let mut bytes = described(&image, format, Some(exif(6)), Some(profile.clone()));
        match format {
            ImageFormat::Jpeg => {
                bytes = with_segment(&bytes, 0xe1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>planted</x:xmpmeta>");
                bytes = with_segment(&bytes, 0xfe, b"planted comment");
                bytes.extend_from_slice(b"planted behind the end");
            }
            ImageFormat::Png => {
                let text =
                    [chunk(*b"tEXt", b"Author\0planted"), chunk(*b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0planted")]
                        .concat();
                // Behind the header.
                bytes.splice(33..33, text);
                bytes.extend_from_slice(b"planted behind the end");
            }
            _ => {}
        }
        let processed = thumbnails(&bytes).unwrap();
        assert_eq!(processed.dimensions.unwrap().width, 300, "the orientation was read");
        for planted in
            [&b"59.93N"[..], b"Exif", b"II*\0", b"eXIf", b"planted", b"acsp", b"ICC_PROFILE", b"iCCP", b"tEXt", b"xmp"]
        {
            assert!(!contains(&processed, planted), "{format:?} {}", String::from_utf8_lossy(planted));
        }
    }
}

#[test]
fn colours_are_converted_to_srgb() {
    let muted = DynamicImage::from(RgbImage::from_pixel(64, 64, Rgb([100, 180, 100])));
    let shown = |profile: Option<Vec<u8>>, format| {
        let processed = thumbnails(&described(&muted, format, None, profile)).unwrap();
        image::load_from_memory(&processed.thumbnails[0].bytes).unwrap().get_pixel(32, 32).0
    };
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let near = |colour: [u8; 4], expected: [u8; 3]| colour.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4);
        let (plain, p3) = (shown(None, format), shown(Some(ColorProfile::new_display_p3().encode().unwrap()), format));
        assert!(near(plain, [100, 180, 100]), "{format:?} {plain:?}");
        // From the matrices of both: green as Display P3 means it is beyond what is red and blue in sRGB.
        assert!(near(p3, [65, 182, 90]), "{format:?} {p3:?}");
        assert!(near(shown(Some(b"no profile".to_vec()), format), [100, 180, 100]), "{format:?}");
    }
}

#[test]
fn thumbnails_are_compressed() {
    let bytes = encoded(&quarters(3000, 2000), ImageFormat::Png);
    let processed = thumbnails(&bytes).unwrap();
    assert!(processed.thumbnails.iter().all(|made| made.bytes.len() < 64 * 1024));
}
