//! Uploads in parts: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>.
//!
//! The storage joins whatever it has and does not look back, so all that S3 would refuse is refused before it is asked. From
//! that look until the storage is done, no other request ends the upload.
//! Not played: part numbers with gaps between them, and checksums of the full object.

use s3s::dto::{self, ETag};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use time::OffsetDateTime;

use super::body::{Claims, checked, explained};
use super::checksum::{Algorithm, checksums_of, set_checksum};
use super::storage::{Storage, checksum_type, request_of_nobody};
use super::uploads::{Completed, Part, Upload, uuid};

/// Of every part but the last.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
/// Most parts in a list.
const MAX_LISTED_PARTS: i32 = 1000;

/// Mark of an answer to a request that made no object, since the same one had made it before.
#[derive(Clone)]
pub(super) struct CompletedBefore;

impl Storage {
    pub(super) async fn create_multipart_upload(
        &self,
        mut request: S3Request<dto::CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
        let input = &mut request.input;
        let algorithm = match &input.checksum_algorithm {
            Some(name) => {
                let invalid = || s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported.");
                Some(Algorithm::from_name(name.as_str()).ok_or_else(invalid)?)
            }
            None => None,
        };
        let full_object = input.checksum_type.as_ref().is_some_and(|t| t.as_str() == dto::ChecksumType::FULL_OBJECT);
        if full_object || algorithm == Some(Algorithm::Crc64nvme) {
            return Err(s3_error!(
                NotImplemented,
                "Checksums of full objects are not implemented for uploads in parts"
            ));
        }
        let upload = Upload { bucket: input.bucket.clone(), key: input.key.clone(), algorithm };
        let mut response = self.files.create_multipart_upload(anybodys(request)).await?;
        let output = &mut response.output;
        self.uploads.begin(output.upload_id.as_deref().unwrap_or_default(), &upload).await?;
        output.checksum_algorithm = algorithm.map(|algorithm| dto::ChecksumAlgorithm::from_static(algorithm.name()));
        output.checksum_type = algorithm.map(|_| checksum_type(dto::ChecksumType::COMPOSITE));
        Ok(response)
    }

    pub(super) async fn upload_part(
        &self,
        mut request: S3Request<dto::UploadPartInput>,
    ) -> S3Result<S3Response<dto::UploadPartOutput>> {
        let input = &mut request.input;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"));
        }
        let (id, number) = (input.upload_id.clone(), input.part_number);
        let _open = self.uploads.open(&id).await?;
        let upload = self.uploads.find(&id, &input.bucket, &input.key).await?;
        let declared = checksums_of!(input);
        let claims =
            Claims::read(&declared, input.content_md5.as_deref(), &request.headers, request.trailing_headers.as_ref())?;
        let has = claims.algorithm();
        if let Some(wanted) = upload.algorithm.filter(|wanted| has != Some(*wanted)) {
            let type_of =
                |algorithm: Option<Algorithm>| algorithm.map_or("null".to_owned(), |a| a.name().to_lowercase());
            return Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                type_of(Some(wanted)),
                type_of(has)
            ));
        }
        let body = input.body.take().ok_or_else(|| s3_error!(IncompleteBody))?;
        let (body, received) = checked(body, claims);
        input.body = Some(body);
        let mut response = self.files.upload_part(anybodys(request)).await.map_err(explained)?;
        let output = &mut response.output;
        let received = received.get().cloned().ok_or_else(|| s3_error!(InternalError, "a part without an end"))?;
        set_checksum!(output, received.checksum.clone());
        let e_tag = output.e_tag.as_ref().map(ETag::value).unwrap_or_default().to_owned();
        let part = Part { size: received.size, e_tag, checksum: received.checksum, written: OffsetDateTime::now_utc() };
        self.uploads.put_part(&id, number, &part).await?;
        Ok(response)
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<dto::UploadPartCopyInput>,
    ) -> S3Result<S3Response<dto::UploadPartCopyOutput>> {
        let input = &request.input;
        let (id, number) = (input.upload_id.clone(), input.part_number);
        let _open = self.uploads.open(&id).await?;
        let upload = self.uploads.find(&id, &input.bucket, &input.key).await?;
        if upload.algorithm.is_some() {
            return Err(s3_error!(NotImplemented, "Copied parts have no checksums here"));
        }
        let (bucket, key) = (upload.bucket, upload.key);
        let response = self.files.upload_part_copy(anybodys(request)).await?;
        let copied = response.output.copy_part_result.as_ref().and_then(|result| result.e_tag.as_ref());
        let e_tag = copied.map(ETag::value).unwrap_or_default().to_owned();
        let size = self.size_of_part(&id, bucket, key, number).await?;
        self.uploads
            .put_part(&id, number, &Part { size, e_tag, checksum: None, written: OffsetDateTime::now_utc() })
            .await?;
        Ok(response)
    }

    async fn size_of_part(&self, id: &str, bucket: String, key: String, number: i32) -> S3Result<u64> {
        let list = dto::ListPartsInput::builder().bucket(bucket).key(key).upload_id(id.to_owned()).build();
        let list = list.map_err(S3Error::internal_error)?;
        let parts = self.files.list_parts(request_of_nobody(list)).await?.output.parts.unwrap_or_default();
        let size = parts.iter().find(|part| part.part_number == Some(number)).and_then(|part| part.size);
        Ok(size.and_then(|size| size.try_into().ok()).unwrap_or_default())
    }

    pub(super) async fn list_parts(
        &self,
        request: S3Request<dto::ListPartsInput>,
    ) -> S3Result<S3Response<dto::ListPartsOutput>> {
        let input = request.input;
        let _open = self.uploads.open(&input.upload_id).await?;
        let upload = self.uploads.find(&input.upload_id, &input.bucket, &input.key).await?;
        let after = input.part_number_marker.unwrap_or_default();
        let limit = input.max_parts.unwrap_or(MAX_LISTED_PARTS).clamp(0, MAX_LISTED_PARTS);
        let mut parts: Vec<_> =
            self.uploads.parts(&input.upload_id).await?.into_iter().filter(|(number, _)| *number > after).collect();
        let limit_as_length = usize::try_from(limit).unwrap_or_default();
        let is_truncated = parts.len() > limit_as_length;
        parts.truncate(limit_as_length);
        let listed = |(number, part): &(i32, Part)| {
            let mut listed = dto::Part {
                part_number: Some(*number),
                e_tag: Some(ETag::Strong(part.e_tag.clone())),
                size: part.size.try_into().ok(),
                last_modified: Some(part.written.into()),
                ..dto::Part::default()
            };
            set_checksum!(listed, part.checksum.clone());
            listed
        };
        Ok(S3Response::new(dto::ListPartsOutput {
            next_part_number_marker: parts.last().map(|(number, _)| *number),
            parts: Some(parts.iter().map(listed).collect()),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(after),
            max_parts: Some(limit),
            is_truncated: Some(is_truncated),
            checksum_algorithm: upload.algorithm.map(|algorithm| dto::ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: upload.algorithm.map(|_| checksum_type(dto::ChecksumType::COMPOSITE)),
            ..dto::ListPartsOutput::default()
        }))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<dto::AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
        let input = &request.input;
        let id = input.upload_id.clone();
        let _alone = self.uploads.alone(&id).await?;
        self.uploads.find(&id, &input.bucket, &input.key).await?;
        let response = self.files.abort_multipart_upload(anybodys(request)).await?;
        self.uploads.end(&id).await?;
        Ok(response)
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<dto::CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
        let input = &request.input;
        let (id, bucket, key) = (input.upload_id.clone(), input.bucket.clone(), input.key.clone());
        let _alone = self.uploads.alone(&id).await?;
        let named = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref()).unwrap_or_default();
        let e_tags: Vec<_> =
            named.iter().map(|part| part.e_tag.as_ref().map(ETag::value).unwrap_or_default().to_owned()).collect();
        let upload = match self.uploads.find(&id, &bucket, &key).await {
            Ok(upload) => upload,
            Err(gone) => {
                let before = self.completed_before(&id, bucket, key, &e_tags).await;
                return before.map_err(|error| error.unwrap_or(gone));
            }
        };
        let parts = self.named_parts(&id, &upload, named).await?;
        let size: u64 = parts.iter().map(|part| part.size).sum();
        if input.mpu_object_size.is_some_and(|said| u64::try_from(said) != Ok(size)) {
            return Err(s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header does not match what was computed."
            ));
        }
        let declared = upload.algorithm.and_then(|algorithm| algorithm.of(&checksums_of!(input)).cloned());
        let checksum = upload.algorithm.map(|algorithm| {
            let of_parts = parts.iter().filter_map(|part| part.checksum.as_ref());
            let of_parts: Vec<_> = of_parts.map(|(_, value)| value.as_str()).collect();
            (algorithm, algorithm.composite(&of_parts))
        });
        if let (Some(declared), Some((algorithm, computed))) = (declared, &checksum)
            && declared != *computed
        {
            let name = algorithm.name();
            return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
        }
        let has_condition = input.if_match.is_some() || input.if_none_match.is_some();
        let _one_at_a_time = if has_condition { Some(self.conditions.lock().await) } else { None };
        let mut response = self.files.complete_multipart_upload(anybodys(request)).await?;
        // The library would send this after the head of the answer; there is nothing left to wait for.
        if let Some(output) = response.output.future.take() {
            response.output = output.await?;
        }
        let output = &mut response.output;
        let e_tag = output.e_tag.as_ref().map(ETag::value).unwrap_or_default().to_owned();
        output.checksum_type = checksum.as_ref().map(|_| checksum_type(dto::ChecksumType::COMPOSITE));
        set_checksum!(output, checksum.clone());
        let upload = Some((uuid(&id)?, e_tags));
        self.uploads.complete(&bucket, &key, &Completed { e_tag, checksum, upload }).await?;
        self.uploads.end(&id).await?;
        Ok(response)
    }

    /// The answer to a request that has completed its upload before, as long as the object is there: an answer may be lost.
    /// `None`: there was no such upload.
    async fn completed_before(
        &self,
        id: &str,
        bucket: String,
        key: String,
        e_tags: &[String],
    ) -> Result<S3Response<dto::CompleteMultipartUploadOutput>, Option<S3Error>> {
        let completed = self.uploads.became(id, &bucket, &key, e_tags).await.map_err(|_| None)?;
        let head = dto::HeadObjectInput::builder().bucket(bucket.clone()).key(key.clone()).build();
        let head = head.map_err(|error| Some(S3Error::internal_error(error)))?;
        let head = self.files.head_object(request_of_nobody(head)).await.map_err(|_| None)?.output;
        if head.e_tag.as_ref().map(ETag::value) != Some(&completed.e_tag) {
            return Err(None);
        }
        let mut output = dto::CompleteMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            e_tag: Some(ETag::Strong(completed.e_tag)),
            checksum_type: completed.checksum.as_ref().map(|_| checksum_type(dto::ChecksumType::COMPOSITE)),
            ..dto::CompleteMultipartUploadOutput::default()
        };
        set_checksum!(output, completed.checksum);
        let mut response = S3Response::new(output);
        response.extensions.insert(CompletedBefore);
        Ok(response)
    }

    /// The parts that a request to complete an upload names, if they are there as it names them.
    async fn named_parts(&self, id: &str, upload: &Upload, named: &[dto::CompletedPart]) -> S3Result<Vec<Part>> {
        let there = self.uploads.parts(id).await?;
        let numbers: Vec<_> = named.iter().map(|part| part.part_number.unwrap_or_default()).collect();
        if !numbers.is_sorted_by(|one, next| one < next) {
            let sentence = "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(s3_error!(InvalidPartOrder, "{sentence}"));
        }
        let mut parts = Vec::with_capacity(named.len());
        for (named, number) in named.iter().zip(numbers) {
            let part = there.get(&number).ok_or_else(invalid_part)?;
            if named.e_tag.as_ref().map(ETag::value) != Some(&part.e_tag) {
                return Err(invalid_part());
            }
            if let Some(algorithm) = upload.algorithm {
                let Some(value) = algorithm.of(&checksums_of!(named)).cloned() else {
                    return Err(s3_error!(
                        InvalidRequest,
                        "The upload was created using a {} checksum. The complete request must include the checksum for each \
                         part. It was missing for part {number} in the request.",
                        algorithm.name().to_lowercase()
                    ));
                };
                if part.checksum.as_ref().map(|(_, value)| value) != Some(&value) {
                    return Err(invalid_part());
                }
            }
            if usize::try_from(number) != Ok(parts.len() + 1) {
                return Err(s3_error!(NotImplemented, "Part numbers must be consecutive from 1 on here"));
            }
            parts.push(part.clone());
        }
        if let Some((_, all_but_last)) = parts.split_last()
            && all_but_last.iter().any(|part| part.size < MIN_PART_BYTES)
        {
            return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
        }
        if parts.is_empty() {
            return Err(s3_error!(MalformedXML, "You must specify at least one part"));
        }
        Ok(parts)
    }
}

/// For the storage an upload belongs to the access key that began it; for S3 to its bucket.
fn anybodys<T>(request: S3Request<T>) -> S3Request<T> {
    S3Request { credentials: None, ..request }
}

fn invalid_part() -> S3Error {
    let sentence = "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
                    specified entity tag may not match the part's entity tag.";
    s3_error!(InvalidPart, "{sentence}")
}
