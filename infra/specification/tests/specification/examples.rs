//! Examples are what the schemas beside them say.

use serde_json::{Value, json};
use specification::{asyncapi, openapi};

/// Returns a schema with the named schemas of its document, so that references are found.
fn with_components(schema: &Value, document: &Value) -> Value {
    json!({ "allOf": [schema], "components": document["components"] })
}

/// Calls `check` with each schema that has an example beside it, and the example.
fn each(value: &Value, check: &mut dyn FnMut(&Value, &Value)) {
    match value {
        Value::Object(fields) => {
            if let (Some(schema), Some(example)) = (fields.get("schema"), fields.get("example")) {
                check(schema, example);
            }
            fields.values().for_each(|value| each(value, check));
        }
        Value::Array(elements) => elements.iter().for_each(|value| each(value, check)),
        _ => {}
    }
}

/// Returns the errors of the examples of a document.
fn errors(document: &Value) -> (usize, Vec<String>) {
    let (mut count, mut errors) = (0, Vec::new());
    each(document, &mut |schema, example| {
        count += 1;
        let whole = with_components(schema, document);
        let validator = jsonschema::options().should_validate_formats(true).build(&whole).expect("a valid schema");
        errors.extend(validator.iter_errors(example).map(|error| format!("{error} in {example}")));
    });
    (count, errors)
}

#[test]
fn examples_of_the_http_api_are_valid() {
    let document = openapi::document();
    let (count, found) = errors(&document);
    assert_eq!(found, Vec::<String>::new());
    assert!(count > 90, "{count} examples");
}

#[test]
fn examples_of_the_websocket_api_are_valid() {
    let document = asyncapi::document();
    let messages = document["components"]["messages"].as_object().expect("messages");
    let mut found = Vec::new();
    for (name, message) in messages {
        let examples = message["examples"].as_array().unwrap_or_else(|| panic!("{name} has no example"));
        for example in examples {
            let checked = json!({"schema": message["payload"], "example": example["payload"], "components": document["components"]});
            found.extend(errors(&checked).1);
        }
    }
    assert_eq!(found, Vec::<String>::new());
    assert!(messages.len() > 25, "{} messages", messages.len());
}

/// A check that finds nothing proves nothing.
#[test]
fn wrong_examples_are_found() {
    for (path, wrong) in [
        ("/paths/~1v1~1users~1me/put/requestBody/content/application~1json", json!({"display_name": ""})),
        ("/paths/~1v1~1users~1me/put/requestBody/content/application~1json", json!({"display_name": "a", "more": 1})),
        ("/paths/~1v1~1users~1{id}/get/responses/200/content/application~1json", json!({"user_id": "alice"})),
    ] {
        let mut document = openapi::document();
        document.pointer_mut(path).unwrap_or_else(|| panic!("{path}"))["example"] = wrong.clone();
        assert!(!errors(&document).1.is_empty(), "{wrong}");
    }
}
