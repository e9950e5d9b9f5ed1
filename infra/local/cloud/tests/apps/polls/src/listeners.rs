//! The table of connected listeners.

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::Error;

use crate::{Item, variable};

/// The connections that hear of every vote.
pub struct Listeners {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
}

impl Listeners {
    pub fn new(config: &aws_config::SdkConfig) -> Result<Self, Error> {
        Ok(Self { dynamodb: aws_sdk_dynamodb::Client::new(config), table: variable("LISTENERS_TABLE")? })
    }

    pub async fn add(&self, connection: &str) -> Result<(), Error> {
        let connection = AttributeValue::S(connection.to_owned());
        self.dynamodb.put_item().table_name(&self.table).item("connection", connection).send().await?;
        Ok(())
    }

    pub async fn remove(&self, connection: &str) -> Result<(), Error> {
        let key = AttributeValue::S(connection.to_owned());
        self.dynamodb.delete_item().table_name(&self.table).key("connection", key).send().await?;
        Ok(())
    }

    pub async fn all(&self) -> Result<Vec<String>, Error> {
        let items = self.dynamodb.scan().table_name(&self.table).into_paginator().items().send();
        let items = items.collect::<Result<Vec<_>, _>>().await?;
        let connection = |item: Item| item.get("connection")?.as_s().ok().cloned();
        Ok(items.into_iter().filter_map(connection).collect())
    }
}
