use std::collections::HashMap;

use aws_sdk_rdsdata::types::ColumnMetadata;
use sqlx_core::column::Column;

use crate::{DataApi, DataApiTypeInfo};

/// A column of a result.
#[derive(Debug, Clone)]
pub struct DataApiColumn {
    ordinal: usize,
    name: String,
    type_info: DataApiTypeInfo,
}

impl Column for DataApiColumn {
    type Database = DataApi;

    fn ordinal(&self) -> usize {
        self.ordinal
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn type_info(&self) -> &DataApiTypeInfo {
        &self.type_info
    }
}

/// The columns that all rows of one result share.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) list: Vec<DataApiColumn>,
    by_name: HashMap<String, usize>,
}

impl Columns {
    pub(crate) fn new(metadata: Vec<ColumnMetadata>) -> Self {
        let list: Vec<_> =
            metadata.into_iter().enumerate().map(|(ordinal, column)| describe(ordinal, column)).collect();
        // Of columns with one name the last is found, as in sqlx's own drivers.
        let by_name = list.iter().map(|column| (column.name.clone(), column.ordinal)).collect();
        Self { list, by_name }
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

fn describe(ordinal: usize, column: ColumnMetadata) -> DataApiColumn {
    let label = column.label.filter(|label| !label.is_empty());
    DataApiColumn {
        ordinal,
        // `AS total` is the label.
        name: label.or(column.name).unwrap_or_default(),
        type_info: DataApiTypeInfo::reported(column.type_name.as_deref().unwrap_or_default()),
    }
}
