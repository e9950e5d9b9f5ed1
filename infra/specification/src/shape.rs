//! The types of the protocol as the specifications show them: schemas out of the types, and examples that the types read.

use domain::protocol::read::Json;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::schemas::Schemas;

/// A type of a body or frame, with an example of it.
#[derive(Clone, Debug)]
pub struct Shape {
    schema: fn(&mut Schemas) -> Value,
    pub example: Value,
}

impl Shape {
    /// What a client sends. The server's own reader reads the example.
    ///
    /// # Panics
    ///
    /// If it refuses the example.
    pub fn request<T: JsonSchema + DeserializeOwned>(example: Value) -> Self {
        let read = Json::parse(&example.to_string()).and_then(|json| json.read::<T>());
        assert!(read.is_ok(), "{}: {example}", read.err().map(|error| error.to_string()).unwrap_or_default());
        Self { schema: Schemas::request::<T>, example }
    }

    /// What the server sends. The type reads the example, and writes it as it is.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn answer<T: JsonSchema + Serialize + DeserializeOwned>(example: Value) -> Self {
        let read = T::deserialize(&example).unwrap_or_else(|error| panic!("{error}: {example}"));
        assert_eq!(serde_json::to_value(read).expect("a type of the protocol is JSON"), example, "another form");
        Self { schema: Schemas::answer::<T>, example }
    }

    pub fn schema(&self, schemas: &mut Schemas) -> Value {
        (self.schema)(schemas)
    }
}
