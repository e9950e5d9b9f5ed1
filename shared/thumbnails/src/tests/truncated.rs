use domain::file::Rejection::ImageUnreadable;
use image::{DynamicImage, GenericImageView, ImageFormat};

use super::{FORMATS, encoded, quarters};
use crate::thumbnails;

#[test]
fn images_without_their_end_mark_get_thumbnails() {
    let whole = encoded(&quarters(200, 100), ImageFormat::Jpeg);
    let (body, end) = whole.split_at(whole.len() - 2);
    assert_eq!(end, [0xff, 0xd9]);
    assert_eq!(thumbnails(body).unwrap().thumbnails.len(), 2);
    let whole = encoded(&quarters(200, 100), ImageFormat::Png);
    let body = &whole[..whole.len() - 12];
    assert_eq!(&whole[body.len() + 4..body.len() + 8], b"IEND");
    // Also without the checksum of the pixels, or with a part of the mark.
    for cut in [body.len(), body.len() - 4, body.len() + 6] {
        assert_eq!(thumbnails(&whole[..cut]).unwrap().thumbnails.len(), 2, "{cut}");
    }
    let whole = encoded(&quarters(200, 100), ImageFormat::Gif);
    assert_eq!(whole.last(), Some(&b';'));
    assert_eq!(thumbnails(&whole[..whole.len() - 1]).unwrap().thumbnails.len(), 2);
}

/// Noise, which takes as many bytes above as below.
fn noise() -> DynamicImage {
    let mut state: u32 = 1;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] | 1
    };
    let image = image::RgbImage::from_fn(160, 120, |_, _| image::Rgb([next(), next(), next()]));
    DynamicImage::ImageRgb8(image)
}

#[test]
fn a_half_image_is_accepted() {
    for format in FORMATS {
        let whole = encoded(&noise(), format);
        let processed = thumbnails(&whole[..whole.len() / 2]).unwrap();
        assert_eq!(processed.dimensions.is_some(), !processed.thumbnails.is_empty(), "{format:?}");
        for made in &processed.thumbnails {
            assert_eq!(image::load_from_memory(&made.bytes).unwrap().dimensions(), (160, 120), "{format:?}");
        }
    }
}

#[test]
fn every_cut_is_shown_in_part_or_unreadable() {
    for format in FORMATS {
        let whole = encoded(&quarters(200, 100), format);
        let outcomes: Vec<_> = (0..whole.len()).map(|length| thumbnails(&whole[..length]).map(drop)).collect();
        let readable = outcomes.iter().position(Result::is_ok).unwrap();
        assert!(outcomes[..readable].iter().all(|outcome| *outcome == Err(ImageUnreadable)), "{format:?}");
        assert!(outcomes[readable..].iter().all(Result::is_ok), "{format:?}");
    }
}
