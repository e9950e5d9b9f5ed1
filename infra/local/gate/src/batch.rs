//! Batches of which DynamoDB leaves a part to be asked for again.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// One entry of a batch, as it goes back to the client.
#[derive(Debug, PartialEq)]
pub(crate) struct HeldBack {
    table: String,
    /// A list of one write, or an object with one key below `Keys` and how to read it.
    entry: Value,
}

/// Returns the number of keys or writes of a `BatchGetItem` or `BatchWriteItem`.
pub(crate) fn entries(input: &Value) -> usize {
    let tables = input["RequestItems"].as_object().into_iter().flat_map(Map::values);
    tables.filter_map(|table| list(table)?.as_array()).map(Vec::len).sum()
}

/// The request without its last entry. `None`: there is nothing to hold back.
pub(crate) fn hold_back(input: &Value) -> Option<(Bytes, HeldBack)> {
    let mut rest = input.clone();
    let tables = rest["RequestItems"].as_object_mut()?;
    let (name, table) = tables.iter_mut().next_back()?;
    let name = name.clone();
    let mut held = table.clone();
    let last = list_mut(table)?.as_array_mut()?.pop()?;
    *list_mut(&mut held)? = json!([last]);
    if list(table)?.as_array().is_some_and(Vec::is_empty) {
        tables.remove(&name);
    }
    Some((rest.to_string().into(), HeldBack { table: name, entry: held }))
}

/// The answer, with what was held back as not processed.
pub(crate) async fn hand_back(operation: &str, held: HeldBack, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // The body is in memory already.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let answer = serde_json::from_slice::<Value>(&body).ok().filter(|_| parts.status.is_success());
    let Some(mut answer) = answer else {
        return Response::from_parts(parts, Body::from(body));
    };
    let field = if operation == "BatchGetItem" { "UnprocessedKeys" } else { "UnprocessedItems" };
    let unprocessed = &mut answer[field][&held.table];
    // DynamoDB may have left entries of its own.
    match (unprocessed.is_null(), list(&held.entry)) {
        (false, Some(Value::Array(last))) => {
            if let Some(Value::Array(there)) = list_mut(unprocessed) {
                there.extend(last.iter().cloned());
            }
        }
        _ => *unprocessed = held.entry,
    }
    parts.headers.remove(CONTENT_LENGTH);
    // It is of the body as it was; clients check it only where it is.
    parts.headers.remove("x-amz-crc32");
    Response::from_parts(parts, Body::from(answer.to_string()))
}

/// The entries of one table: writes are a list, keys are a list below `Keys`.
fn list(table: &Value) -> Option<&Value> {
    if table.is_array() { Some(table) } else { table.get("Keys") }
}

fn list_mut(table: &mut Value) -> Option<&mut Value> {
    if table.is_array() { Some(table) } else { table.get_mut("Keys") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_is_held_back_with_how_to_read_it() {
        let keys = json!({"RequestItems": {"t": {"Keys": [1, 2], "ConsistentRead": true}}});
        assert_eq!(entries(&keys), 2);
        let (rest, held) = hold_back(&keys).unwrap();
        let rest: Value = serde_json::from_slice(&rest).unwrap();
        assert_eq!(rest, json!({"RequestItems": {"t": {"Keys": [1], "ConsistentRead": true}}}));
        assert_eq!(held, HeldBack { table: "t".to_owned(), entry: json!({"Keys": [2], "ConsistentRead": true}) });
    }

    #[test]
    fn a_table_without_entries_is_left_out() {
        let (rest, held) = hold_back(&json!({"RequestItems": {"a": [1], "b": [2]}})).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&rest).unwrap(), json!({"RequestItems": {"a": [1]}}));
        assert_eq!(held, HeldBack { table: "b".to_owned(), entry: json!([2]) });
    }

    #[tokio::test]
    async fn entries_that_dynamodb_left_unprocessed_are_kept() {
        let response = Response::new(Body::from(r#"{"UnprocessedItems":{"t":[1]}}"#));
        let held = HeldBack { table: "t".to_owned(), entry: json!([2]) };
        let response = hand_back("BatchWriteItem", held, response).await;
        let body = to_bytes(response.into_body(), 1000).await.unwrap();
        assert_eq!(&body[..], br#"{"UnprocessedItems":{"t":[1,2]}}"#);
    }
}
