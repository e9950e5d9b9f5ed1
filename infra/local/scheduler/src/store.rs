//! The schedules, in a database of their own. What was created or deleted is on the disk before its answer.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::SchedulerError;
use crate::schedule::Schedule;

/// A schedule with its name, and the time at which it was created, in milliseconds since the epoch.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) schedule: Schedule,
    pub(crate) created_at: u64,
}

#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

const COLUMNS: &str = "name, schedule, created_at";

impl Store {
    /// Opens the database in a file; without one, nothing is kept.
    pub(crate) fn open(file: Option<&Path>) -> rusqlite::Result<Self> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             -- `due` is empty once the target was invoked.
             CREATE TABLE IF NOT EXISTS schedules (
                group_name TEXT NOT NULL, name TEXT NOT NULL, due INTEGER, created_at INTEGER NOT NULL, schedule TEXT NOT NULL,
                PRIMARY KEY (group_name, name)
             );
             CREATE INDEX IF NOT EXISTS next_due ON schedules (due) WHERE due IS NOT NULL;",
        )?;
        Ok(Self { connection })
    }

    pub(crate) fn get(&self, group: &str, name: &str) -> Result<Option<Stored>, SchedulerError> {
        let sql = format!("SELECT {COLUMNS} FROM schedules WHERE group_name = ?1 AND name = ?2");
        let found = self.connection.query_row(&sql, params![group, name], row).optional()?;
        found.map(read).transpose()
    }

    /// Returns the schedules of a group, or all, in the order of their names.
    pub(crate) fn list(&self, group: Option<&str>) -> Result<Vec<Stored>, SchedulerError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM schedules WHERE ?1 IS NULL OR group_name = ?1 ORDER BY group_name, name"),
            params![group],
        )
    }

    /// Inserts a schedule whose name is free.
    pub(crate) fn insert(&self, stored: &Stored, due: u64) -> Result<(), SchedulerError> {
        let Stored { name, schedule, created_at } = stored;
        let text = serde_json::to_string(schedule).map_err(SchedulerError::internal)?;
        self.connection.execute(
            "INSERT INTO schedules (group_name, name, due, created_at, schedule) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![schedule.group_name, name, signed(due), signed(*created_at), text],
        )?;
        Ok(())
    }

    /// Deletes a schedule. Returns false if there was none.
    pub(crate) fn delete(&self, group: &str, name: &str) -> Result<bool, SchedulerError> {
        let sql = "DELETE FROM schedules WHERE group_name = ?1 AND name = ?2";
        Ok(self.connection.execute(sql, params![group, name])? == 1)
    }

    /// Keeps a schedule that has invoked its target.
    pub(crate) fn complete(&self, group: &str, name: &str) -> Result<(), SchedulerError> {
        let sql = "UPDATE schedules SET due = NULL WHERE group_name = ?1 AND name = ?2";
        self.connection.execute(sql, params![group, name])?;
        Ok(())
    }

    /// Returns the time at which the next schedule is due.
    pub(crate) fn next_due(&self) -> Result<Option<u64>, SchedulerError> {
        let due: Option<i64> = self.connection.query_row("SELECT min(due) FROM schedules", [], |row| row.get(0))?;
        Ok(due.map(i64::unsigned_abs))
    }

    /// Returns the schedules that are due at this time, the oldest first.
    pub(crate) fn due_at(&self, time: u64) -> Result<Vec<Stored>, SchedulerError> {
        self.all(&format!("SELECT {COLUMNS} FROM schedules WHERE due <= ?1 ORDER BY due"), params![signed(time)])
    }

    fn all(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Stored>, SchedulerError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, row)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(read).collect()
    }
}

/// SQLite has no unsigned integers.
fn signed(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, String, i64)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn read((name, schedule, created_at): (String, String, i64)) -> Result<Stored, SchedulerError> {
    let schedule = serde_json::from_str(&schedule).map_err(SchedulerError::internal)?;
    Ok(Stored { name, schedule, created_at: created_at.unsigned_abs() })
}
