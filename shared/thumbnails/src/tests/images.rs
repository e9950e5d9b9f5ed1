use domain::file::{Dimensions, ThumbnailSize};
use image::{DynamicImage, GenericImageView, GrayAlphaImage, ImageFormat, Luma, LumaA, Rgba, RgbaImage};

use super::{CORNERS, FORMATS, described, encoded, exif, quarters};
use crate::{ProcessedImage, thumbnails};

/// Type, width and height of each thumbnail.
fn shapes(processed: &ProcessedImage) -> Vec<(&'static str, u32, u32)> {
    let shape = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().dimensions();
    processed.thumbnails.iter().map(|made| (made.content_type, shape(&made.bytes).0, shape(&made.bytes).1)).collect()
}

/// The colours of the corners, as far as a JPEG keeps them.
fn corners(image: &DynamicImage) -> [Rgba<u8>; 4] {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    [(0, 0), (right, 0), (0, bottom), (right, bottom)].map(|(x, y)| image.get_pixel(x, y)).map(|pixel| {
        // To the next of all or nothing.
        Rgba(pixel.0.map(|channel| if channel < 128 { 0 } else { 255 }))
    })
}

#[test]
fn both_sizes_are_made_for_every_format() {
    for format in FORMATS {
        let processed = thumbnails(&encoded(&quarters(2000, 1000), format)).unwrap();
        assert_eq!(processed.dimensions, Some(Dimensions { width: 2000, height: 1000 }));
        assert_eq!(shapes(&processed), [("image/jpeg", 320, 160), ("image/jpeg", 1280, 640)], "{format:?}");
        assert_eq!(processed.thumbnails.iter().map(|made| made.size).collect::<Vec<_>>(), ThumbnailSize::ALL);
        for made in &processed.thumbnails {
            assert_eq!(corners(&image::load_from_memory(&made.bytes).unwrap()), CORNERS, "{format:?}");
        }
    }
}

#[test]
fn thumbnails_are_never_larger_than_the_image() {
    let shapes_of = |width, height| shapes(&thumbnails(&encoded(&quarters(width, height), ImageFormat::Png)).unwrap());
    assert_eq!(shapes_of(1, 1), [("image/jpeg", 1, 1), ("image/jpeg", 1, 1)]);
    assert_eq!(shapes_of(320, 200), [("image/jpeg", 320, 200), ("image/jpeg", 320, 200)]);
    assert_eq!(shapes_of(321, 1281), [("image/jpeg", 80, 320), ("image/jpeg", 321, 1280)]);
    assert_eq!(shapes_of(2, 60_000), [("image/jpeg", 1, 320), ("image/jpeg", 1, 1280)]);
}

#[test]
fn thumbnails_are_rotated_by_the_exif_orientation() {
    let [red, green, blue, white] = CORNERS;
    let turned = [
        [red, green, blue, white],
        [green, red, white, blue],
        [white, blue, green, red],
        [blue, white, red, green],
        [red, blue, green, white],
        [blue, red, white, green],
        [white, green, blue, red],
        [green, white, red, blue],
    ];
    for (orientation, expected) in (1..).zip(turned) {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let processed = thumbnails(&described(&quarters(640, 480), format, Some(exif(orientation)), None)).unwrap();
            let (width, height) = if orientation < 5 { (640, 480) } else { (480, 640) };
            assert_eq!(processed.dimensions, Some(Dimensions { width, height }), "{orientation} {format:?}");
            let small = (width / 2, height / 2);
            assert_eq!(
                shapes(&processed),
                [("image/jpeg", small.0, small.1), ("image/jpeg", width, height)],
                "{orientation} {format:?}"
            );
            for made in processed.thumbnails {
                let image = image::load_from_memory(&made.bytes).unwrap();
                assert_eq!(corners(&image), expected, "{orientation} {format:?}");
            }
        }
    }
}

#[test]
fn invalid_exif_orientations_are_ignored() {
    for exif in [exif(0), exif(9), b"II*\0".to_vec(), b"nonsense".to_vec(), b"II*\0\xff\xff\xff\xff".to_vec()] {
        let processed = thumbnails(&described(&quarters(64, 48), ImageFormat::Jpeg, Some(exif), None)).unwrap();
        assert_eq!(processed.dimensions, Some(Dimensions { width: 64, height: 48 }));
    }
}

#[test]
fn transparency_is_kept() {
    // Transparent white beside black: it must not bleed into it.
    let glass =
        RgbaImage::from_fn(1600, 1600, |x, _| if x % 2 == 0 { Rgba([255, 255, 255, 0]) } else { Rgba([0, 0, 0, 255]) });
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let processed = thumbnails(&encoded(&glass.clone().into(), format)).unwrap();
        assert_eq!(shapes(&processed), [("image/png", 320, 320), ("image/png", 1280, 1280)]);
        let small = image::load_from_memory(&processed.thumbnails[0].bytes).unwrap().into_rgba8();
        let [red, _, _, alpha] = small.get_pixel(100, 100).0;
        assert!(red < 20 && (100..156).contains(&alpha), "{red} {alpha}");
    }
    let hole = RgbaImage::from_fn(40, 40, |x, y| if (x, y) == (39, 39) { Rgba([0; 4]) } else { CORNERS[0] });
    let processed = thumbnails(&encoded(&hole.into(), ImageFormat::Gif)).unwrap();
    assert_eq!(shapes(&processed)[0], ("image/png", 40, 40));
    let small = image::load_from_memory(&processed.thumbnails[0].bytes).unwrap().into_rgba8();
    assert_eq!((small.get_pixel(39, 39).0[3], small.get_pixel(0, 0).0), (0, CORNERS[0].0));
}

#[test]
fn grey_and_16_bit_images_are_decoded() {
    let grey = image::GrayImage::from_fn(400, 300, |x, _| Luma([if x < 200 { 0 } else { 255 }]));
    let images: [DynamicImage; 5] = [
        grey.clone().into(),
        DynamicImage::from(grey.clone()).into_luma16().into(),
        DynamicImage::from(grey.clone()).into_luma_alpha8().into(),
        DynamicImage::from(grey.clone()).into_rgb16().into(),
        DynamicImage::from(grey).into_rgba16().into(),
    ];
    for image in images {
        let processed = thumbnails(&encoded(&image, ImageFormat::Png)).unwrap();
        assert_eq!(shapes(&processed), [("image/jpeg", 320, 240), ("image/jpeg", 400, 300)], "{:?}", image.color());
        let small = image::load_from_memory(&processed.thumbnails[0].bytes).unwrap();
        let [left, right, ..] = corners(&small);
        assert_eq!((left.0, right.0), ([0, 0, 0, 255], [255; 4]), "{:?}", image.color());
        assert_eq!(small.color().has_color(), image.color().has_color());
    }
}

#[test]
fn transparent_grey_images_stay_grey_and_transparent() {
    let glass = GrayAlphaImage::from_fn(400, 300, |x, _| {
        LumaA([if x < 200 { 0 } else { 255 }, if x < 200 { 255 } else { 128 }])
    });
    let processed = thumbnails(&encoded(&glass.into(), ImageFormat::Png)).unwrap();
    assert_eq!(shapes(&processed), [("image/png", 320, 240), ("image/png", 400, 300)]);
    let small = image::load_from_memory(&processed.thumbnails[0].bytes).unwrap();
    assert!(!small.color().has_color());
    let small = small.into_luma_alpha8();
    assert_eq!((small.get_pixel(0, 0).0, small.get_pixel(319, 239).0), ([0, 255], [255, 128]));
}
