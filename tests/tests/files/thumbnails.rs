//! Images get thumbnails, and none of them takes more than there is.

use std::io::Cursor;

use end_to_end::test_user::client;
use image::{ImageFormat, ImageReader, Rgb, RgbImage};
use serde_json::json;

use crate::sharing::send_with_files;
use crate::uploader::{Bucket, pair, processed, ready, upload};

/// A JPEG of 2,000 by 1,000 pixels that says of itself that it lies on its side.
fn photograph() -> Vec<u8> {
    let mut jpeg = Cursor::new(Vec::new());
    RgbImage::from_pixel(2000, 1000, Rgb([200, 30, 60])).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    // TIFF, little-endian; one entry: tag 0x112 (orientation), of type SHORT, one of them, and it is 6.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, exif, &jpeg[2..]].concat()
}

/// A GIF of a few bytes that wants to be this large.
fn bomb(side: u16) -> Vec<u8> {
    let side = [side.to_le_bytes(), side.to_le_bytes()].concat();
    let palette = [0x80, 0, 0, 0, 0, 0, 255, 255, 255];
    [b"GIF89a", &side[..], &palette, b"\x2c\0\0\0\0", &side, b"\0\x02\x02\x4c\x01\0\x3b"].concat()
}

#[tokio::test]
async fn thumbnails_are_upright_and_without_metadata() {
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    let file = ready(&alice, &conversation, "photo.jpg", "image/jpeg", &photograph()).await;
    a.ask(send_with_files(&conversation, 1, &[&file])).await;
    let (_, history) = bob.get(&format!("/v1/conversations/{conversation}/messages?after_seq=1")).await;
    let attached = &history["messages"][0]["attachments"][0];
    assert_eq!((&attached["width"], &attached["height"]), (&json!(1000), &json!(2000)), "{attached}");
    for (size, expected) in [(320, (160, 320)), (1280, (640, 1280))] {
        let path = format!("/v1/files/{file}/thumbnail?conversation_id={conversation}&seq=2&size={size}");
        let (status, location, _) = bob.get_without_redirects(&path, "*/*").await;
        assert_eq!(status, 302);
        let response = client().get(location.unwrap()).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "image/jpeg");
        let bytes = response.bytes().await.unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"Exif"));
        let made = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg).into_dimensions().unwrap();
        assert_eq!(made, expected);
    }
}

#[tokio::test]
async fn oversized_and_unreadable_images_are_rejected_and_deleted() {
    let (alice, _, conversation) = pair().await;
    // Its header names no size.
    let mut broken = photograph();
    broken.truncate(20);
    for (name, content_type, bytes, reason) in [
        ("bomb.gif", "image/gif", bomb(50_000), "image_too_large"),
        ("header.jpg", "image/jpeg", broken, "image_unreadable"),
    ] {
        let file = upload(&alice, &conversation, name, content_type, &bytes).await;
        let seen = processed(&alice, &file).await;
        assert_eq!((&seen["status"], &seen["reason"]), (&json!("rejected"), &json!(reason)), "{name}");
        Bucket::shared().is_without(&file).await;
    }
}

/// Browsers show images that end too early, so they are ready, too.
#[tokio::test]
async fn images_that_end_too_early_are_ready() {
    let (alice, _, conversation) = pair().await;
    let whole = photograph();
    for (name, length) in [("half.jpg", whole.len() / 2), ("endless.jpg", whole.len() - 2)] {
        let file = upload(&alice, &conversation, name, "image/jpeg", &whole[..length]).await;
        let seen = processed(&alice, &file).await;
        assert_eq!(seen["status"], "ready", "{name}: {seen}");
        // The decoder may make nothing of a half.
        if seen["width"].is_null() && name == "half.jpg" {
            continue;
        }
        let path = format!("/v1/files/{file}/thumbnail?size=320");
        let (_, location, _) = alice.get_without_redirects(&path, "*/*").await;
        assert_eq!(client().get(location.unwrap()).send().await.unwrap().status(), 200, "{name}");
    }
}
