use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use aws_sdk_rdsdata::types::Field;
use sqlx_core::column::ColumnIndex;
use sqlx_core::error::Error;
use sqlx_core::row::Row;

use crate::column::Columns;
use crate::{DataApi, DataApiColumn, DataApiStatement, DataApiValueRef};

/// A row of a result. Columns are found by position or by name.
pub struct DataApiRow {
    fields: Vec<Field>,
    columns: Arc<Columns>,
}

impl DataApiRow {
    /// # Errors
    ///
    /// A row that has not one field for each column.
    pub(crate) fn new(fields: Vec<Field>, columns: &Arc<Columns>) -> Result<Self, Error> {
        if fields.len() != columns.list.len() {
            return Err(Error::Protocol(format!(
                "a row has {} fields, but the result has {} columns",
                fields.len(),
                columns.list.len()
            )));
        }
        Ok(Self { fields, columns: Arc::clone(columns) })
    }
}

impl Row for DataApiRow {
    type Database = DataApi;

    fn columns(&self) -> &[DataApiColumn] {
        &self.columns.list
    }

    fn try_get_raw<I>(&self, index: I) -> Result<DataApiValueRef<'_>, Error>
    where
        I: ColumnIndex<Self>,
    {
        let index = index.index(self)?;
        let (Some(field), Some(column)) = (self.fields.get(index), self.columns.list.get(index)) else {
            return Err(Error::ColumnIndexOutOfBounds { index, len: self.fields.len() });
        };
        Ok(DataApiValueRef::new(field, sqlx_core::column::Column::type_info(column)))
    }
}

impl ColumnIndex<DataApiRow> for &str {
    fn index(&self, row: &DataApiRow) -> Result<usize, Error> {
        row.columns.position(self).ok_or_else(|| Error::ColumnNotFound((*self).to_owned()))
    }
}

impl ColumnIndex<DataApiStatement> for &str {
    /// The service describes no statement that it has not run, so a statement has no columns to name.
    fn index(&self, _: &DataApiStatement) -> Result<usize, Error> {
        Err(Error::ColumnNotFound((*self).to_owned()))
    }
}

/// Formats the columns without their values.
impl Debug for DataApiRow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataApiRow").field("columns", &self.columns.list).finish_non_exhaustive()
    }
}
