//! The permissions that a request needs.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>

use http::HeaderMap;
use local_aws::Permission;
use percent_encoding::percent_decode_str;
use s3s::path::S3Path;

/// Returns what an operation needs. Those whose keys are in the body need more, which is looked at once it is read.
pub(super) fn needed(operation: &str, path: &S3Path, headers: &HeaderMap) -> Vec<Permission> {
    let resource = match path {
        S3Path::Root => "*".to_owned(),
        S3Path::Bucket { bucket } => arn(bucket),
        S3Path::Object { bucket, key } => object(bucket, key),
    };
    let action = match operation {
        // Their keys are in the body.
        "DeleteObjects" | "PostObject" => return Vec::new(),
        "AbortMultipartUpload" => "AbortMultipartUpload",
        "CompleteMultipartUpload"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "PutObject"
        | "UploadPart"
        | "UploadPartCopy" => "PutObject",
        "GetObject" | "HeadObject" => "GetObject",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListBuckets" => "ListAllMyBuckets",
        "ListParts" => "ListMultipartUploadParts",
        other => other,
    };
    let own = Permission::new(format!("s3:{action}"), &resource);
    let source = headers.get("x-amz-copy-source").and_then(|source| source.to_str().ok()).and_then(source);
    // A write that is to replace an object reads it.
    let replaced = (action == "PutObject" && headers.contains_key("if-match")).then(|| reading(resource));
    [own].into_iter().chain(source).chain(replaced).collect()
}

/// Needed to read an object.
fn reading(object: String) -> Permission {
    Permission::new("s3:GetObject", object)
}

/// The object that is copied: `<bucket>/<key>`, perhaps with a slash before it and a version behind it.
fn source(header: &str) -> Option<Permission> {
    let path = header.split('?').next()?.trim_start_matches('/');
    let path = percent_decode_str(path).decode_utf8_lossy();
    let (bucket, key) = path.split_once('/')?;
    Some(reading(object(bucket, key)))
}

/// Needed to delete an object.
pub(super) fn deleting(bucket: &str, key: &str) -> Permission {
    Permission::new("s3:DeleteObject", object(bucket, key))
}

/// Needed to write an object.
pub(super) fn writing(bucket: &str, key: &str) -> Permission {
    Permission::new("s3:PutObject", object(bucket, key))
}

/// Needed to know that an object does not exist.
pub(super) fn listing(bucket: &str) -> Permission {
    Permission::new("s3:ListBucket", arn(bucket))
}

fn arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

fn object(bucket: &str, key: &str) -> String {
    format!("{}/{key}", arn(bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(operation: &str, path: &S3Path, headers: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let needed = needed(operation, path, &headers.collect());
        needed.into_iter().map(|needed| (needed.action, needed.resource)).collect()
    }

    #[test]
    fn an_operation_needs_the_action_that_policies_name() {
        let (object, bucket) = (S3Path::object("b", "a/k"), S3Path::bucket("b"));
        let pair = |action: &str, resource: &str| (format!("s3:{action}"), format!("arn:aws:s3:::{resource}"));
        assert_eq!(of("HeadObject", &object, &[]), [pair("GetObject", "b/a/k")]);
        assert_eq!(of("UploadPart", &object, &[]), [pair("PutObject", "b/a/k")]);
        assert_eq!(of("DeleteObject", &object, &[]), [pair("DeleteObject", "b/a/k")]);
        assert_eq!(of("ListObjectsV2", &bucket, &[]), [pair("ListBucket", "b")]);
        let copy = [("x-amz-copy-source", "/b/some%20key?versionId=1")];
        assert_eq!(of("CopyObject", &object, &copy), [pair("PutObject", "b/a/k"), pair("GetObject", "b/some key")]);
        let replace = [("if-match", "tag")];
        assert_eq!(of("PutObject", &object, &replace), [pair("PutObject", "b/a/k"), pair("GetObject", "b/a/k")]);
    }
}
