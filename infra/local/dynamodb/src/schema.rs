//! The parts of a table that cannot be changed without losing its data.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// The keys of a table and of its indexes, by index name; the table's own are below the empty name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys(BTreeMap<String, Vec<String>>);

impl Keys {
    /// Reads a `CreateTable` request or a table description: they agree in these fields.
    pub(super) fn of(table: &Value) -> Self {
        let list = |name: &str| table[name].as_array().into_iter().flatten();
        let types: BTreeMap<&str, &str> = list("AttributeDefinitions")
            .map(|definition| (text(&definition["AttributeName"]), text(&definition["AttributeType"])))
            .collect();
        let key = |schema: &Value| {
            let elements = schema["KeySchema"].as_array().into_iter().flatten();
            let element = |element: &Value| {
                let name = text(&element["AttributeName"]);
                format!("{name} {} {}", types.get(name).unwrap_or(&"?"), text(&element["KeyType"]))
            };
            elements.map(element).collect()
        };
        let indexes = list("GlobalSecondaryIndexes").chain(list("LocalSecondaryIndexes"));
        let indexes = indexes.map(|index| (text(&index["IndexName"]).to_owned(), key(index)));
        Self(std::iter::once((String::new(), key(table))).chain(indexes).collect())
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (index, key)) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            let owner = if index.is_empty() { "key" } else { index };
            write!(f, "{separator}{owner} ({})", key.join(", "))?;
        }
        Ok(())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
