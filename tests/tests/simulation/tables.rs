//! The tables, and a copy of them that is behind.

use std::collections::VecDeque;

use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::query::{QueryRequest, QueryResponse};
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::actions::update_item::UpdateItemRequest;
use dynoxide::types::AttributeValue;
use dynoxide::{Database, DynoxideError, Item};
use end_to_end::aws::{MEMBERS, MESSAGES};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Name, partition key, sort key with its type.
const TABLES: [(&str, &str, &str, &str); 4] = [
    (MESSAGES, "conversation_id", "seq", "N"),
    (MEMBERS, "conversation_id", "entry", "S"),
    (DELIVERY_STATUS, "pk", "sk", "S"),
    (READ_STATUS, "pk", "sk", "S"),
];

/// Name of the table `delivery_status`.
pub(crate) const DELIVERY_STATUS: &str = "local-DeliveryStatusTable";

/// Name of the table `read_status`.
pub(crate) const READ_STATUS: &str = "local-ReadStatusTable";

/// An answer of the service.
#[derive(Clone, Debug)]
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
    /// The items of the newest transaction as they were before, as far as nobody has read that they changed.
    unseen: Vec<Image>,
    /// Number of runs that used these tables.
    runs: u64,
}

/// An item as it is or was.
#[derive(Clone)]
struct Image {
    table: String,
    key: Item,
    /// `None`: there is none.
    item: Option<Item>,
}

/// The age of what a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Newest,
    /// Without up to so many of the newest writes, unless the read is consistent.
    Behind(usize),
    /// In the middle of the newest transaction: each bit decides about one of its items. No query is isolated from transactions.
    Torn(u64),
}

impl Tables {
    pub(crate) fn new() -> Self {
        Self { newest: tables(), behind: tables(), lacking: VecDeque::new(), unseen: Vec::new(), runs: 0 }
    }

    /// Forgets what the copy lacks, for a run with new keys.
    pub(crate) fn begin(&mut self) {
        self.lacking.clear();
        self.unseen.clear();
        self.runs += 1;
    }

    /// Ends the newest transaction for all who read: its answer is on the way.
    pub(crate) fn settle(&mut self) {
        self.unseen.clear();
    }

    /// Carries out a request.
    pub(crate) fn execute(&mut self, operation: &str, body: &[u8], view: View) -> Answer {
        let result = match operation {
            "Query" => self.query(body, view),
            other => {
                self.settle();
                self.execute_isolated(other, body)
            }
        };
        match result {
            Ok(body) => Answer { status: 200, body },
            Err(error) => Answer { status: error.status_code(), body: error.to_json() },
        }
    }

    fn execute_isolated(&mut self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        Ok(match operation {
            "GetItem" => answer(&self.newest.get_item(request(body))?),
            "BatchGetItem" => answer(&self.newest.batch_get_item(request(body))?),
            "TransactGetItems" => answer(&self.newest.transact_get_items(request(body))?),
            "PutItem" => {
                let request: PutItemRequest = request(body);
                let (table, item) = (request.table_name.clone(), request.item.clone());
                let written = answer(&self.newest.put_item(request)?);
                let key = key(&table, &item);
                self.lacking.push_back(vec![Image { table, key, item: Some(item) }]);
                written
            }
            "UpdateItem" => {
                let request: UpdateItemRequest = request(body);
                let (table, key) = (request.table_name.clone(), request.key.clone());
                let written = answer(&self.newest.update_item(request)?);
                let image = self.image(&table, &key);
                self.lacking.push_back(vec![image]);
                written
            }
            "DeleteItem" => {
                let request: DeleteItemRequest = request(body);
                let (table, key) = (request.table_name.clone(), request.key.clone());
                let deleted = answer(&self.newest.delete_item(request)?);
                let image = self.image(&table, &key);
                self.lacking.push_back(vec![image]);
                deleted
            }
            "TransactWriteItems" => self.transact(request(body))?,
            _ => panic!("the simulation does not know {operation}"),
        })
    }

    /// Carries out a transaction once, however often the SDK repeats it. Its tokens are drawn as everything else, so another run
    /// with the same seed has the same ones.
    fn transact(&mut self, mut request: TransactWriteItemsRequest) -> Result<String, DynoxideError> {
        let token = request.client_request_token.take().map(|token| format!("{}-{:.20}", self.runs, token));
        request.client_request_token = token;
        let writes = request.transact_items.iter().filter_map(|write| {
            let put = write.put.as_ref().map(|put| (put.table_name.clone(), key(&put.table_name, &put.item)));
            let update = || write.update.as_ref().map(|update| (update.table_name.clone(), update.key.clone()));
            let delete = || write.delete.as_ref().map(|delete| (delete.table_name.clone(), delete.key.clone()));
            put.or_else(update).or_else(delete)
        });
        let writes: Vec<(String, Item)> = writes.collect();
        let before: Vec<Image> = writes.iter().map(|(table, key)| self.image(table, key)).collect();
        let written = answer(&self.newest.transact_write_items(request)?);
        let after = writes.iter().map(|(table, key)| self.image(table, key)).collect();
        self.lacking.push_back(after);
        self.unseen = before;
        Ok(written)
    }

    fn query(&mut self, body: &[u8], view: View) -> Result<String, DynoxideError> {
        let request: QueryRequest = request(body);
        match view {
            View::Behind(lag) if request.consistent_read != Some(true) => {
                while self.lacking.len() > lag {
                    for image in self.lacking.pop_front().into_iter().flatten() {
                        apply(&self.behind, image);
                    }
                }
                Ok(answer(&self.behind.query(request)?))
            }
            View::Torn(bits) => {
                // An item that one reader has seen is there for all later ones.
                let mut number = 0;
                self.unseen.retain(|_| {
                    number += 1;
                    bits >> number & 1 == 1
                });
                let (table, partition) = (request.table_name.clone(), partition(&request).cloned());
                let mut response = self.newest.query(request)?;
                for image in
                    self.unseen.iter().filter(|image| image.table == table && image.partition() == partition.as_ref())
                {
                    image.put_into(&mut response);
                }
                Ok(answer(&response))
            }
            _ => {
                self.settle();
                Ok(answer(&self.newest.query(request)?))
            }
        }
    }

    /// Returns the item with this key as it is.
    fn image(&self, table: &str, key: &Item) -> Image {
        let get = json!({ "TableName": table, "Key": key });
        let found = self.newest.get_item(from_value(get)).expect("a read of one item");
        Image { table: table.to_owned(), key: key.clone(), item: found.item }
    }
}

impl Image {
    fn partition(&self) -> Option<&AttributeValue> {
        self.key.get(definition(&self.table).1)
    }

    /// Makes a page of a query have this item as it is here. Only in `members` do items come and go: its queries have no limit
    /// that such an item could fill.
    fn put_into(&self, response: &mut QueryResponse) {
        let sort = definition(&self.table).2;
        let items = response.items.get_or_insert_default();
        let at = items.iter().position(|item| item.get(sort) == self.key.get(sort));
        match (&self.item, at) {
            (Some(before), Some(at)) => items[at].clone_from(before),
            (None, Some(at)) if self.table == MEMBERS => drop(items.remove(at)),
            (Some(before), None) if self.table == MEMBERS => {
                let text = |item: &Item| match item.get(sort) {
                    Some(AttributeValue::S(text)) => text.clone(),
                    _ => String::new(),
                };
                let entry = text(before);
                if entry.starts_with("a#") {
                    let at = items.iter().position(|item| text(item) > entry).unwrap_or(items.len());
                    items.insert(at, before.clone());
                }
            }
            _ => {}
        }
        response.count = items.len();
        response.scanned_count = items.len();
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
fn definition(name: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    let definition = TABLES.into_iter().find(|(table, ..)| name == *table);
    definition.unwrap_or_else(|| panic!("no table {name}"))
}

/// Returns the key's attributes of an item.
fn key(table: &str, item: &Item) -> Item {
    let (_, partition, sort, _) = definition(table);
    [partition, sort].map(|name| (name.to_owned(), item[name].clone())).into()
}

/// Returns the partition that a query reads: the first value that its condition names.
fn partition(request: &QueryRequest) -> Option<&AttributeValue> {
    let condition = request.key_condition_expression.as_ref()?;
    let name = condition.split_whitespace().find(|word| word.starts_with(':'))?;
    request.expression_attribute_values.as_ref()?.get(name)
}

fn apply(database: &Database, image: Image) {
    let Image { table, key, item } = image;
    let applied = match item {
        Some(item) => database.put_item(from_value(json!({ "TableName": table, "Item": item }))).map(drop),
        None => database.delete_item(from_value(json!({ "TableName": table, "Key": key }))).map(drop),
    };
    applied.expect("a copied write");
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
