//! The list of all polls, kept beside them so that it can be read without their votes.

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::Error;
use serde_json::{Value, json};

use crate::polls::if_condition_holds;
use crate::{Item, variable};

/// The front page's table: a poll's question, the number of its votes, and where its result is.
pub struct FrontPage {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
}

impl FrontPage {
    pub fn new(config: &aws_config::SdkConfig) -> Result<Self, Error> {
        Ok(Self { dynamodb: aws_sdk_dynamodb::Client::new(config), table: variable("FRONT_PAGE_TABLE")? })
    }

    /// All polls, the most popular first.
    pub async fn all(&self) -> Result<Vec<Value>, Error> {
        let items = self.dynamodb.scan().table_name(&self.table).into_paginator().items().send();
        let mut polls: Vec<_> = items.collect::<Result<Vec<_>, _>>().await?.iter().map(shown).collect();
        polls.sort_by_key(|poll| std::cmp::Reverse(poll["votes"].as_u64()));
        Ok(polls)
    }

    /// The key of a poll's result, once it is indexed.
    pub async fn result(&self, id: &str) -> Result<Option<String>, Error> {
        let key = AttributeValue::S(id.to_owned());
        let found = self.dynamodb.get_item().table_name(&self.table).key("id", key).send().await?.item;
        Ok(found.and_then(|item| item.get("result")?.as_s().ok().cloned()))
    }

    /// Puts down what a poll has become. Doing so twice changes nothing.
    pub async fn put(&self, id: &str, question: &str, votes: u64) -> Result<(), Error> {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(id.to_owned()))
            .update_expression("SET question = :question, votes = :votes")
            .expression_attribute_values(":question", AttributeValue::S(question.to_owned()))
            .expression_attribute_values(":votes", AttributeValue::N(votes.to_string()))
            .send()
            .await?;
        Ok(())
    }

    /// Puts down where a poll's result is, unless the poll is gone.
    pub async fn index(&self, id: &str, key: &str, size: u64) -> Result<bool, Error> {
        let request = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(id.to_owned()))
            .condition_expression("attribute_exists(id)")
            .update_expression("SET #result = :key, size_of_result = :size")
            .expression_attribute_names("#result", "result")
            .expression_attribute_values(":key", AttributeValue::S(key.to_owned()))
            .expression_attribute_values(":size", AttributeValue::N(size.to_string()));
        if_condition_holds(request).await
    }

    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let key = AttributeValue::S(id.to_owned());
        self.dynamodb.delete_item().table_name(&self.table).key("id", key).send().await?;
        Ok(())
    }
}

fn shown(item: &Item) -> Value {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse::<u64>().ok());
    json!({
        "id": text("id"),
        "question": text("question"),
        "votes": number("votes"),
        "size_of_result": number("size_of_result"),
    })
}
