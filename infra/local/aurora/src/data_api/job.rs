//! A checked call: everything that is known before PostgreSQL is asked.

use bytes::Bytes;
use serde::Serialize;

use super::commands;
use super::errors::DataApiError;
use super::parameters::Query;
use super::request::{BatchExecuteStatement, ExecuteStatement, RecordsFormat, ResultSetOptions};
use super::response::{BatchExecuted, Executed, UpdateResult};
use super::types::{self, Argument};

/// One statement and the sets of arguments that it is run with.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) query: Query,
    pub(super) argument_sets: Vec<Vec<Argument>>,
    pub(super) options: ResultSetOptions,
    pub(super) include_result_metadata: bool,
    pub(super) format_as_json: bool,
    /// A batch has no use for its results.
    pub(super) keep_records: bool,
}

impl Job {
    pub(super) fn execute(call: &ExecuteStatement) -> Result<Self, DataApiError> {
        let query = query(call.sql.as_deref(), call.transaction_id.is_some())?;
        let arguments = types::arguments(&query.names, call.parameters.as_deref().unwrap_or_default())?;
        Ok(Self {
            query,
            argument_sets: vec![arguments],
            options: call.result_set_options.unwrap_or_default(),
            include_result_metadata: call.include_result_metadata.unwrap_or_default(),
            format_as_json: call.format_records_as == Some(RecordsFormat::Json),
            keep_records: true,
        })
    }

    /// Without parameter sets the statement is run once.
    pub(super) fn batch(call: &BatchExecuteStatement) -> Result<Self, DataApiError> {
        let query = query(call.sql.as_deref(), call.transaction_id.is_some())?;
        let sets = call.parameter_sets.as_deref().filter(|sets| !sets.is_empty()).unwrap_or(const { &[Vec::new()] });
        let argument_sets =
            sets.iter().map(|set| types::arguments(&query.names, set)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            query,
            argument_sets,
            options: ResultSetOptions::default(),
            include_result_metadata: false,
            format_as_json: false,
            keep_records: false,
        })
    }

    /// The response's body, given what the last statement did.
    pub(super) fn body(&self, executed: &Executed) -> Result<Bytes, DataApiError> {
        if self.keep_records {
            body(executed)
        } else {
            let update_results = vec![UpdateResult { generated_fields: [] }; self.argument_sets.len()];
            body(&BatchExecuted { update_results })
        }
    }
}

fn query(sql: Option<&str>, in_transaction: bool) -> Result<Query, DataApiError> {
    let sql = required("sql", sql)?;
    commands::check(sql, in_transaction)?;
    Ok(Query::number(sql))
}

pub(super) fn body(response: &impl Serialize) -> Result<Bytes, DataApiError> {
    serde_json::to_vec(response).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "response");
        DataApiError::Internal
    })
}

/// A member that AWS requires.
pub(super) fn required<'a>(name: &str, value: Option<&'a str>) -> Result<&'a str, DataApiError> {
    value.ok_or_else(|| {
        DataApiError::Validation(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}
