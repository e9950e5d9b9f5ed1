//! Polls with live results: people create a poll and vote over HTTP, votes are counted from a queue, and everybody who
//! listens on the WebSocket sees the counts change.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::Error;
use serde_json::{Map, Value, json};

/// What the table has of one poll.
pub type Item = HashMap<String, AttributeValue>;

/// The SDKs' configuration, from the function's environment.
pub async fn aws_config() -> aws_config::SdkConfig {
    let tls =
        aws_smithy_http_client::tls::Provider::Rustls(aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring);
    let client = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
    aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(client).load().await
}

/// A variable that the template sets.
pub fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// The polls' table.
pub struct Polls {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
}

impl Polls {
    pub fn new(config: &aws_config::SdkConfig) -> Result<Self, Error> {
        Ok(Self { dynamodb: aws_sdk_dynamodb::Client::new(config), table: variable("POLLS_TABLE")? })
    }

    /// Creates a poll without votes and gives its id.
    pub async fn create(&self, question: &str, options: &[&str]) -> Result<String, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        let votes = options.iter().map(|option| ((*option).to_owned(), AttributeValue::N("0".to_owned())));
        self.dynamodb
            .put_item()
            .table_name(&self.table)
            .item("id", AttributeValue::S(id.clone()))
            .item("question", AttributeValue::S(question.to_owned()))
            .item("votes", AttributeValue::M(votes.collect()))
            .send()
            .await?;
        Ok(id)
    }

    /// A poll as the API shows it.
    pub async fn get(&self, id: &str) -> Result<Option<Value>, Error> {
        let request = self.dynamodb.get_item().table_name(&self.table).key("id", AttributeValue::S(id.to_owned()));
        Ok(request.consistent_read(true).send().await?.item.map(|item| shown(&item)))
    }

    /// Asks another question; `false`: there is no such poll.
    pub async fn ask(&self, id: &str, question: &str) -> Result<bool, Error> {
        let request = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(id.to_owned()))
            .condition_expression("attribute_exists(id)")
            .update_expression("SET question = :question")
            .expression_attribute_values(":question", AttributeValue::S(question.to_owned()));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Counts a vote and gives the poll as it is then. An unknown poll or option is an error.
    pub async fn vote(&self, id: &str, option: &str) -> Result<Value, Error> {
        let request = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(id.to_owned()))
            .condition_expression("attribute_exists(votes.#option)")
            .update_expression("ADD votes.#option :one")
            .expression_attribute_names("#option", option)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        Ok(request.send().await?.attributes.as_ref().map(shown).unwrap_or_default())
    }

    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let key = AttributeValue::S(id.to_owned());
        self.dynamodb.delete_item().table_name(&self.table).key("id", key).send().await?;
        Ok(())
    }
}

fn shown(item: &Item) -> Value {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let votes = item.get("votes").and_then(|votes| votes.as_m().ok()).into_iter().flatten();
    let votes: Map<_, _> = votes
        .filter_map(|(option, count)| Some((option.clone(), json!(count.as_n().ok()?.parse::<u64>().ok()?))))
        .collect();
    json!({ "id": text("id"), "question": text("question"), "votes": votes })
}

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
