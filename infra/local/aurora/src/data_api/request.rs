//! The bodies of the five operations, named and shaped as in AWS's service model `rds-data` (2018-08-01).
//!
//! Members that AWS requires are optional here, so that a missing one is answered with AWS's own sentence.

use serde::Deserialize;

use super::field::Field;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecuteStatement {
    #[serde(flatten)]
    pub(super) target: Target,
    pub(super) sql: Option<String>,
    pub(super) parameters: Option<Vec<SqlParameter>>,
    pub(super) transaction_id: Option<String>,
    pub(super) include_result_metadata: Option<bool>,
    pub(super) continue_after_timeout: Option<bool>,
    pub(super) result_set_options: Option<ResultSetOptions>,
    pub(super) format_records_as: Option<RecordsFormat>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchExecuteStatement {
    #[serde(flatten)]
    pub(super) target: Target,
    pub(super) sql: Option<String>,
    pub(super) parameter_sets: Option<Vec<Vec<SqlParameter>>>,
    pub(super) transaction_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BeginTransaction {
    #[serde(flatten)]
    pub(super) target: Target,
}

/// `POST /CommitTransaction` and `POST /RollbackTransaction`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndTransaction {
    #[serde(flatten)]
    pub(super) target: Target,
    pub(super) transaction_id: Option<String>,
}

/// The cluster and database of a call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) resource_arn: Option<String>,
    pub(super) secret_arn: Option<String>,
    pub(super) database: Option<String>,
    pub(super) schema: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SqlParameter {
    pub(super) name: Option<String>,
    pub(super) value: Option<Field>,
    pub(super) type_hint: Option<TypeHint>,
}

/// The format of a `stringValue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum TypeHint {
    Date,
    Decimal,
    Json,
    Time,
    Timestamp,
    Uuid,
}

/// Formats of numbers in results.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultSetOptions {
    pub(super) decimal_return_type: Option<DecimalReturnType>,
    pub(super) long_return_type: Option<LongReturnType>,
}

/// Format of `numeric` in results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum DecimalReturnType {
    DoubleOrLong,
    String,
}

/// Format of integers in results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum LongReturnType {
    Long,
    String,
}

/// Format of a `SELECT`'s result: fields, or one JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RecordsFormat {
    Json,
    None,
}
