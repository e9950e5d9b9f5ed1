//! The tables, and a copy of them that is behind.

use std::collections::VecDeque;

use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError, Item};
use end_to_end::aws::{MEMBERS, MESSAGES};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Name, partition key, sort key with its type.
const TABLES: [(&str, &str, &str, &str); 2] =
    [(MESSAGES, "conversation_id", "seq", "N"), (MEMBERS, "conversation_id", "entry", "S")];

/// An answer of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// DynamoDB in this thread. Every conversation has its own keys, so that runs can share the tables one after the other.
pub(crate) struct Tables {
    newest: Database,
    /// What eventually consistent reads may see: an earlier state.
    behind: Database,
    /// The writes that it lacks, oldest first.
    lacking: VecDeque<Vec<Image>>,
    /// Runs so far.
    runs: u64,
}

/// An item as a write left it.
struct Image {
    table: &'static str,
    key: Value,
    /// `None`: it is deleted.
    item: Option<Item>,
}

impl Tables {
    pub(crate) fn new() -> Self {
        Self { newest: tables(), behind: tables(), lacking: VecDeque::new(), runs: 0 }
    }

    /// Forgets what the copy lacks, for a run with new keys.
    pub(crate) fn begin(&mut self) {
        self.lacking.clear();
        self.runs += 1;
    }

    /// Carries out a request. An eventually consistent query lacks up to `lag` of the newest writes.
    pub(crate) fn execute(&mut self, operation: &str, body: &[u8], lag: usize) -> Answer {
        let result = match operation {
            "Query" if lag > 0 => self.stale_query(body, lag),
            "TransactWriteItems" => self.transact(body),
            _ => call(&self.newest, operation, body),
        };
        match result {
            Ok(answer) => {
                self.remember(operation, body);
                Answer { status: 200, body: answer }
            }
            Err(error) => Answer { status: error.status_code(), body: error.to_json() },
        }
    }

    /// Carries out a transaction once, however often the SDK repeats it. Its tokens are drawn as everything else, so another run
    /// with the same seed has the same ones.
    fn transact(&self, body: &[u8]) -> Result<String, DynoxideError> {
        let mut request: TransactWriteItemsRequest = request(body);
        let token = request.client_request_token.take().map(|token| format!("{}-{:.20}", self.runs, token));
        request.client_request_token = token;
        Ok(answer(&self.newest.transact_write_items(request)?))
    }

    fn stale_query(&mut self, body: &[u8], lag: usize) -> Result<String, DynoxideError> {
        let request: Value = serde_json::from_slice(body).expect("the SDK sends JSON");
        if request["ConsistentRead"] == json!(true) {
            return call(&self.newest, "Query", body);
        }
        while self.lacking.len() > lag {
            for image in self.lacking.pop_front().into_iter().flatten() {
                apply(&self.behind, image);
            }
        }
        call(&self.behind, "Query", body)
    }

    /// Notes what a request has written.
    fn remember(&mut self, operation: &str, body: &[u8]) {
        let request: Value = match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" => {
                serde_json::from_slice(body).expect("the SDK sends JSON")
            }
            _ => return,
        };
        let writes: Vec<&Value> = match request["TransactItems"].as_array() {
            Some(actions) => actions.iter().filter_map(Value::as_object).flat_map(|action| action.values()).collect(),
            None => vec![&request],
        };
        let images = writes.into_iter().map(|write| {
            let (table, partition, sort, _) = definition(&write["TableName"]);
            let from = if write["Item"].is_null() { &write["Key"] } else { &write["Item"] };
            let key = json!({ partition: from[partition], sort: from[sort] });
            let get = json!({ "TableName": table, "Key": key });
            let found = self.newest.get_item(from_value(get)).expect("a read of what was just written");
            Image { table, key, item: found.item }
        });
        let images = images.collect();
        self.lacking.push_back(images);
    }
}

fn tables() -> Database {
    let database = Database::memory().expect("a database in memory");
    for (name, partition, sort, kind) in TABLES {
        let request = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": partition, "AttributeType": "S" }, { "AttributeName": sort, "AttributeType": kind },
            ],
            "KeySchema": [
                { "AttributeName": partition, "KeyType": "HASH" }, { "AttributeName": sort, "KeyType": "RANGE" },
            ],
        });
        database.create_table(from_value(request)).expect("a new table");
    }
    database
}

/// Returns the definition of the table with this name.
pub(crate) fn definition(name: &Value) -> (&'static str, &'static str, &'static str, &'static str) {
    let definition = TABLES.into_iter().find(|(table, ..)| name == table);
    definition.unwrap_or_else(|| panic!("no table {name}"))
}

fn apply(database: &Database, image: Image) {
    let Image { table, key, item } = image;
    let applied = match item {
        Some(item) => database.put_item(from_value(json!({ "TableName": table, "Item": item }))).map(drop),
        None => database.delete_item(from_value(json!({ "TableName": table, "Key": key }))).map(drop),
    };
    applied.expect("a copied write");
}

fn call(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    Ok(match operation {
        "GetItem" => answer(&database.get_item(request(body))?),
        "PutItem" => answer(&database.put_item(request(body))?),
        "UpdateItem" => answer(&database.update_item(request(body))?),
        "DeleteItem" => answer(&database.delete_item(request(body))?),
        "Query" => answer(&database.query(request(body))?),
        "BatchGetItem" => answer(&database.batch_get_item(request(body))?),
        "TransactGetItems" => answer(&database.transact_get_items(request(body))?),
        _ => panic!("the simulation does not know {operation}"),
    })
}

fn request<T: DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).expect("a request that the engine reads")
}

fn from_value<T: DeserializeOwned>(request: Value) -> T {
    serde_json::from_value(request).expect("a request that the engine reads")
}

fn answer(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("an answer is JSON")
}
