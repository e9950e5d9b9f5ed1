//! Uploads whose content is bound: what a service for files needs, with the plain SDK and with presigned URLs.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256};

use crate::{Service, browser, happened};

pub(crate) fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

/// Sends a presigned request with the headers that it needs, then others. Gives the status and S3's error code.
pub(crate) async fn send(request: &PresignedRequest, headers: &[(&str, &str)], body: &'static str) -> (u16, String) {
    let method: Method = request.method().parse().unwrap();
    let mut sent = browser().request(method, request.uri());
    let own = request.headers().filter(|(name, _)| !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    for (name, value) in own.chain(headers.iter().copied()).filter(|(name, _)| *name != "content-length") {
        sent = sent.header(name, value);
    }
    let answer = sent.body(body).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    (status, code.map(|(code, _)| code.to_owned()).unwrap_or_default())
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn accepted() -> (u16, String) {
    refused(200, "")
}

fn put(service: &Service) -> PutObjectFluentBuilder {
    service.client.put_object().bucket("photos").key("in/p.jpg")
}

pub(crate) fn minutes(minutes: u64) -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_mins(minutes)).unwrap()
}

/// 403 and what S3 calls a signature over something else.
const OTHER: (u16, &str) = (403, "SignatureDoesNotMatch");

#[tokio::test]
async fn a_presigned_upload_is_bound_to_length_type_and_checksum() {
    let mut service = Service::start("local").await;
    let signed = put(&service).content_type("image/jpeg").content_length(5).checksum_sha256(sha256(b"hello"));
    let signed = signed.presigned(minutes(15)).await.unwrap();
    let other = refused(OTHER.0, OTHER.1);
    assert_eq!(send(&signed, &[], "hello, you").await, other, "another length");
    assert_eq!(send(&signed, &[], "").await, other, "nothing");
    assert_eq!(send(&signed, &[("content-type", "text/html")], "hello").await, other, "another type");
    let wrong = sha256(b"jello");
    assert_eq!(send(&signed, &[("x-amz-checksum-sha256", &wrong)], "jello").await, other, "another checksum");
    assert_eq!(send(&signed, &[], "jello").await, refused(400, "BadDigest"), "another content");
    assert!(service.client.head_object().bucket("photos").key("in/p.jpg").send().await.is_err(), "nothing was written");
    let unsigned = [("x-amz-meta-owner", "me")];
    assert_eq!(send(&signed, &unsigned, "hello").await, refused(403, "AccessDenied"), "a header that is not signed");

    assert_eq!(send(&signed, &[], "hello").await, accepted());
    assert_eq!(service.next().await, happened("ObjectCreated:Put", "in/p.jpg"));
    let head = service.client.head_object().bucket("photos").key("in/p.jpg");
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!((head.content_type(), head.content_length()), (Some("image/jpeg"), Some(5)));
    assert_eq!(head.checksum_sha256(), Some(sha256(b"hello").as_str()));
    // The URL is good until it expires, and what it does not allow leaves what is there.
    assert_eq!(send(&signed, &[], "jello").await, refused(400, "BadDigest"));
    assert_eq!(service.text("in/p.jpg").await, "hello");
    assert!(service.events.try_recv().is_err());
}

#[tokio::test]
async fn a_url_is_good_for_its_time_and_its_request() {
    let service = Service::start("local").await;
    service.put("in/p.jpg", "hello").await;
    let get = || service.client.get_object().bucket("photos").key("in/p.jpg");
    let at = |ago: u64, life: u64| {
        let config = PresigningConfig::builder().start_time(SystemTime::now() - Duration::from_secs(ago));
        config.expires_in(Duration::from_secs(life)).build().unwrap()
    };
    assert_eq!(send(&get().presigned(at(50, 60)).await.unwrap(), &[], "").await, accepted());
    assert_eq!(
        send(&get().presigned(at(61, 60)).await.unwrap(), &[], "").await,
        refused(403, "AccessDenied"),
        "expired"
    );
    let soon = PresigningConfig::builder().start_time(SystemTime::now() + Duration::from_hours(1));
    let soon = get().presigned(soon.expires_in(Duration::from_mins(1)).build().unwrap()).await.unwrap();
    assert_eq!(send(&soon, &[], "").await, refused(403, "AccessDenied"), "not yet");

    let signed = get().presigned(minutes(1)).await.unwrap();
    let status = async |method: Method, uri: &str| browser().request(method, uri).send().await.unwrap().status();
    assert_eq!(status(Method::GET, signed.uri()).await, StatusCode::OK);
    for tampered in [
        signed.uri().replace("X-Amz-Expires=60", "X-Amz-Expires=3600"),
        signed.uri().replace("p.jpg", "q.jpg"),
        signed.uri().replace("X-Amz-Credential=local", "X-Amz-Credential=F"),
        format!("{}&response-content-type=text/html", signed.uri()),
    ] {
        assert_ne!(tampered, signed.uri());
        assert_eq!(status(Method::GET, &tampered).await, StatusCode::FORBIDDEN, "{tampered}");
    }
    assert_eq!(status(Method::DELETE, signed.uri()).await, StatusCode::FORBIDDEN);
    let life = signed.uri().replace("X-Amz-Expires=60", "X-Amz-Expires=604801");
    assert!(status(Method::GET, &life).await.is_client_error());
}

#[tokio::test]
async fn a_download_has_the_headers_that_its_url_sets() {
    let service = Service::start("local").await;
    service.put("in/p.jpg", "hello").await;
    let get = service.client.get_object().bucket("photos").key("in/p.jpg");
    let get = get.response_content_disposition("attachment; filename=\"a b.jpg\"").response_content_type("image/jpeg");
    let url = get.presigned(minutes(1)).await.unwrap();
    let answer = browser().get(url.uri()).send().await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"a b.jpg\"");
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    assert_eq!(answer.text().await.unwrap(), "hello");
    for (range, status, content_range, text) in [
        ("bytes=0-1", 206, "bytes 0-1/5", "he"),
        ("bytes=3-", 206, "bytes 3-4/5", "lo"),
        ("bytes=-2", 206, "bytes 3-4/5", "lo"),
        ("bytes=2-99", 206, "bytes 2-4/5", "llo"),
        ("bytes=-99", 206, "bytes 0-4/5", "hello"),
    ] {
        let part = browser().get(url.uri()).header("range", range).send().await.unwrap();
        assert_eq!(part.status(), status, "{range}");
        assert_eq!(part.headers()["content-range"], content_range, "{range}");
        assert_eq!(part.text().await.unwrap(), text, "{range}");
    }
    let beyond = browser().get(url.uri()).header("range", "bytes=5-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);
}

#[tokio::test]
async fn wrong_checksums_write_nothing() {
    let mut service = Service::start("local").await;
    service.put("in/p.jpg", "before").await;
    service.next().await;
    let body = || ByteStream::from_static(b"hello");
    let all_good = put(&service).body(body()).checksum_sha256(sha256(b"hello")).send().await.unwrap();
    assert_eq!(all_good.checksum_sha256(), Some(sha256(b"hello").as_str()));
    service.next().await;
    let code = async |put: PutObjectFluentBuilder| {
        put.body(body()).send().await.unwrap_err().into_service_error().code().unwrap().to_owned()
    };
    assert_eq!(code(put(&service).checksum_sha256(sha256(b"jello"))).await, "BadDigest");
    assert_eq!(code(put(&service).checksum_sha1("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")).await, "BadDigest");
    assert_eq!(code(put(&service).checksum_crc32("AAAAAA==")).await, "BadDigest");
    assert_eq!(code(put(&service).checksum_crc64_nvme("AAAAAAAAAAA=")).await, "BadDigest");
    assert_eq!(code(put(&service).content_md5("AAAAAAAAAAAAAAAAAAAAAA==")).await, "BadDigest");
    assert_eq!(code(put(&service).checksum_sha256("nonsense")).await, "InvalidRequest");
    assert_eq!(code(put(&service).content_md5("nonsense")).await, "InvalidDigest");
    let two = put(&service).checksum_sha256(sha256(b"hello")).checksum_crc32("NhCmhg==");
    assert_eq!(code(two).await, "InvalidRequest");
    assert_eq!(service.text("in/p.jpg").await, "hello");
    assert!(service.events.try_recv().is_err());
}

#[tokio::test]
async fn conditions_of_writes_and_reads() {
    let service = Service::start("local").await;
    let body = || ByteStream::from_static(b"hello");
    let e_tag = put(&service).if_none_match("*").body(body()).send().await.unwrap().e_tag.unwrap();
    let again = put(&service).if_none_match("*").body(body()).send().await.unwrap_err().into_service_error();
    assert_eq!(again.code(), Some("PreconditionFailed"));
    let other = put(&service).if_match("\"0\"").body(body()).send().await.unwrap_err().into_service_error();
    assert_eq!(other.code(), Some("PreconditionFailed"));
    put(&service).if_match(&e_tag).body(body()).send().await.unwrap();

    let get = service.client.get_object().bucket("photos").key("in/p.jpg").presigned(minutes(1)).await.unwrap();
    let modified =
        browser().get(get.uri()).send().await.unwrap().headers()["last-modified"].to_str().unwrap().to_owned();
    let long_ago = "Thu, 01 Jan 2026 00:00:00 GMT";
    for (header, value, status) in [
        ("if-none-match", &*e_tag, 304),
        ("if-none-match", "\"0\"", 200),
        ("if-match", &e_tag, 200),
        ("if-match", "\"0\"", 412),
        ("if-modified-since", &modified, 304),
        ("if-modified-since", long_ago, 200),
        ("if-unmodified-since", &modified, 200),
        ("if-unmodified-since", long_ago, 412),
    ] {
        let answer = browser().get(get.uri()).header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{header}: {value}");
    }
}
