//! Uploads in parts with a checksum for each.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use sha2::{Digest, Sha256};

use crate::uploads::sha256;
use crate::{Service, browser, happened};

const KEY: &str = "in/big.jpg";

async fn begin(service: &Service) -> String {
    let create = service.client.create_multipart_upload().bucket("photos").key(KEY).content_type("image/jpeg");
    create.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap().upload_id.unwrap()
}

/// Completes an upload, or gives the code of the error.
async fn complete(
    service: &Service,
    upload: &str,
    parts: impl IntoIterator<Item = CompletedPart>,
) -> Result<CompleteMultipartUploadOutput, String> {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().collect())).build();
    let complete = service.client.complete_multipart_upload().bucket("photos").key(KEY).upload_id(upload);
    let completed = complete.multipart_upload(parts).send().await;
    completed.map_err(|error| error.into_service_error().code().unwrap().to_owned())
}

/// Uploads a part by a presigned URL that is bound to its checksum.
async fn upload(service: &Service, upload: &str, number: i32, part: Vec<u8>) -> CompletedPart {
    let checksum = sha256(&part);
    let signed = service.client.upload_part().bucket("photos").key(KEY).upload_id(upload).part_number(number);
    let signed = signed.checksum_sha256(&checksum).content_length(part.len().try_into().unwrap());
    let signed = signed.presigned(PresigningConfig::expires_in(Duration::from_mins(1)).unwrap()).await.unwrap();
    let put = |body: Vec<u8>| {
        let headers = signed.headers().filter(|(name, _)| *name != "content-length");
        headers.fold(browser().put(signed.uri()), |put, (name, value)| put.header(name, value)).body(body).send()
    };
    let mut other = part.clone();
    other[0] ^= 1;
    let refused = put(other).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("<Code>BadDigest</Code>"));
    let mut longer = part.clone();
    longer.push(0);
    assert_eq!(put(longer).await.unwrap().status(), 403);
    let accepted = put(part).await.unwrap();
    assert_eq!(accepted.status(), 200);
    assert_eq!(accepted.headers()["x-amz-checksum-sha256"], checksum);
    let e_tag = accepted.headers()["etag"].to_str().unwrap();
    CompletedPart::builder().part_number(number).e_tag(e_tag).checksum_sha256(checksum).build()
}

#[tokio::test]
async fn parts_are_checked_and_joined() {
    let mut service = Service::start("local").await;
    let id = begin(&service).await;
    let (first, second) = (vec![b'a'; 5 * 1024 * 1024], b"the end".to_vec());
    let checksums: Vec<u8> = [&first, &second].iter().flat_map(Sha256::digest).collect();
    let composite = format!("{}-2", STANDARD.encode(Sha256::digest(checksums)));
    // A browser uploads them in any order.
    let two = upload(&service, &id, 2, second.clone()).await;
    let one = upload(&service, &id, 1, first.clone()).await;

    let listed = service.client.list_parts().bucket("photos").key(KEY).upload_id(&id).send().await.unwrap();
    let listed: Vec<_> =
        listed.parts().iter().map(|part| (part.part_number(), part.size(), part.checksum_sha256())).collect();
    let expected = |number, part: &CompletedPart, size| (Some(number), Some(size), part.checksum_sha256.clone());
    let expected = [expected(1, &one, 5 * 1024 * 1024), expected(2, &two, 7)];
    let listed: Vec<_> = listed.into_iter().map(|(number, size, sum)| (number, size, sum.map(str::to_owned))).collect();
    assert_eq!(listed, expected);

    let change = |part: &CompletedPart, e_tag: Option<&str>, checksum: Option<&str>| {
        let mut part = part.clone();
        part.e_tag = e_tag.map(str::to_owned).or(part.e_tag);
        part.checksum_sha256 = checksum.map(str::to_owned);
        part
    };
    let sum = two.checksum_sha256.as_deref();
    let mut third = two.clone();
    third.part_number = Some(3);
    for (parts, code) in [
        (vec![two.clone(), one.clone()], "InvalidPartOrder"),
        (vec![one.clone(), change(&two, Some("\"0\""), sum)], "InvalidPart"),
        (vec![one.clone(), change(&two, None, one.checksum_sha256.as_deref())], "InvalidPart"),
        (vec![one.clone(), change(&two, None, None)], "InvalidRequest"),
        (vec![one.clone(), two.clone(), third], "InvalidPart"),
    ] {
        assert_eq!(complete(&service, &id, parts).await.unwrap_err(), code);
    }
    let output = complete(&service, &id, [one.clone(), two.clone()]).await.unwrap();
    assert_eq!(output.checksum_sha256(), Some(composite.as_str()));
    assert_eq!(service.next().await, happened("ObjectCreated:CompleteMultipartUpload", KEY));
    // The same request again has the same answer, and makes nothing.
    let again = complete(&service, &id, [one.clone(), two.clone()]).await.unwrap();
    assert_eq!((again.e_tag(), again.checksum_sha256()), (output.e_tag(), Some(composite.as_str())));
    assert_eq!(complete(&service, &id, [one]).await.unwrap_err(), "NoSuchUpload", "other parts");

    let object = service.client.get_object().bucket("photos").key(KEY).checksum_mode(ChecksumMode::Enabled);
    let object = object.send().await.unwrap();
    assert_eq!((object.content_type(), object.checksum_sha256()), (Some("image/jpeg"), Some(composite.as_str())));
    assert_eq!(object.body.collect().await.unwrap().to_vec(), [first, second].concat());
}

#[tokio::test]
async fn a_part_that_is_too_small_and_one_without_a_checksum_are_refused() {
    let service = Service::start("local").await;
    let id = begin(&service).await;
    let one = upload(&service, &id, 1, b"small".to_vec()).await;
    let two = upload(&service, &id, 2, b"last".to_vec()).await;
    assert_eq!(complete(&service, &id, [one.clone(), two]).await.unwrap_err(), "EntityTooSmall");
    let part = service.client.upload_part().bucket("photos").key(KEY).upload_id(&id).part_number(3);
    let wrong = part.checksum_crc32("NhCmhg==").body(ByteStream::from_static(b"hello")).send().await;
    assert_eq!(wrong.unwrap_err().into_service_error().code(), Some("InvalidRequest"));
    // The refused request has changed nothing.
    complete(&service, &id, [one]).await.unwrap();
    assert_eq!(service.text(KEY).await, "small");
}

#[tokio::test]
async fn requests_that_complete_an_upload_at_once_have_one_answer() {
    let mut service = Service::start("local").await;
    for _ in 0..5 {
        let id = begin(&service).await;
        let part = upload(&service, &id, 1, b"part".to_vec()).await;
        let completed = join_all((0..5).map(|_| complete(&service, &id, [part.clone()]))).await;
        let tags: Vec<_> = completed.into_iter().map(|completed| completed.unwrap().e_tag.unwrap()).collect();
        assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
        assert_eq!(service.next().await, happened("ObjectCreated:CompleteMultipartUpload", KEY));
        service.client.delete_object().bucket("photos").key(KEY).send().await.unwrap();
        // One event for all five.
        assert_eq!(service.next().await, happened("ObjectRemoved:Delete", KEY));
        assert_eq!(complete(&service, &id, [part]).await.unwrap_err(), "NoSuchUpload", "the object is deleted");
    }
}

#[tokio::test]
async fn an_upload_that_is_completed_and_aborted_at_once_is_one_of_both() {
    let service = Service::start("local").await;
    for _ in 0..10 {
        let id = begin(&service).await;
        let part = upload(&service, &id, 1, b"part".to_vec()).await;
        let abort = service.client.abort_multipart_upload().bucket("photos").key(KEY).upload_id(&id).send();
        let late = service.client.upload_part().bucket("photos").key(KEY).upload_id(&id).part_number(1);
        let late = late.checksum_algorithm(ChecksumAlgorithm::Sha256).body(ByteStream::from_static(b"part")).send();
        let (completed, aborted, late) = tokio::join!(complete(&service, &id, [part]), abort, late);
        let aborted = aborted.map_err(|error| error.into_service_error().code().unwrap().to_owned());
        let there = service.client.get_object().bucket("photos").key(KEY).send().await.is_ok();
        match (&completed, &aborted) {
            (Ok(_), Err(code)) => assert!(there && code == "NoSuchUpload", "{code}"),
            (Err(code), Ok(_)) => assert!(!there && code == "NoSuchUpload", "{code}"),
            other => panic!("{other:?}"),
        }
        if let Err(error) = late {
            assert_eq!(error.into_service_error().code(), Some("NoSuchUpload"));
        }
        let list = service.client.list_parts().bucket("photos").key(KEY).upload_id(&id).send().await;
        assert_eq!(list.unwrap_err().into_service_error().code(), Some("NoSuchUpload"));
        service.client.delete_object().bucket("photos").key(KEY).send().await.unwrap();
    }
}

#[tokio::test]
async fn an_aborted_upload_is_deleted() {
    let service = Service::start("local").await;
    let id = begin(&service).await;
    let part = upload(&service, &id, 1, b"part".to_vec()).await;
    let abort = || service.client.abort_multipart_upload().bucket("photos").key(KEY).upload_id(&id).send();
    abort().await.unwrap();
    assert_eq!(abort().await.unwrap_err().into_service_error().code(), Some("NoSuchUpload"));
    assert_eq!(complete(&service, &id, [part]).await.unwrap_err(), "NoSuchUpload");
    let list = service.client.list_parts().bucket("photos").key(KEY).upload_id("never-begun").send().await;
    assert_eq!(list.unwrap_err().into_service_error().code(), Some("NoSuchUpload"));
}
