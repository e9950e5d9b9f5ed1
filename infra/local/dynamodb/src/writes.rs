//! The items that a request writes.

use local_aws::call::table_name;
use serde_json::Value;

/// One item that a request writes, if it is let to.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    pub table: &'a str,
    /// The key's attributes, maybe among others.
    pub key: &'a Value,
    /// The whole item, where the request has it.
    pub item: Option<&'a Value>,
}

/// The writes of a `PutItem`, `UpdateItem`, `DeleteItem`, `BatchWriteItem` or `TransactWriteItems` request. PartiQL
/// statements are not read.
pub(crate) fn writes<'a>(operation: &str, input: &'a Value) -> Vec<Write<'a>> {
    let single = |request: &'a Value| write(request["TableName"].as_str(), request);
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => single(input).into_iter().collect(),
        "BatchWriteItem" => {
            let tables = input["RequestItems"].as_object().into_iter().flatten();
            let requests = tables.flat_map(|(table, requests)| {
                let requests = requests.as_array().into_iter().flatten().filter_map(Value::as_object);
                requests.flat_map(serde_json::Map::values).filter_map(|request| write(Some(table), request))
            });
            requests.collect()
        }
        "TransactWriteItems" => {
            let actions = input["TransactItems"].as_array().into_iter().flatten();
            let actions = actions.filter_map(Value::as_object).flat_map(serde_json::Map::iter);
            actions.filter(|(kind, _)| *kind != "ConditionCheck").filter_map(|(_, action)| single(action)).collect()
        }
        _ => Vec::new(),
    }
}

fn write<'a>(table: Option<&'a str>, request: &'a Value) -> Option<Write<'a>> {
    let item = request.get("Item");
    Some(Write { table: table_name(table?), key: item.or_else(|| request.get("Key"))?, item })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_written_item_is_found() {
        let found = |operation, input: Value| -> Vec<(String, Value, bool)> {
            let writes = writes(operation, &input);
            writes.iter().map(|write| (write.table.to_owned(), write.key.clone(), write.item.is_some())).collect()
        };
        let put = json!({"TableName": "t", "Item": {"a": 1}});
        assert_eq!(found("PutItem", put.clone()), [("t".to_owned(), json!({"a": 1}), true)]);
        assert_eq!(found("GetItem", put.clone()), []);
        let delete = json!({"TableName": "t", "Key": {"a": 2}});
        let transaction = json!({"TransactItems": [{"Put": put}, {"ConditionCheck": delete}, {"Delete": delete}]});
        let expected = [("t".to_owned(), json!({"a": 1}), true), ("t".to_owned(), json!({"a": 2}), false)];
        assert_eq!(found("TransactWriteItems", transaction), expected);
        let batch = json!({"RequestItems": {"t": [
            {"PutRequest": {"Item": {"a": 1}}}, {"DeleteRequest": {"Key": {"a": 2}}},
        ]}});
        assert_eq!(found("BatchWriteItem", batch), expected);
    }
}
