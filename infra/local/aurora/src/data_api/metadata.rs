//! `includeResultMetadata`: what PostgreSQL's catalogue says of a result's columns.

use std::collections::HashMap;

use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, Column};

use super::response::ColumnMetadata;

const TABLE_COLUMNS: &str = "\
SELECT a.attrelid, a.attnum, a.attname::text, c.relname::text, a.attnotnull,
       a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE (a.attrelid, a.attnum) IN (SELECT * FROM unnest($1::oid[], $2::int2[]))";

/// A column of a table, as the catalogue has it.
struct TableColumn {
    name: String,
    table: String,
    not_null: bool,
    auto_increment: bool,
}

/// Describes `columns`. Asks PostgreSQL only where one of them is a table's.
pub(super) async fn of(client: &Client, columns: &[Column]) -> Result<Vec<ColumnMetadata>, tokio_postgres::Error> {
    let (tables, numbers): (Vec<u32>, Vec<i16>) =
        columns.iter().filter_map(|column| Some((column.table_oid()?, column.column_id()?))).unzip();
    let mut known = HashMap::new();
    if !tables.is_empty() {
        for row in client.query(TABLE_COLUMNS, &[&tables, &numbers]).await? {
            let key: (u32, i16) = (row.try_get(0)?, row.try_get(1)?);
            let column = TableColumn {
                name: row.try_get(2)?,
                table: row.try_get(3)?,
                not_null: row.try_get(4)?,
                auto_increment: row.try_get(5)?,
            };
            known.insert(key, column);
        }
    }
    Ok(columns
        .iter()
        .map(|column| {
            let place = column.table_oid().zip(column.column_id());
            describe(column, place.and_then(|place| known.get(&place)))
        })
        .collect())
}

fn describe(column: &Column, table: Option<&TableColumn>) -> ColumnMetadata {
    let r#type = column.type_();
    let (precision, scale) = size(r#type, column.type_modifier());
    ColumnMetadata {
        name: table.map_or_else(|| column.name(), |table| &table.name).to_owned(),
        label: column.name().to_owned(),
        jdbc_type: jdbc_type(r#type),
        type_name: r#type.name().to_owned(),
        schema_name: String::new(),
        table_name: table.map(|table| table.table.clone()).unwrap_or_default(),
        is_auto_increment: table.is_some_and(|table| table.auto_increment),
        is_signed: matches!(jdbc_type(r#type), 2 | 4 | 5 | -5 | 7 | 8),
        is_currency: *r#type == Type::MONEY,
        is_case_sensitive: matches!(jdbc_type(r#type), 1 | 12 | 1111),
        nullable: table.map_or(2, |table| i32::from(!table.not_null)),
        precision,
        scale,
        array_base_column_type: match r#type.kind() {
            Kind::Array(element) => jdbc_type(element),
            _ => 0,
        },
    }
}

/// The constant of `java.sql.Types` that PostgreSQL's JDBC driver gives.
fn jdbc_type(r#type: &Type) -> i32 {
    match *r#type {
        Type::BOOL => -7,
        Type::INT2 => 5,
        Type::INT4 => 4,
        Type::INT8 => -5,
        Type::FLOAT4 => 7,
        Type::FLOAT8 => 8,
        Type::NUMERIC => 2,
        Type::BPCHAR => 1,
        Type::TEXT | Type::VARCHAR | Type::NAME => 12,
        Type::BYTEA => -2,
        Type::DATE => 91,
        Type::TIME => 92,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => 93,
        _ => match r#type.kind() {
            Kind::Array(_) => 2003,
            Kind::Enum(_) => 12,
            _ => 1111,
        },
    }
}

/// Precision and scale, from the type's modifier where it has one.
fn size(r#type: &Type, modifier: i32) -> (i32, i32) {
    /// PostgreSQL adds the size of a header to most modifiers.
    const HEADER: i32 = 4;
    match *r#type {
        Type::BOOL => (1, 0),
        Type::INT2 => (5, 0),
        Type::INT4 => (10, 0),
        Type::INT8 => (19, 0),
        Type::FLOAT4 => (8, 8),
        Type::FLOAT8 => (17, 17),
        Type::NUMERIC if modifier >= HEADER => ((modifier - HEADER) >> 16, (modifier - HEADER) & 0x7FF),
        Type::NUMERIC => (0, 0),
        Type::VARCHAR | Type::BPCHAR if modifier >= HEADER => (modifier - HEADER, 0),
        Type::DATE => (13, 0),
        Type::TIME => (15, 6),
        Type::TIMESTAMP => (29, 6),
        Type::TIMESTAMPTZ => (35, 6),
        _ => (i32::MAX, 0),
    }
}
