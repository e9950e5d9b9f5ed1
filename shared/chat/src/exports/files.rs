//! The bytes of files in an export.

use domain::export::Subject;
use domain::file::{File, FileStatus};
use domain::{FileId, IdRange};
use store::StoreError;
use store::dynamodb::exports::ExportItem;
use uuid::Uuid;

use super::contents::Sources;
use super::cursor::Cursor;
use super::output::{Output, OutputError};

/// Files of a page.
const FILES_PER_PAGE: usize = 20;

/// Largest file that is read at once. A larger one is copied piece by piece.
const PIECE_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes of small files with which a step ends.
const STEP_BYTES: u64 = 16 * 1024 * 1024;

/// The file after all others.
const LAST: FileId = FileId(Uuid::max());

impl Sources {
    /// Copies some small files, or a piece of a large one.
    pub(super) async fn files(
        &self,
        export: &ExportItem,
        output: &mut Output<'_>,
        after: FileId,
        open: Option<(FileId, u64)>,
    ) -> Result<Cursor, OutputError> {
        if let Some((file, size)) = open {
            return self.piece(output, after, file, size).await;
        }
        let mut after = after;
        let (files, last) = self.file_page(export, after).await?;
        let mut bytes = 0;
        for file in files {
            if file.size > PIECE_BYTES {
                output.begin(name(&file), file.size, file.sha256.as_str().to_owned());
                output.saved.counts.files += 1;
                return Ok(Cursor::Files { after, open: Some((file.file_id, file.size)) });
            }
            after = file.file_id;
            match self.objects.bytes(file.file_id, 0, file.size).await? {
                Some(read) => {
                    output.add_file(name(&file), &read).await?;
                    output.saved.counts.files += 1;
                }
                None => output.saved.counts.missing_files += 1,
            }
            bytes += file.size;
            if bytes >= STEP_BYTES {
                return Ok(Cursor::Files { after, open: None });
            }
        }
        Ok(last.map_or(Cursor::Manifest, |after| Cursor::Files { after, open: None }))
    }

    /// Copies the next piece of a large file. One that is deleted meanwhile ends there.
    async fn piece(
        &self,
        output: &mut Output<'_>,
        after: FileId,
        file: FileId,
        size: u64,
    ) -> Result<Cursor, OutputError> {
        let done = output.open_bytes().unwrap_or(size);
        if done < size {
            if let Some(bytes) =
                self.objects.bytes(file, done, PIECE_BYTES.min(size - done)).await?.filter(|bytes| !bytes.is_empty())
            {
                output.append(&bytes).await?;
                return Ok(Cursor::Files { after, open: Some((file, size)) });
            }
            output.saved.counts.missing_files += 1;
        }
        output.end().await?;
        Ok(Cursor::Files { after: file, open: None })
    }

    /// Reads a page of the files of the export, and the last file of a page that may not be the last.
    async fn file_page(&self, export: &ExportItem, after: FileId) -> Result<(Vec<File>, Option<FileId>), StoreError> {
        let range = IdRange { after, last: LAST };
        let found = match export.subject {
            Subject::User { user_id, .. } => self.metadata.of_user(user_id, range, FILES_PER_PAGE).await?,
            Subject::Conversation { conversation_id } => {
                self.metadata.of_conversation(conversation_id, after, FILES_PER_PAGE).await?
            }
        };
        let last = found.last().map(|stored| stored.file.file_id).filter(|_| found.len() == FILES_PER_PAGE);
        let mut files: Vec<File> = found.into_iter().map(|stored| stored.file).collect();
        files.retain(|file| file.status == FileStatus::Ready && file.created_at <= export.created_at);
        if matches!(export.subject, Subject::Conversation { .. }) {
            // A file that no message references is seen by its owner alone.
            let ids: Vec<FileId> = files.iter().map(|file| file.file_id).collect();
            let items = self.file_items.get(&ids).await?;
            let is_referenced = |file: &File| {
                items.iter().any(|item| item.attachment.file_id == file.file_id && !item.referenced_by.is_empty())
            };
            files.retain(is_referenced);
        }
        Ok((files, last))
    }
}

/// Returns the name of a file's entry. The names of files are one part of a path; those of earlier versions need not be.
fn name(file: &File) -> String {
    let is_plain = |c: char| !matches!(c, '/' | '\\') && !c.is_control();
    let name: String = file.name.as_str().chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let name = if name.chars().all(|c| c == '.') { "_".to_owned() } else { name };
    format!("files/{}/{name}", file.file_id)
}
