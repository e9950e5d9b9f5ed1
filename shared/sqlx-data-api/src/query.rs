//! sqlx's query functions with the database filled in.

use sqlx_core::from_row::FromRow;
use sqlx_core::query::Query;
use sqlx_core::query_as::QueryAs;
use sqlx_core::query_scalar::QueryScalar;
use sqlx_core::sql_str::SqlSafeStr;

use crate::{DataApi, DataApiArguments, DataApiRow};

/// Creates a query, as [`sqlx::query`](sqlx_core::query::query) does for other databases.
pub fn query<'q>(sql: impl SqlSafeStr) -> Query<'q, DataApi, DataApiArguments> {
    sqlx_core::query::query(sql)
}

/// [`sqlx::query_as`](sqlx_core::query_as::query_as). The one type to name is the row's: `query_as::<User>("…")`.
pub fn query_as<'q, O>(sql: impl SqlSafeStr) -> QueryAs<'q, DataApi, O, DataApiArguments>
where
    O: for<'r> FromRow<'r, DataApiRow>,
{
    sqlx_core::query_as::query_as(sql)
}

/// [`sqlx::query_scalar`](sqlx_core::query_scalar::query_scalar): the first column of each row.
pub fn query_scalar<'q, O>(sql: impl SqlSafeStr) -> QueryScalar<'q, DataApi, O, DataApiArguments>
where
    (O,): for<'r> FromRow<'r, DataApiRow>,
{
    sqlx_core::query_scalar::query_scalar(sql)
}
