//! A copy of the tables that is behind: what eventually consistent reads may see.
//!
//! It holds a state that the tables were in, so that a read of it is right in all but its age, whatever its conditions,
//! filters, indexes and pages. A write reaches it as the item that the write left behind, in the order of the writes.
//! PartiQL writes do not reach it.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dynoxide::{DynoxideError, Item};
use local_aws::Lag;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::writes::writes;
use super::{Tables, TablesError};

/// Reasons for which there is no replica.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// Its tables cannot be made.
    #[error(transparent)]
    Open(#[from] TablesError),
    /// It cannot be served.
    #[error(transparent)]
    Listen(#[from] io::Error),
    /// The tables cannot be read, or not be written to it.
    #[error(transparent)]
    Copy(#[from] DynoxideError),
    /// DynamoDB's answer cannot be turned into a request for the replica.
    #[error(transparent)]
    Item(#[from] serde_json::Error),
}

/// A copy that is behind. Dropping it stops its server.
#[derive(Debug)]
pub struct Replica {
    primary: Tables,
    copy: Tables,
    address: SocketAddr,
    lag: Lag,
    /// Changes that have not arrived yet, the oldest first. One entry is one request.
    pending: Mutex<VecDeque<Change>>,
    _server: DropGuard,
}

#[derive(Debug)]
struct Change {
    at: Instant,
    items: Vec<Image>,
}

/// An item as a write left it.
#[derive(Debug)]
struct Image {
    table: String,
    key: Value,
    /// `None`: it is deleted.
    item: Option<Item>,
}

impl Replica {
    /// An empty copy, served on a port of its own. It has to receive all writes from here on, and then to be filled.
    pub async fn start(primary: &Tables, lag: Lag) -> Result<Self, ReplicaError> {
        let copy = Tables::open(None, &primary.definitions)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shutdown = CancellationToken::new();
        let (tables, token) = (copy.clone(), shutdown.clone());
        tokio::spawn(async move {
            if let Err(error) = tables.serve(listener, token).await {
                tracing::error!(%error, "stale reads are no longer served");
            }
        });
        let pending = Mutex::default();
        Ok(Self { primary: primary.clone(), copy, address, lag, pending, _server: shutdown.drop_guard() })
    }

    /// Copies what the tables hold. Blocks on the disk.
    pub fn fill(&self) -> Result<(), ReplicaError> {
        let _no_writes = self.lock();
        for table in self.primary.definitions.iter() {
            let mut start = None;
            loop {
                let mut request = json!({ "TableName": table.name, "ConsistentRead": true });
                if let Some(key) = start {
                    request["ExclusiveStartKey"] = serde_json::to_value(&key)?;
                }
                let page = self.primary.database.scan(serde_json::from_value(request)?)?;
                for item in page.items.into_iter().flatten() {
                    self.put(&table.name, &item)?;
                }
                start = page.last_evaluated_key;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Returns true for a request whose writes the copy receives.
    pub fn receives(operation: &str, input: &Value) -> bool {
        !writes(operation, input).is_empty()
    }

    /// Notes what a request that was carried out has written. The caller carries out no other write in between: the copy would
    /// have a later write without an earlier one.
    pub fn note(&self, operation: &str, input: &Value) {
        let writes = writes(operation, input);
        if writes.is_empty() {
            return;
        }
        // The lock makes the order of the images that of the notes.
        let mut pending = self.lock();
        let images = writes.iter().map(|write| {
            let key = self.primary.key_of(write.table, write.key);
            let item = self.primary.item(write.table, &key)?;
            Ok(Image { table: write.table.to_owned(), key, item })
        });
        match images.collect::<Result<Vec<_>, ReplicaError>>() {
            Ok(items) => pending.push_back(Change { at: Instant::now(), items }),
            Err(error) => tracing::warn!(%error, "stale reads miss a write"),
        }
        self.advance(&mut pending);
    }

    /// Returns the address to read from. Changes that are due have arrived there.
    pub fn address(&self) -> SocketAddr {
        self.advance(&mut self.lock());
        self.address
    }

    fn advance(&self, pending: &mut VecDeque<Change>) {
        while pending.front().is_some_and(|oldest| match self.lag {
            Lag::Writes(behind) => pending.len() > behind as usize,
            Lag::Ms(behind) => oldest.at.elapsed() >= Duration::from_millis(behind.into()),
        }) {
            let Some(change) = pending.pop_front() else { return };
            for image in change.items {
                if let Err(error) = self.apply(&image) {
                    tracing::warn!(%error, table = image.table, "stale reads miss a write");
                }
            }
        }
    }

    fn apply(&self, image: &Image) -> Result<(), ReplicaError> {
        if let Some(item) = &image.item {
            return self.put(&image.table, item);
        }
        let request = json!({ "TableName": image.table, "Key": image.key });
        self.copy.database.delete_item(serde_json::from_value(request)?)?;
        Ok(())
    }

    fn put(&self, table: &str, item: &Item) -> Result<(), ReplicaError> {
        let request = json!({ "TableName": table, "Item": serde_json::to_value(item)? });
        self.copy.database.put_item(serde_json::from_value(request)?)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Change>> {
        // A panic leaves the queue whole, since it is whole between calls.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// The key's attributes of an item.
    pub(super) fn key_of(&self, table: &str, item: &Value) -> Value {
        let table = self.definitions.iter().find(|definition| definition.name == table);
        let schema = table.and_then(|table| table.create_table["KeySchema"].as_array());
        let names = schema.into_iter().flatten().filter_map(|element| element["AttributeName"].as_str());
        let key: Map<String, Value> = names.map(|name| (name.to_owned(), item[name].clone())).collect();
        Value::Object(key)
    }

    /// The item with this key as it is.
    pub(super) fn item(&self, table: &str, key: &Value) -> Result<Option<Item>, ReplicaError> {
        let request = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        Ok(self.database.get_item(serde_json::from_value(request)?)?.item)
    }
}
