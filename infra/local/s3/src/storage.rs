//! The library's storage, with what S3 does and it does not: nothing is written that is not what the request says, and
//! conditions of reads are honoured.

use std::path::Path;

use http::HeaderMap;
use http::header::ETAG;
use s3s::dto::{self, ETag, ETagCondition, Range, Timestamp};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::sync::Mutex;

use super::body::{Claims, checked, explained};
use super::checksum::{Algorithm, checksums_of, set_checksum};
use super::uploads::Uploads;

/// S3's content type of an object that was stored without one.
const UNKNOWN_TYPE: &str = "binary/octet-stream";

pub(super) struct Storage {
    pub(super) files: FileSystem,
    pub(super) uploads: Uploads,
    /// Held from the look at what is there to the write, where a request has a condition.
    pub(super) conditions: Mutex<()>,
}

/// The conditions of a read.
struct Conditions {
    matches: Option<ETagCondition>,
    matches_none: Option<ETagCondition>,
    modified_since: Option<Timestamp>,
    unmodified_since: Option<Timestamp>,
}

macro_rules! conditions_of {
    ($input:expr) => {
        Conditions {
            matches: $input.if_match.take(),
            matches_none: $input.if_none_match.take(),
            modified_since: $input.if_modified_since.take(),
            unmodified_since: $input.if_unmodified_since.take(),
        }
    };
}

/// Gives the fields of an answer the checksum that is the object's, if it was asked for.
macro_rules! answer_checksum {
    ($storage:expr, $output:expr, $bucket:expr, $key:expr, $wanted:expr) => {{
        let e_tag = $output.e_tag.as_ref().map(ETag::value).unwrap_or_default().to_owned();
        // The entity tag of an upload in parts ends in their number.
        let kind = if e_tag.contains('-') {
            let completed = $storage.uploads.completed($bucket, $key, &e_tag).await?;
            set_checksum!($output, completed.and_then(|completed| completed.checksum));
            dto::ChecksumType::COMPOSITE
        } else {
            dto::ChecksumType::FULL_OBJECT
        };
        if !$wanted {
            set_checksum!($output, None);
        }
        let checksums = checksums_of!($output);
        let has_checksum = Algorithm::ALL.into_iter().any(|algorithm| algorithm.of(&checksums).is_some());
        $output.checksum_type = has_checksum.then(|| checksum_type(kind));
    }};
}

pub(super) fn checksum_type(name: &'static str) -> dto::ChecksumType {
    dto::ChecksumType::from_static(name)
}

/// Writes an object whose body is what the request says.
macro_rules! write_checked {
    ($storage:expr, $operation:ident, $request:expr) => {{
        let mut request = $request;
        let input = &mut request.input;
        let declared = checksums_of!(input);
        let claims =
            Claims::read(&declared, input.content_md5.as_deref(), &request.headers, request.trailing_headers.as_ref())?;
        if let Some(body) = input.body.take() {
            input.body = Some(checked(body, claims).0);
        }
        if input.content_type.is_none() {
            input.content_type = Some(UNKNOWN_TYPE.to_owned());
        }
        let has_condition = input.if_match.is_some() || input.if_none_match.is_some();
        let _one_at_a_time = if has_condition { Some($storage.conditions.lock().await) } else { None };
        $storage.files.$operation(request).await.map_err(explained)
    }};
}

/// A request for the storage alone.
pub(super) fn request_of_nobody<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: http::Method::HEAD,
        uri: http::Uri::default(),
        headers: HeaderMap::default(),
        extensions: http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

impl Storage {
    pub(super) fn new(folder: &Path) -> Result<Self, s3s_fs::Error> {
        Ok(Self { files: FileSystem::new(folder)?, uploads: Uploads::new(folder), conditions: Mutex::default() })
    }

    pub(super) async fn put_object(
        &self,
        request: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        write_checked!(self, put_object, request)
    }

    pub(super) async fn post_object(
        &self,
        request: S3Request<dto::PostObjectInput>,
    ) -> S3Result<S3Response<dto::PostObjectOutput>> {
        write_checked!(self, post_object, request)
    }

    pub(super) async fn copy_object(
        &self,
        request: S3Request<dto::CopyObjectInput>,
    ) -> S3Result<S3Response<dto::CopyObjectOutput>> {
        self.files.copy_object(request).await
    }

    pub(super) async fn get_object(
        &self,
        mut request: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let conditions = conditions_of!(request.input);
        let with_checksum = request.input.checksum_mode.is_some();
        if let Some(Range::Suffix { length }) = request.input.range {
            let size = self.size(&bucket, &key).await?;
            // The end of an object that is shorter is all of it, over which the library would trip.
            request.input.range = Some(Range::Suffix { length: length.min(size) });
        }
        let mut response = self.files.get_object(request).await?;
        let output = &mut response.output;
        let with_checksum = with_checksum && output.content_range.is_none();
        answer_checksum!(self, output, &bucket, &key, with_checksum);
        output.accept_ranges = Some("bytes".to_owned());
        conditions.check(output.e_tag.as_ref(), output.last_modified.as_ref())?;
        Ok(response)
    }

    async fn size(&self, bucket: &str, key: &str) -> S3Result<u64> {
        let head = dto::HeadObjectInput::builder().bucket(bucket.to_owned()).key(key.to_owned()).build();
        let head = self.files.head_object(request_of_nobody(head.map_err(S3Error::internal_error)?)).await?;
        Ok(head.output.content_length.and_then(|length| length.try_into().ok()).unwrap_or_default())
    }

    pub(super) async fn head_object(
        &self,
        mut request: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let conditions = conditions_of!(request.input);
        let with_checksum = request.input.checksum_mode.is_some();
        let mut response = self.files.head_object(request).await?;
        let output = &mut response.output;
        answer_checksum!(self, output, &bucket, &key, with_checksum);
        output.accept_ranges = Some("bytes".to_owned());
        conditions.check(output.e_tag.as_ref(), output.last_modified.as_ref())?;
        Ok(response)
    }
}

impl Conditions {
    /// Fails with 304 for what the client has already. `If-Match` overrules `If-Unmodified-Since`, and `If-None-Match`
    /// overrules `If-Modified-Since`: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>.
    fn check(&self, e_tag: Option<&ETag>, modified: Option<&Timestamp>) -> S3Result<()> {
        let is = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(wanted) => e_tag.is_some_and(|e_tag| e_tag.weak_cmp(wanted)),
        };
        let since = |time: &Timestamp| modified.is_some_and(|modified| seconds(modified) > seconds(time));
        let fails = match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) => !is(condition),
            (None, Some(time)) => since(time),
            (None, None) => false,
        };
        if fails {
            return Err(precondition_failed());
        }
        let unchanged = match (&self.matches_none, &self.modified_since) {
            (Some(condition), _) => is(condition),
            (None, Some(time)) => !since(time),
            (None, None) => false,
        };
        if !unchanged {
            return Ok(());
        }
        let mut error = S3Error::new(S3ErrorCode::NotModified);
        let mut headers = HeaderMap::new();
        headers.extend(e_tag.and_then(|e_tag| Some((ETAG, e_tag.to_http_header().ok()?))));
        error.set_headers(headers);
        Err(error)
    }
}

/// As exact as a header is.
fn seconds(time: &Timestamp) -> i64 {
    time::OffsetDateTime::from(time.clone()).unix_timestamp()
}

fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}
