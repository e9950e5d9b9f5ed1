//! The engine's storage of stream records.

use rusqlite::Connection;

/// Forgets the records that are older than the 24 hours for which DynamoDB keeps them, and has the others found by their
/// number. The engine does neither: without this, each write to a table with a stream reads all records that there ever were.
pub(super) fn prepare(file: &str) -> rusqlite::Result<()> {
    Connection::open(file)?.execute_batch(
        "DELETE FROM _stream_records WHERE created_at < unixepoch() - 24 * 60 * 60;
         CREATE INDEX IF NOT EXISTS stream_records_by_number
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER));",
    )
}
