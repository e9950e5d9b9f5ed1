//! `formatRecordsAs: JSON`: the records of a `SELECT` as one JSON text, an array of objects keyed by column label.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::field::{ArrayValue, Double, Field};
use super::response::ColumnMetadata;

pub(super) fn records(columns: &[ColumnMetadata], records: Vec<Vec<Field>>) -> String {
    let objects = records.into_iter().map(|record| {
        let members = columns.iter().zip(record).map(|(column, field)| (column.label.clone(), value(field)));
        Value::Object(members.collect::<Map<_, _>>())
    });
    Value::Array(objects.collect()).to_string()
}

fn value(field: Field) -> Value {
    match field {
        Field::IsNull(_) => Value::Null,
        Field::BooleanValue(value) => value.into(),
        Field::LongValue(value) => value.into(),
        Field::DoubleValue(value) => double(value),
        Field::StringValue(value) => value.into(),
        Field::BlobValue(value) => STANDARD.encode(value.0).into(),
        Field::ArrayValue(elements) => array(elements),
    }
}

fn array(elements: ArrayValue) -> Value {
    match elements {
        ArrayValue::Booleans(elements) => elements.into(),
        ArrayValue::Longs(elements) => elements.into(),
        ArrayValue::Doubles(elements) => {
            elements.into_iter().map(|element| element.map_or(Value::Null, double)).collect()
        }
        ArrayValue::Strings(elements) => elements.into(),
        ArrayValue::Arrays(elements) => elements.into_iter().map(array).collect(),
    }
}

/// JSON has no `NaN`; it becomes `null`.
fn double(value: Double) -> Value {
    value.0.into()
}
