//! Pictures of users: put, shown to others, replaced and removed.

use std::io::Cursor;
use std::time::Duration;

use domain::user::MAX_AVATAR_BYTES;
use end_to_end::test_user::Answer;
use end_to_end::{Cloud, TestUser, aws};
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};
use store::sqs::{FilesBody, Queue};

use crate::uploader::{Bucket, PNG};

const MINE: &str = "/v1/users/me/avatar";

/// A photo of one colour, with a comment in its EXIF data.
fn photo(colour: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(800, 400, [colour, 10, 10].into()).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let jpeg = bytes.into_inner();
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0secret place";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, exif, &jpeg[2..]].concat()
}

async fn put(user: &TestUser, bytes: Vec<u8>) -> Answer {
    user.put_bytes(MINE, "image/jpeg", bytes).await
}

/// Returns the picture of a user, as another one gets it.
async fn picture(viewer: &TestUser, of: &TestUser) -> Vec<u8> {
    let path = format!("/v1/users/{}/avatar", of.user_id);
    let (status, location, _) = viewer.get_without_redirects(&path, "*/*").await;
    assert_eq!(status, 302);
    reqwest::get(location.unwrap()).await.unwrap().bytes().await.unwrap().to_vec()
}

fn code(answer: &Answer) -> (u16, Value) {
    (answer.0, answer.1["code"].clone())
}

#[tokio::test]
async fn avatar_is_a_small_picture_for_everybody() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (status, first) = put(&alice, photo(200)).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(put(&alice, photo(200)).await.1, first, "the same picture changes nothing");
    let profile = bob.get(&format!("/v1/users?ids={}", alice.user_id)).await.1["users"][0].clone();
    assert_eq!(profile, first);
    let shown = picture(&bob, &alice).await;
    assert!(!shown.windows(6).any(|window| window == b"secret"), "data beside the pixels");
    let shown = image::load_from_memory(&shown).unwrap().to_rgb8();
    assert_eq!(shown.dimensions(), (320, 160));
    let path = format!("/v1/users/{}/avatar", alice.user_id);
    let (status, _, link) = bob.get_without_redirects(&path, "application/json").await;
    assert!(status == 200 && link.contains("\"url\":"), "{link}");

    let (_, second) = put(&alice, photo(90)).await;
    assert_ne!(second["avatar_id"], first["avatar_id"]);
    let pixel = image::load_from_memory(&picture(&bob, &alice).await).unwrap().to_rgb8().get_pixel(5, 5).0[0];
    assert!(pixel.abs_diff(90) < 10, "{pixel}");
    // The name does not touch it.
    let renamed = alice.put("/v1/users/me", &json!({"display_name": "Alicia"})).await.1;
    assert_eq!(renamed["avatar_id"], second["avatar_id"]);

    for _ in 0..2 {
        assert_eq!(alice.delete(MINE).await.0, 204);
    }
    assert_eq!(alice.get("/v1/users/me").await.1.get("avatar_id"), None);
    let gone = bob.get(&format!("/v1/users/{}/avatar", alice.user_id)).await;
    assert_eq!(code(&gone), (404, json!("avatar_not_found")));
    Bucket::shared().is_without(&alice.user_id).await;
}

#[tokio::test]
async fn bad_pictures_are_refused_and_change_nothing() {
    let alice = TestUser::new("alice").await;
    let (_, before) = put(&alice, PNG.to_vec()).await;
    assert!(before["avatar_id"].is_string(), "{before}");
    let cut = photo(1)[..40].to_vec();
    for bad in [Vec::new(), b"<svg onload='alert(1)'/>".to_vec(), cut, PNG[..20].to_vec()] {
        assert_eq!(code(&put(&alice, bad).await), (400, json!("invalid_image")));
    }
    let large = put(&alice, vec![0; MAX_AVATAR_BYTES + 1]).await;
    assert_eq!(code(&large), (413, json!("body_too_large")));
    assert_eq!(alice.get("/v1/users/me").await.1, before);
    let unknown = alice.get(&format!("/v1/users/{}/avatar", uuid::Uuid::new_v4())).await;
    assert_eq!(code(&unknown), (404, json!("avatar_not_found")));
    assert_eq!(code(&alice.get("/v1/users/someone/avatar").await), (400, json!("invalid_uuid")));
}

#[tokio::test]
async fn avatar_goes_with_the_account() {
    let cloud = Cloud::shared();
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    assert_eq!(put(&alice, photo(7)).await.0, 200);
    assert_eq!(alice.delete("/v1/users/me").await.0, 204);
    assert_eq!(code(&put(&alice, photo(8)).await), (403, json!("user_deleted")));
    let gone = bob.get(&format!("/v1/users/{}/avatar", alice.user_id)).await;
    assert_eq!(code(&gone), (404, json!("avatar_not_found")));
    // What the relay sends half a minute later.
    let queue = Queue::new(aws::sqs(cloud), aws::files_queue_url(cloud));
    let body = FilesBody::all_of(alice.user_id.parse().unwrap());
    queue.send_files(body, domain::Timestamp::now().plus(Duration::ZERO)).await.unwrap();
    Bucket::shared().is_without(&alice.user_id).await;
}
