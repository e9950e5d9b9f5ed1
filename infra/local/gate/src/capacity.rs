//! Asks DynamoDB for the capacity that a request consumes, and takes the answer out again where the client did not ask.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The operations that consume capacity.
const OPERATIONS: [&str; 13] = [
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
];

/// An object whose members' values stay text.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// A request that asks for its capacity.
#[derive(Debug)]
pub(crate) struct Asked {
    pub body: Bytes,
    /// True if the client did not ask for it itself.
    pub hidden: bool,
}

/// Makes a request ask. `None`: there is no capacity to ask for.
pub(crate) fn ask(operation: &str, body: &Bytes) -> Option<Asked> {
    if !OPERATIONS.contains(&operation) {
        return None;
    }
    let mut members: Members<'_> = serde_json::from_slice(body).ok()?;
    let mode = members.get("ReturnConsumedCapacity").map(|mode| mode.get());
    if matches!(mode, Some(mode) if mode != r#""NONE""#) {
        // The client asks itself, or wrongly: then it gets DynamoDB's error.
        return Some(Asked { body: body.clone(), hidden: false });
    }
    let total: &RawValue = serde_json::from_str(r#""TOTAL""#).ok()?;
    members.insert("ReturnConsumedCapacity".into(), total);
    Some(Asked { body: serde_json::to_vec(&members).ok()?.into(), hidden: true })
}

/// Capacity units by table. Indexes count to their table.
pub(crate) type Units = Vec<(String, f64)>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Consumed {
    table_name: String,
    capacity_units: f64,
}

/// Reads the units from a successful response. The body is without them if the client did not ask.
pub(crate) fn take(response: &Bytes, hidden: bool) -> (Bytes, Units) {
    let Ok(mut members) = serde_json::from_slice::<Members<'_>>(response) else {
        return (response.clone(), Units::new());
    };
    let Some(consumed) = members.remove("ConsumedCapacity") else {
        return (response.clone(), Units::new());
    };
    // One object, or in batches and transactions a list.
    let consumed = serde_json::from_str::<Consumed>(consumed.get())
        .map(|one| vec![one])
        .or_else(|_| serde_json::from_str::<Vec<Consumed>>(consumed.get()));
    let units = match consumed {
        Ok(consumed) => consumed.into_iter().map(|one| (one.table_name, one.capacity_units)).collect(),
        Err(error) => {
            tracing::warn!(%error, "cannot read the consumed capacity: not counted");
            Units::new()
        }
    };
    let body = match serde_json::to_vec(&members) {
        Ok(without) if hidden => without.into(),
        _ => response.clone(),
    };
    (body, units)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bytes(value: &Value) -> Bytes {
        value.to_string().into()
    }

    #[test]
    fn capacity_is_hidden_unless_requested() {
        for request in [json!({"TableName": "t"}), json!({"TableName": "t", "ReturnConsumedCapacity": "NONE"})] {
            let asked = ask("GetItem", &bytes(&request)).unwrap();
            let read: Value = serde_json::from_slice(&asked.body).unwrap();
            assert_eq!(read, json!({"TableName": "t", "ReturnConsumedCapacity": "TOTAL"}));
            assert!(asked.hidden);
        }
        let response = bytes(&json!({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}, "Item": {"a": 1}}));
        let (body, units) = take(&response, true);
        assert_eq!((&body[..], units), (&br#"{"Item":{"a":1}}"#[..], vec![("t".to_owned(), 0.5)]));
    }

    #[test]
    fn requested_capacity_is_returned() {
        let request = bytes(&json!({"ReturnConsumedCapacity": "INDEXES"}));
        let asked = ask("BatchGetItem", &request).unwrap();
        assert_eq!((asked.body, asked.hidden), (request, false));
        let response = bytes(&json!({"ConsumedCapacity": [{"TableName": "t", "CapacityUnits": 2.0}]}));
        assert_eq!(take(&response, false), (response.clone(), vec![("t".to_owned(), 2.0)]));
    }

    #[test]
    fn other_requests_stay_as_they_are() {
        assert!(ask("ListTables", &bytes(&json!({}))).is_none());
        assert!(ask("GetItem", &Bytes::from_static(b"not JSON")).is_none());
    }
}
