//! The answers of the five operations.

use serde::Serialize;

use super::field::Field;

/// Answer to `ExecuteStatement`.
///
/// `generatedFields` is always empty: Aurora PostgreSQL has `RETURNING`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Executed {
    /// Rows changed; 0 where the statement gives rows back.
    pub(super) number_of_records_updated: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<Vec<Vec<Field>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column_metadata: Option<Vec<ColumnMetadata>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) formatted_records: Option<String>,
    pub(super) generated_fields: [Field; 0],
}

/// Answer to `BatchExecuteStatement`: one empty result a parameter set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchExecuted {
    pub(super) update_results: Vec<UpdateResult>,
}

/// Outcome of one parameter set.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateResult {
    pub(super) generated_fields: [Field; 0],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionBegun {
    pub(super) transaction_id: String,
}

/// Answer to `CommitTransaction` and `RollbackTransaction`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionEnded {
    pub(super) transaction_status: &'static str,
}

/// Metadata of a result's column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the shape is the service's")]
pub(super) struct ColumnMetadata {
    /// The table's name for the column; the label where no table's column is shown.
    pub(super) name: String,
    /// The result's name for the column (`AS`).
    pub(super) label: String,
    #[serde(rename = "type")]
    pub(super) jdbc_type: i32,
    /// PostgreSQL's name of the type: `int4`, `_text`, `timestamptz`.
    pub(super) type_name: String,
    pub(super) schema_name: String,
    /// Empty where no table's column is shown.
    pub(super) table_name: String,
    pub(super) is_auto_increment: bool,
    pub(super) is_signed: bool,
    pub(super) is_currency: bool,
    pub(super) is_case_sensitive: bool,
    /// 0: never null; 1: may be null; 2: not known, because no table's column is shown.
    pub(super) nullable: i32,
    pub(super) precision: i32,
    pub(super) scale: i32,
    pub(super) array_base_column_type: i32,
}
