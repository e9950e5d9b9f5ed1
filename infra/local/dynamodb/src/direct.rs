//! The operations on items, carried out without the engine's HTTP server. Batches of writes are in `batch`.
//!
//! What is unusual goes through the server instead, which has DynamoDB's words for it: a request that the engine refuses, one
//! with the parameters that expressions have replaced, and all other operations.

use dynoxide::actions::batch_get_item::{BatchGetItemRequest, BatchGetItemResponse};
use dynoxide::actions::delete_item::{DeleteItemRequest, DeleteItemResponse};
use dynoxide::actions::get_item::{GetItemRequest, GetItemResponse};
use dynoxide::actions::put_item::{PutItemRequest, PutItemResponse};
use dynoxide::actions::query::{QueryRequest, QueryResponse};
use dynoxide::actions::update_item::{UpdateItemRequest, UpdateItemResponse};
use dynoxide::types::ConsumedCapacity;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch;

/// The answer to an operation.
#[derive(Debug)]
pub struct Answer {
    /// False for a condition that was not met.
    pub is_success: bool,
    /// JSON, as DynamoDB has it.
    pub body: Vec<u8>,
    /// Capacity units by table. Indexes count to their table.
    pub units: Vec<(String, f64)>,
}

/// Carries out an operation. `None`: nothing was done, and the server has to answer.
pub(crate) fn run(database: &Database, operation: &str, body: &[u8]) -> Option<Answer> {
    match operation {
        "GetItem" => carry_out::<GetItemRequest>(database, body),
        "BatchGetItem" => carry_out::<BatchGetItemRequest>(database, body),
        "Query" => carry_out::<QueryRequest>(database, body),
        "PutItem" => carry_out::<PutItemRequest>(database, body),
        "UpdateItem" => carry_out::<UpdateItemRequest>(database, body),
        "DeleteItem" => carry_out::<DeleteItemRequest>(database, body),
        "BatchWriteItem" => batch::run(database, body),
        _ => None,
    }
}

fn carry_out<R: Operation>(database: &Database, body: &[u8]) -> Option<Answer> {
    let mut request: R = serde_json::from_slice(body).ok()?;
    if request.is_legacy() {
        return None;
    }
    let mode = request.capacity_mode();
    let is_asked = !matches!(mode.as_deref(), None | Some("NONE"));
    if !is_asked {
        *mode = Some("TOTAL".to_owned());
    }
    match request.run(database) {
        Ok(mut response) => {
            let consumed = R::consumed(&mut response);
            let units = consumed.as_ref().map(Capacity::units).unwrap_or_default();
            if !is_asked {
                *consumed = None;
            }
            Some(Answer { is_success: true, body: serde_json::to_vec(&response).ok()?, units })
        }
        Err(error @ DynoxideError::ConditionalCheckFailedException(..)) => {
            Some(Answer { is_success: false, body: error.to_json().into_bytes(), units: Vec::new() })
        }
        // It has changed nothing, so the server may do it again for its words.
        Err(_) => None,
    }
}

/// The capacity in a response: of one table, or in batches of several.
trait Capacity {
    fn units(&self) -> Vec<(String, f64)>;
}

impl Capacity for ConsumedCapacity {
    fn units(&self) -> Vec<(String, f64)> {
        vec![(self.table_name.clone(), self.capacity_units)]
    }
}

impl Capacity for Vec<ConsumedCapacity> {
    fn units(&self) -> Vec<(String, f64)> {
        self.iter().flat_map(Capacity::units).collect()
    }
}

trait Operation: DeserializeOwned {
    type Response: Serialize;
    type Capacity: Capacity;

    /// Returns true if the request has a parameter that expressions have replaced.
    fn is_legacy(&self) -> bool;

    fn capacity_mode(&mut self) -> &mut Option<String>;

    fn run(self, database: &Database) -> Result<Self::Response, DynoxideError>;

    fn consumed(response: &mut Self::Response) -> &mut Option<Self::Capacity>;
}

macro_rules! operation {
    ($request:ty, $response:ty, $capacity:ty, $run:ident, |$this:ident| $is_legacy:expr) => {
        impl Operation for $request {
            type Response = $response;
            type Capacity = $capacity;

            fn is_legacy(&self) -> bool {
                let $this = self;
                $is_legacy
            }

            fn capacity_mode(&mut self) -> &mut Option<String> {
                &mut self.return_consumed_capacity
            }

            fn run(self, database: &Database) -> Result<Self::Response, DynoxideError> {
                database.$run(self)
            }

            fn consumed(response: &mut Self::Response) -> &mut Option<Self::Capacity> {
                &mut response.consumed_capacity
            }
        }
    };
}

operation!(GetItemRequest, GetItemResponse, ConsumedCapacity, get_item, |request| request.attributes_to_get.is_some());
operation!(BatchGetItemRequest, BatchGetItemResponse, Vec<ConsumedCapacity>, batch_get_item, |request| {
    request.request_items.values().any(|table| table.attributes_to_get.is_some())
});
operation!(QueryRequest, QueryResponse, ConsumedCapacity, query, |request| {
    let conditions = [&request.key_conditions, &request.query_filter];
    conditions.iter().any(|condition| condition.is_some())
        || request.attributes_to_get.is_some()
        || request.conditional_operator.is_some()
});
operation!(PutItemRequest, PutItemResponse, ConsumedCapacity, put_item, |request| {
    request.expected.is_some() || request.conditional_operator.is_some()
});
operation!(UpdateItemRequest, UpdateItemResponse, ConsumedCapacity, update_item, |request| {
    request.attribute_updates.is_some() || request.expected.is_some() || request.conditional_operator.is_some()
});
operation!(DeleteItemRequest, DeleteItemResponse, ConsumedCapacity, delete_item, |request| {
    request.expected.is_some() || request.conditional_operator.is_some()
});
