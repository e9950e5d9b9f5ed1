use sqlx_core::Either;
use sqlx_core::sql_str::SqlStr;
use sqlx_core::statement::Statement;

use crate::sql::Template;
use crate::{DataApi, DataApiArguments, DataApiColumn, DataApiTypeInfo};

/// A statement whose placeholders are counted.
///
/// The service prepares nothing, so making one costs no request and finds no mistake, and its columns are unknown.
#[derive(Debug, Clone)]
pub struct DataApiStatement {
    sql: SqlStr,
    parameters: usize,
}

impl DataApiStatement {
    pub(crate) fn new(sql: SqlStr, template: &Template) -> Self {
        Self { sql, parameters: template.parameters() }
    }
}

impl Statement for DataApiStatement {
    type Database = DataApi;

    fn into_sql(self) -> SqlStr {
        self.sql
    }

    fn sql(&self) -> &SqlStr {
        &self.sql
    }

    fn parameters(&self) -> Option<Either<&[DataApiTypeInfo], usize>> {
        Some(Either::Right(self.parameters))
    }

    fn columns(&self) -> &[DataApiColumn] {
        &[]
    }

    sqlx_core::impl_statement_query!(DataApiArguments);
}
