//! Files to and from the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::domain::file::{Attachment, File, FileStatus};
use client::domain::{ConversationId, Seq};
use client::{Api, ApiError};
use tokio::time::{Instant, sleep};

/// Time that the inspection of a file may take.
const INSPECTION_TIMEOUT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Reasons for which a file was not sent or saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("it was rejected: {0}")]
    Rejected(&'static str),
    #[error("it is still being inspected; try again later")]
    Slow,
}

/// Uploads a file and waits until it can be attached. `progress` receives how much of it has been sent, in percent.
pub(crate) async fn send(
    api: &Api,
    conversation: ConversationId,
    path: &Path,
    progress: impl Fn(u64),
) -> Result<Attachment, TransferError> {
    let bytes = tokio::fs::read(path).await.map_err(|source| TransferError::File { path: path.to_owned(), source })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut file = api.upload(conversation, &name, content_type(&bytes), bytes, progress).await?;
    let deadline = Instant::now() + INSPECTION_TIMEOUT;
    while file.status == FileStatus::Pending {
        if Instant::now() > deadline {
            return Err(TransferError::Slow);
        }
        sleep(POLL_INTERVAL).await;
        file = api.file(file.file_id).await?;
    }
    if file.status == FileStatus::Rejected {
        return Err(TransferError::Rejected(file.reason.map_or("without a reason", |reason| reason.as_str())));
    }
    let File { file_id, name, content_type, size, dimensions, .. } = file;
    let (width, height) = (dimensions.map(|size| size.width), dimensions.map(|size| size.height));
    Ok(Attachment { file_id, name, content_type, size, width, height })
}

/// Saves a file of a message in a folder, and returns its path. No file is replaced: the name gets a number.
pub(crate) async fn save(
    api: &Api,
    conversation: ConversationId,
    seq: Seq,
    file: &Attachment,
    folder: &Path,
) -> Result<PathBuf, TransferError> {
    let bytes = api.download(conversation, seq, file.file_id).await?;
    // The server cuts folders off; a name of dots only is none.
    let name = Path::new(file.name.as_str()).file_name().unwrap_or("file".as_ref());
    let mut path = folder.join(name);
    let mut number = 1;
    loop {
        let failed = |source| TransferError::File { path: path.clone(), source };
        match tokio::fs::OpenOptions::new().write(true).create_new(true).open(&path).await {
            Ok(mut out) => {
                use tokio::io::AsyncWriteExt;
                out.write_all(&bytes).await.map_err(failed)?;
                out.flush().await.map_err(failed)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number += 1;
                path = folder.join(format!("{number}-{}", Path::new(name).display()));
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Tells the type by the content, as the server does.
fn content_type(bytes: &[u8]) -> &'static str {
    match infer::get(bytes) {
        Some(kind) => kind.mime_type(),
        None if std::str::from_utf8(bytes).is_ok() => "text/plain",
        None => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_content() {
        assert_eq!(content_type(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png");
        assert_eq!(content_type("Grüße".as_bytes()), "text/plain");
        assert_eq!(content_type(&[0xff, 0, 1]), "application/octet-stream");
    }
}
