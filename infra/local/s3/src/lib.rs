//! S3: the stack's buckets, as folders, behind the real wire protocol.
//!
//! The service is `s3s`, which checks signatures, also those of presigned URLs and of POST policies; the storage is
//! `s3s-fs`. Buckets are addressed by path, as AWS's SDKs do for an endpoint that is an IP address. Not played: versions,
//! access control, tags, storage classes and lifecycles. A key cannot be both an object and the prefix of another
//! (`a` and `a/b`), since objects are files.

#![warn(missing_docs)]

mod body;
mod checksum;
mod cors;
mod multipart;
mod notification;
mod notifying;
mod permissions;
mod presigned;
mod signer;
mod storage;
mod uploads;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use local_aws::{Access, Admission, http_server};
use local_lambda::Lambda;
use local_template::model::Bucket;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use cors::WithCors;
use notification::Notifier;
use notifying::Notifying;
use signer::Signers;
use storage::Storage;

/// The folder of the buckets cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct BucketsError {
    path: PathBuf,
    error: io::Error,
}

/// The buckets of a stack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Buckets {
    folder: PathBuf,
    all: Arc<[Bucket]>,
    /// Removed with the last clone; `None` where the objects are kept.
    _temporary: Option<Arc<TempDir>>,
}

impl Buckets {
    /// Makes the buckets in `data_dir`, or in a temporary folder, unless they are there. Blocks on the disk.
    pub fn open(data_dir: Option<&Path>, buckets: &[Bucket]) -> Result<Self, BucketsError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |error| BucketsError { path, error }
        };
        let temporary = match data_dir {
            Some(_) => None,
            None => Some(Arc::new(tempfile::tempdir().map_err(failed(&std::env::temp_dir()))?)),
        };
        let folder = temporary.as_ref().map(|folder| folder.path()).or(data_dir).unwrap_or(Path::new(".")).to_owned();
        for bucket in buckets {
            let path = folder.join(&bucket.name);
            std::fs::create_dir_all(&path).map_err(failed(&path))?;
        }
        Ok(Self { folder, all: buckets.into(), _temporary: temporary })
    }

    /// Serves the S3 API to all that have access, until the token fires, and invokes the functions that the buckets notify.
    pub async fn serve(
        &self,
        region: &str,
        access: Access,
        lambda: Lambda,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        // A stack without buckets has no folder for them.
        std::fs::create_dir_all(&self.folder)?;
        let storage = Storage::new(&self.folder).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let notifier = Notifier::new(&self.all, region, lambda, shutdown.clone());
        let mut service = S3ServiceBuilder::new(Notifying::new(storage, notifier.clone()));
        service.set_auth(Signers(access.clone()));
        service.set_access(Signers(access));
        service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config()))));
        let service = WithCors::new(service.build(), Arc::clone(&self.all));
        let served = http_server::serve(service, Admission::public(), listener, shutdown).await;
        notifier.stopped().await;
        served
    }
}

/// A form is good until its policy expires, whenever it was signed; the library holds it to the limit for signed headers,
/// which is therefore checked here. AWS lets a policy last for seven days.
fn config() -> S3Config {
    let mut config = S3Config::default();
    config.presigned_url_max_skew_time_secs = 7 * 24 * 60 * 60;
    config
}
