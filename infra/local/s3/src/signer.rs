//! Whose requests these are, and what they may do.

use std::pin::Pin;

use form_urlencoded::parse;
use local_aws::{Access, Caller, Denied, Permission, SignatureError};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{DeleteObjectsInput, PostObjectInput};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::permissions::{deleting, listing, needed, writing};
use super::presigned;

type Checked<'a> = Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'a>>;

/// The signers that the buckets know.
#[derive(Debug, Clone)]
pub(super) struct Signers(pub(super) Access);

/// In a request's extensions: a missing object is not to be told from one that is forbidden, in these words.
#[derive(Debug, Clone)]
pub(super) struct MayNotList(String);

/// In a request's extensions: keys that its signer may not delete, and why.
#[derive(Debug, Clone, Default)]
pub(super) struct Undeletable(pub(super) Vec<(String, String)>);

/// The signer of a form, in a request's extensions.
#[derive(Debug, Clone)]
struct Signer(Caller);

impl MayNotList {
    /// Changes the error about a missing object.
    pub(super) fn replace(self, error: S3Error) -> S3Error {
        match error.code() {
            S3ErrorCode::NoSuchKey => s3_error!(AccessDenied, "{}", self.0),
            _ => error,
        }
    }
}

impl S3Auth for Signers {
    fn get_secret_key<'a, 'b, 'c>(
        &'a self,
        access_key: &'b str,
    ) -> Pin<Box<dyn Future<Output = S3Result<SecretKey>> + Send + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let secret = self.0.secret_key(access_key).map(|secret| SecretKey::from(secret.into_owned()));
        Box::pin(std::future::ready(secret.ok_or_else(|| {
            s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
        })))
    }
}

impl S3Access for Signers {
    fn check<'a, 'b, 'c, 'd>(&'a self, context: &'b mut S3AccessContext<'c>) -> Checked<'d>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        Box::pin(std::future::ready(self.check_signed(context)))
    }

    fn post_object<'a, 'b, 'c>(&'a self, request: &'b mut S3Request<PostObjectInput>) -> Checked<'c>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let permission = writing(&request.input.bucket, &request.input.key);
        let allowed = self.authorize(request.extensions.get::<Signer>(), permission);
        Box::pin(std::future::ready(allowed.map_err(|message| s3_error!(AccessDenied, "{message}"))))
    }

    fn delete_objects<'a, 'b, 'c>(&'a self, request: &'b mut S3Request<DeleteObjectsInput>) -> Checked<'c>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let signer = request.extensions.get::<Signer>().cloned();
        let mut undeletable = Undeletable::default();
        let bucket = &request.input.bucket;
        request.input.delete.objects.retain(|object| {
            let allowed = self.authorize(signer.as_ref(), deleting(bucket, &object.key));
            allowed.map_err(|message| undeletable.0.push((object.key.clone(), message))).is_ok()
        });
        request.extensions.insert(undeletable);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Signers {
    /// Everybody has to have signed all that counts, and lately.
    fn check_signed(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = context.credentials() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        let access_key = credentials.access_key.clone();
        presigned::check(context)?;
        let operation = context.s3_op().name();
        let caller = self.caller(&access_key, operation, context)?;
        self.0.authorize(&caller, &needed(operation, context.s3_path(), context.headers())).map_err(|denied| {
            let message = worded(&denied);
            s3_error!(AccessDenied, "{message}")
        })?;
        let bucket = context.s3_path().get_bucket_name().unwrap_or_default().to_owned();
        if matches!(operation, "GetObject" | "HeadObject")
            && let Err(denied) = self.0.evaluate(&caller, &listing(&bucket))
        {
            context.extensions_mut().insert(MayNotList(worded(&denied)));
        }
        context.extensions_mut().insert(Signer(caller));
        Ok(())
    }

    /// The session token is in the header or the query. That of a form is a field, which its policy covers.
    fn caller(&self, access_key: &str, operation: &str, context: &S3AccessContext<'_>) -> S3Result<Caller> {
        let query = parse(context.uri().query().unwrap_or_default().as_bytes());
        let presigned = query.into_iter().find(|(name, _)| name == "X-Amz-Security-Token").map(|(_, value)| value);
        let header = context.headers().get("x-amz-security-token").and_then(|token| token.to_str().ok());
        let caller = match header.or(presigned.as_deref()) {
            None if operation == "PostObject" => self.0.signer_of_form(access_key),
            token => self.0.identify(access_key, token),
        };
        caller.map_err(|error| match error {
            SignatureError::UnknownKey => {
                let code = S3ErrorCode::Custom("InvalidToken".into());
                S3Error::with_message(code, "The provided token is malformed or otherwise invalid.")
            }
            error => s3_error!(AccessDenied, "{error}"),
        })
    }

    fn authorize(&self, signer: Option<&Signer>, permission: Permission) -> Result<(), String> {
        // `check` has found who it is.
        let Some(Signer(caller)) = signer else { return Err("Access Denied".to_owned()) };
        self.0.authorize(caller, &[permission]).map_err(|denied| worded(&denied))
    }
}

/// S3 quotes the resource.
fn worded(denied: &Denied) -> String {
    denied.worded(&denied.permission.action, &format!("\"{}\"", denied.permission.resource))
}
