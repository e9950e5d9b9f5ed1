//! Secrets Manager: the secrets of a template and their values, behind the wire protocol.
//!
//! `GetSecretValue` and `PutSecretValue` of the newest version. A generated value is made once, and kept with the other data.

mod endpoint;
mod generate;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use local_aws::Access;
use local_template::model::{Secret, SecretContent};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The secrets of a stack. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    inner: Arc<Inner>,
}

struct Inner {
    file: Option<PathBuf>,
    /// Names of the secrets by ARN.
    names: BTreeMap<String, String>,
    values: Mutex<BTreeMap<String, Version>>,
}

/// The newest version of a secret.
#[derive(Clone, Deserialize, Serialize)]
struct Version {
    id: Uuid,
    text: String,
}

/// A secret as a call gets it.
struct Found {
    arn: String,
    name: String,
    version: Version,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the values.
        out.debug_struct("Secrets").field("names", &self.inner.names).finish_non_exhaustive()
    }
}

impl Secrets {
    /// Reads the values of the last run from `file`, makes those that are missing, and writes them; without a file nothing is
    /// kept.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(file: Option<&Path>, secrets: &[Secret]) -> io::Result<Self> {
        let mut values: BTreeMap<String, Version> = match file.map(std::fs::read) {
            Some(Ok(text)) => serde_json::from_slice(&text)?,
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => BTreeMap::new(),
        };
        values.retain(|arn, _| secrets.iter().any(|secret| secret.arn == *arn));
        for secret in secrets {
            let first = || match &secret.content {
                SecretContent::Given(text) => text.clone(),
                SecretContent::Generated(password) => generate::value(password),
            };
            values.entry(secret.arn.clone()).or_insert_with(|| Version { id: Uuid::new_v4(), text: first() });
        }
        let names = secrets.iter().map(|secret| (secret.arn.clone(), secret.name.clone())).collect();
        let inner = Inner { file: file.map(Path::to_owned), names, values: Mutex::new(values) };
        inner.write(&inner.values())?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the value of the secret with this ARN.
    pub fn value(&self, arn: &str) -> Option<String> {
        self.inner.values().get(arn).map(|version| version.text.clone())
    }

    /// Serves Secrets Manager's API until `shutdown`, to callers whose policies in `access` allow it.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(self, access: Access, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        endpoint::serve(self, access, listener, shutdown).await
    }

    /// Finds a secret by its ARN or name.
    fn find(&self, id: &str) -> Option<Found> {
        let (arn, name) = self.inner.names.iter().find(|(arn, name)| *arn == id || *name == id)?;
        let version = self.inner.values().get(arn)?.clone();
        Some(Found { arn: arn.clone(), name: name.clone(), version })
    }

    /// Makes `text` the newest version.
    fn put(&self, arn: &str, text: String) -> io::Result<Version> {
        let version = Version { id: Uuid::new_v4(), text };
        let mut values = self.inner.values();
        values.insert(arn.to_owned(), version.clone());
        self.inner.write(&values)?;
        Ok(version)
    }
}

impl Inner {
    /// A panic elsewhere cannot leave the map half-changed.
    fn values(&self) -> MutexGuard<'_, BTreeMap<String, Version>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the file at once or not at all. Temporary files are readable by their owner only.
    fn write(&self, values: &BTreeMap<String, Version>) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut temporary = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new("/")))?;
        serde_json::to_writer(&mut temporary, values)?;
        temporary.persist(file)?;
        Ok(())
    }
}
