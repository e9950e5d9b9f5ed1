//! The manifest of an export: what it is, and what is in it.

use domain::export::{FORMAT_VERSION, Subject};
use domain::{ExportId, Timestamp};
use serde::Serialize;
use store::dynamodb::exports::ExportItem;

use super::output::{Counts, Output, OutputError};
use super::zip::{Entry, MessagesOf};

/// Name of its entry, the last one.
const NAME: &str = "manifest.json";

#[derive(Serialize)]
struct Manifest {
    version: u32,
    export_id: ExportId,
    #[serde(flatten)]
    subject: Subject,
    files: bool,
    /// Nothing later is in the export.
    created_at: Timestamp,
    counts: Counts,
    /// All entries but the manifest itself.
    entries: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    size: u64,
    sha256: String,
    #[serde(flatten)]
    messages: Option<MessagesOf>,
}

/// Writes the manifest behind all other entries.
pub(super) async fn write(export: &ExportItem, output: &mut Output<'_>) -> Result<(), OutputError> {
    let counts = output.saved.counts;
    let listed = |Entry { name, size, sha256, messages, .. }: &Entry| Listed {
        name: name.clone(),
        size: *size,
        sha256: sha256.clone(),
        messages: *messages,
    };
    let entries = output.all_entries().await?.iter().map(listed).collect();
    let ExportItem { export_id, subject, files, created_at, .. } = *export;
    let manifest = Manifest { version: FORMAT_VERSION, export_id, subject, files, created_at, counts, entries };
    output.add_json(NAME, &manifest).await
}
