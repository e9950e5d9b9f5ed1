//! DynamoDB: the stack's tables, in this process, behind the real wire protocol.
//!
//! The engine is `dynoxide-rs` on SQLite. The gate before it carries out operations on items within its own process
//! ([`Tables::carry_out`]), leaves all others to the engine's HTTP server ([`Tables::serve`]), and answers a write once it is on
//! the disk ([`Tables::flushed`]): writes that are under way together share one flush of the write-ahead log.
//!
//! Every read is consistent, whatever `ConsistentRead` says, global secondary indexes included, and nothing is
//! ever throttled: the crate `local-gate` injects such faults. A read sees a write as soon as it is carried out. Requests to the
//! server must carry an `Authorization` header, as the SDKs send it; the signature is not checked.
//!
//! Expired items (`TimeToLive`) are deleted when the tables are opened, and otherwise stay: DynamoDB takes up to 48 hours,
//! so a reader has to filter them anyway.
//!
//! A stream has one shard, and a write that changes nothing is in it; the crate `local-sources` maps streams to functions.

mod batch;
mod direct;
mod refused;
mod replica;
mod schema;
pub mod stream;
mod stream_records;
mod write_ahead_log;
mod writes;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use direct::Answer;
use dynoxide::actions::create_table::StreamSpecification;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::update_table::UpdateTableRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::{Database, DynoxideError};
use local_template::model::Table;
pub use replica::Replica;
pub use replica::ReplicaError;
use schema::Keys;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use write_ahead_log::WriteAheadLog;

/// The database within the data folder.
const FILE: &str = "dynamodb.sqlite";
/// Time that a request in progress may delay the shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Reasons for which the tables could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// The data folder cannot be used.
    #[error("{}: {error}", path.display())]
    Folder { path: PathBuf, error: io::Error },
    /// The database cannot be opened.
    #[error("{file}: {error}")]
    Database {
        /// The database file, or the name of one in memory.
        file: String,
        error: DynoxideError,
    },
    /// The records of the streams cannot be prepared.
    #[error("{file}: {error}")]
    StreamRecords { file: String, error: rusqlite::Error },
    /// DynamoDB refuses the table as the template has it.
    #[error("table `{table}`: {error}")]
    Table { table: String, error: DynoxideError },
    /// The definition is no `CreateTable` request.
    #[error("table `{table}`: {error}")]
    Definition { table: String, error: serde_json::Error },
    /// The table is there from an earlier run, with other keys or indexes. AWS would replace the table, and its data with
    /// it; that decision is the developer's.
    #[error(
        "table `{table}`: {file} holds it with {found}, but the template has {wanted}; remove the file to start without data"
    )]
    Changed {
        table: String,
        file: String,
        /// Keys by table and index as they are.
        found: String,
        /// Keys by table and index as they should be.
        wanted: String,
    },
}

/// The tables of a stack. Cheap to clone; the file is closed when the last clone is dropped.
#[derive(Clone)]
pub struct Tables {
    database: Database,
    /// As the template has them.
    definitions: Arc<[Table]>,
    /// `None` for a database in memory.
    log: Option<WriteAheadLog>,
    /// Changes with each write that has been flushed.
    written: watch::Sender<()>,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables")
    }
}

impl Tables {
    /// Opens the database in `data_dir`, or one in memory, and creates the tables that are not there yet. Blocks on the
    /// disk.
    pub fn open(data_dir: Option<&Path>, tables: &[Table]) -> Result<Self, TablesError> {
        let Some(folder) = data_dir else {
            // Named and shared, so that a second connection finds it: <https://www.sqlite.org/inmemorydb.html>.
            return Self::open_file(format!("file:{}?mode=memory&cache=shared", Uuid::new_v4()), tables);
        };
        let unusable = |error| TablesError::Folder { path: folder.to_owned(), error };
        let file = file_in(folder).map_err(unusable)?;
        let opened = Self::open_file(file.clone(), tables)?;
        // For `synchronous = NORMAL`, which this sets beside the defaults of other settings.
        let set = opened.database.disable_bulk_loading();
        set.map_err(|error| TablesError::Database { file: file.clone(), error })?;
        Ok(Self { log: Some(WriteAheadLog::open(file.into()).map_err(unusable)?), ..opened })
    }

    fn open_file(file: String, tables: &[Table]) -> Result<Self, TablesError> {
        let database = Database::new(&file).map_err(|error| TablesError::Database { file: file.clone(), error })?;
        stream_records::prepare(&file).map_err(|error| TablesError::StreamRecords { file: file.clone(), error })?;
        for table in tables {
            create(&database, table, &file)?;
            if let Some(attribute) = &table.ttl_attribute {
                expire(&database, table, attribute)?;
            }
        }
        database.sweep_ttl().map_err(|error| TablesError::Database { file, error })?;
        Ok(Self { database, definitions: tables.into(), log: None, written: watch::Sender::new(()) })
    }

    /// Carries out an operation on items, and leaves a write to be [flushed](Self::flushed). `None`: nothing was done, because
    /// it is another operation or an unusual request, which the [server](Self::serve) has to answer.
    pub fn carry_out(&self, operation: &str, body: &[u8]) -> Option<Answer> {
        direct::run(&self.database, operation, body)
    }

    /// Returns when what was written before the call is on the disk, or at once for tables in memory.
    ///
    /// # Errors
    /// It may be lost when the machine loses its power.
    pub async fn flushed(&self) -> Result<(), Arc<io::Error>> {
        let flushed = match &self.log {
            Some(log) => log.flushed().await,
            None => Ok(()),
        };
        self.written.send_replace(());
        flushed
    }

    /// Sees each write that has been [flushed](Self::flushed) from now on. The server does not flush, so its writes are seen only where
    /// the gate lies before it.
    pub fn written(&self) -> watch::Receiver<()> {
        self.written.subscribe()
    }

    /// Serves the DynamoDB API until the token fires. A write is answered before it is [flushed](Self::flushed).
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let stop = shutdown.clone().cancelled_owned();
        let server = dynoxide::server::serve_with_shutdown(listener, self.database.clone(), stop);
        let overdue = async {
            shutdown.cancelled().await;
            tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
        };
        tokio::select! {
            result = server => result.map_err(io::Error::other),
            // Half a request is not worth waiting for.
            () = overdue => Ok(()),
        }
    }
}

fn file_in(folder: &Path) -> io::Result<String> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(FILE).into_os_string().into_string();
    file.map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"))
}

fn create(database: &Database, table: &Table, file: &str) -> Result<(), TablesError> {
    let failed = |error| TablesError::Table { table: table.logical_id.clone(), error };
    match database.describe_table(DescribeTableRequest { table_name: table.name.clone() }) {
        Err(DynoxideError::ResourceNotFoundException(_)) => {
            let request = serde_json::from_value(table.create_table.clone())
                .map_err(|error| TablesError::Definition { table: table.logical_id.clone(), error })?;
            database.create_table(request).map_err(failed)?;
            Ok(())
        }
        Err(error) => Err(failed(error)),
        Ok(described) => {
            let found = serde_json::to_value(&described.table);
            let found = found.map_err(|error| TablesError::Definition { table: table.logical_id.clone(), error })?;
            let (keys, wanted) = (Keys::of(&found), Keys::of(&table.create_table));
            if keys == wanted {
                return set_stream(database, table, &found["StreamSpecification"]).map_err(failed);
            }
            let (table, file) = (table.logical_id.clone(), file.to_owned());
            Err(TablesError::Changed { table, file, found: keys.to_string(), wanted: wanted.to_string() })
        }
    }
}

/// Gives a table that was there before the stream that the template has for it, which AWS does without replacing the table.
fn set_stream(database: &Database, table: &Table, found: &serde_json::Value) -> Result<(), DynoxideError> {
    let wanted = &table.create_table["StreamSpecification"];
    if found["StreamViewType"] == wanted["StreamViewType"] {
        return Ok(());
    }
    let mut changes = Vec::new();
    if !found.is_null() {
        changes.push(StreamSpecification { stream_enabled: false, stream_view_type: None });
    }
    if let Some(view) = wanted["StreamViewType"].as_str() {
        changes.push(StreamSpecification { stream_enabled: true, stream_view_type: Some(view.to_owned()) });
    }
    for change in changes {
        database.update_table(UpdateTableRequest {
            table_name: table.name.clone(),
            stream_specification: Some(change),
            ..UpdateTableRequest::default()
        })?;
    }
    Ok(())
}

fn expire(database: &Database, table: &Table, attribute: &str) -> Result<(), TablesError> {
    let request = UpdateTimeToLiveRequest {
        table_name: table.name.clone(),
        time_to_live_specification: TimeToLiveSpecification { attribute_name: attribute.to_owned(), enabled: true },
    };
    match database.update_time_to_live(request) {
        Ok(_) => Ok(()),
        Err(error) => Err(TablesError::Table { table: table.logical_id.clone(), error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_to_a_stream_looks_at_no_earlier_one_in_memory_either() {
        let name = "file:a_write_to_a_stream?mode=memory&cache=shared";
        let _tables = Tables::open_file(name.to_owned(), &[]).unwrap();
        // As the engine finds a record's number.
        let plan: String = rusqlite::Connection::open(name)
            .unwrap()
            .query_row(
                "EXPLAIN QUERY PLAN SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
                 WHERE table_name = 'log'",
                [],
                |row| row.get("detail"),
            )
            .unwrap();
        assert!(plan.contains("stream_records_by_number"), "{plan}");
    }
}
