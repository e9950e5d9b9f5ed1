//! The storage, with a word to the functions after each change.

use std::pin::Pin;

use local_lambda::{TRACE_HEADER, TraceHeader};
use s3s::dto::{self, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::multipart::CompletedBefore;
use super::notification::{Change, Notifier};
use super::signer::{MayNotList, Undeletable};
use super::storage::{Storage, request_of_nobody};

/// The return type of the methods of [`S3`].
type Answer<'a, T> = Pin<Box<dyn Future<Output = S3Result<S3Response<T>>> + Send + 'a>>;

pub(super) struct Notifying {
    storage: Storage,
    notifier: Notifier,
}

impl Notifying {
    pub(super) fn new(storage: Storage, notifier: Notifier) -> Self {
        Self { storage, notifier }
    }

    /// The storage would make the bucket.
    async fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        let input =
            dto::HeadBucketInput::builder().bucket(bucket.to_owned()).build().map_err(|_| s3_error!(NoSuchBucket))?;
        let found = self.storage.files.head_bucket(request_of_nobody(input)).await;
        found.map(drop).map_err(|_| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// Size and entity tag; `None` where there is no such object.
    async fn find(&self, bucket: &str, key: &str) -> Option<(i64, String)> {
        let input = dto::HeadObjectInput::builder().bucket(bucket.to_owned()).key(key.to_owned()).build().ok()?;
        // An error means, as to any client, that it is not there.
        let head = self.storage.files.head_object(request_of_nobody(input)).await.ok()?.output;
        Some((
            head.content_length.unwrap_or_default(),
            head.e_tag.map(|tag| tag.value().to_owned()).unwrap_or_default(),
        ))
    }

    async fn created(&self, event: &'static str, bucket: String, key: String, cause: Option<TraceHeader>) {
        if self.notifier.has_listener(event, &bucket, &key) {
            let object = self.find(&bucket, &key).await;
            self.notifier.notify(&Change { event, bucket, key, object, cause });
        }
    }

    fn removed(&self, bucket: String, key: String, cause: Option<TraceHeader>) {
        self.notifier.notify(&Change { event: "ObjectRemoved:Delete", bucket, key, object: None, cause });
    }
}

/// The header by which a function's client says which invocation sends the request.
fn cause<T>(request: &S3Request<T>) -> Option<TraceHeader> {
    request.headers.get(TRACE_HEADER)?.to_str().ok()?.parse().ok()
}

/// Operations that the storage does alone.
macro_rules! pass_on {
    ($($operation:ident($input:ident) -> $output:ident;)*) => {$(
        fn $operation<'a, 'b>(&'a self, request: S3Request<dto::$input>) -> Answer<'b, dto::$output>
        where
            'a: 'b,
            Self: 'b,
        {
            self.storage.files.$operation(request)
        }
    )*};
}

/// Operations that the storage does alone, with more care than the library's.
macro_rules! pass_on_with_care {
    ($($operation:ident($input:ident) -> $output:ident;)*) => {$(
        fn $operation<'a, 'b>(&'a self, request: S3Request<dto::$input>) -> Answer<'b, dto::$output>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(self.storage.$operation(request))
        }
    )*};
}

/// Operations that tell a missing object only to those who may list the bucket.
macro_rules! read {
    ($($operation:ident($input:ident) -> $output:ident;)*) => {$(
        fn $operation<'a, 'b>(&'a self, request: S3Request<dto::$input>) -> Answer<'b, dto::$output>
        where
            'a: 'b,
            Self: 'b,
        {
            let may_not_list = request.extensions.get::<MayNotList>().cloned();
            Box::pin(async move {
                let answer = self.storage.$operation(request).await;
                answer.map_err(|error| match may_not_list {
                    Some(may_not_list) => may_not_list.replace(error),
                    None => error,
                })
            })
        }
    )*};
}

/// Operations after which an object is there.
macro_rules! create {
    ($($operation:ident($input:ident) -> $output:ident: $event:literal;)*) => {$(
        fn $operation<'a, 'b>(&'a self, request: S3Request<dto::$input>) -> Answer<'b, dto::$output>
        where
            'a: 'b,
            Self: 'b,
        {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let cause = cause(&request);
            Box::pin(async move {
                self.require_bucket(&bucket).await?;
                let response = self.storage.$operation(request).await?;
                if response.extensions.get::<CompletedBefore>().is_none() {
                    self.created($event, bucket, key, cause).await;
                }
                Ok(response)
            })
        }
    )*};
}

/// Operations that are missing here answer with S3's `NotImplemented`.
impl S3 for Notifying {
    pass_on! {
        create_bucket(CreateBucketInput) -> CreateBucketOutput;
        delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
        get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
        head_bucket(HeadBucketInput) -> HeadBucketOutput;
        list_buckets(ListBucketsInput) -> ListBucketsOutput;
        list_objects(ListObjectsInput) -> ListObjectsOutput;
        list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    }

    pass_on_with_care! {
        abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
        create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
        list_parts(ListPartsInput) -> ListPartsOutput;
        upload_part(UploadPartInput) -> UploadPartOutput;
        upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    }

    read! {
        get_object(GetObjectInput) -> GetObjectOutput;
        head_object(HeadObjectInput) -> HeadObjectOutput;
    }

    create! {
        complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput:
            "ObjectCreated:CompleteMultipartUpload";
        copy_object(CopyObjectInput) -> CopyObjectOutput: "ObjectCreated:Copy";
        post_object(PostObjectInput) -> PostObjectOutput: "ObjectCreated:Post";
        put_object(PutObjectInput) -> PutObjectOutput: "ObjectCreated:Put";
    }

    fn delete_object<'a, 'b>(&'a self, request: S3Request<DeleteObjectInput>) -> Answer<'b, DeleteObjectOutput>
    where
        'a: 'b,
        Self: 'b,
    {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let cause = cause(&request);
        Box::pin(async move {
            let was_there = self.find(&bucket, &key).await.is_some();
            let response = self.storage.files.delete_object(request).await?;
            if was_there {
                self.removed(bucket, key, cause);
            }
            Ok(response)
        })
    }

    fn delete_objects<'a, 'b>(&'a self, request: S3Request<DeleteObjectsInput>) -> Answer<'b, DeleteObjectsOutput>
    where
        'a: 'b,
        Self: 'b,
    {
        let bucket = request.input.bucket.clone();
        let cause = cause(&request);
        let Undeletable(undeletable) = request.extensions.get().cloned().unwrap_or_default();
        Box::pin(async move {
            let mut there = Vec::new();
            for object in &request.input.delete.objects {
                if self.find(&bucket, &object.key).await.is_some() {
                    there.push(object.key.clone());
                }
            }
            let mut response = self.storage.files.delete_objects(request).await?;
            let refused = undeletable.into_iter().map(|(key, message)| dto::Error {
                code: Some("AccessDenied".to_owned()),
                key: Some(key),
                message: Some(message),
                ..dto::Error::default()
            });
            response.output.errors.get_or_insert_default().extend(refused);
            for key in there {
                self.removed(bucket.clone(), key, cause.clone());
            }
            Ok(response)
        })
    }
}
