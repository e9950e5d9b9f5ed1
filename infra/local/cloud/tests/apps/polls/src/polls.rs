//! The polls and their votes.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use lambda_runtime::Error;
use serde_json::{Map, Value, json};

use crate::{Item, variable};

/// The table of polls.
pub struct Polls {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
}

impl Polls {
    pub fn new(config: &aws_config::SdkConfig) -> Result<Self, Error> {
        Ok(Self { dynamodb: aws_sdk_dynamodb::Client::new(config), table: variable("POLLS_TABLE")? })
    }

    /// Creates a poll without votes and gives its id. It closes at that time, in seconds since 1970.
    pub async fn create(&self, question: &str, options: &[&str], closes_at: Option<u64>) -> Result<String, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        let votes = options.iter().map(|option| ((*option).to_owned(), AttributeValue::N("0".to_owned())));
        let mut request = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("id", AttributeValue::S(id.clone()))
            .item("question", AttributeValue::S(question.to_owned()))
            .item("votes", AttributeValue::M(votes.collect()));
        if let Some(time) = closes_at {
            request = request.item("closes_at", AttributeValue::N(time.to_string()));
        }
        request.send().await?;
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
            .update(id)
            .condition_expression("attribute_exists(id)")
            .update_expression("SET question = :question")
            .expression_attribute_values(":question", AttributeValue::S(question.to_owned()));
        if_condition_holds(request).await
    }

    /// Takes no more votes; `false`: there is no such poll, or it takes none already.
    pub async fn close(&self, id: &str) -> Result<bool, Error> {
        let request = self
            .update(id)
            .condition_expression("attribute_exists(id) AND attribute_not_exists(closed)")
            .update_expression("SET closed = :closed")
            .expression_attribute_values(":closed", AttributeValue::Bool(true));
        if_condition_holds(request).await
    }

    /// The open polls whose time has come.
    pub async fn due(&self, now: u64) -> Result<Vec<String>, Error> {
        let scan = self
            .dynamodb
            .scan()
            .table_name(&self.table)
            .filter_expression("closes_at <= :now AND attribute_not_exists(closed)")
            .expression_attribute_values(":now", AttributeValue::N(now.to_string()));
        let items = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
        Ok(items.into_iter().filter_map(|item| item.get("id")?.as_s().ok().cloned()).collect())
    }

    /// Counts a vote and gives the poll as it is then. An unknown or closed poll and an unknown option are errors.
    pub async fn vote(&self, id: &str, option: &str) -> Result<Value, Error> {
        let request = self
            .update(id)
            .condition_expression("attribute_exists(votes.#option) AND attribute_not_exists(closed)")
            .update_expression("ADD votes.#option :one")
            .expression_attribute_names("#option", option)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::AllNew);
        Ok(request.send().await?.attributes.as_ref().map(shown).unwrap_or_default())
    }

    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let key = AttributeValue::S(id.to_owned());
        self.dynamodb.delete_item().table_name(&self.table).key("id", key).send().await?;
        Ok(())
    }

    fn update(&self, id: &str) -> UpdateItemFluentBuilder {
        self.dynamodb.update_item().table_name(&self.table).key("id", AttributeValue::S(id.to_owned()))
    }
}

/// `false`: the condition failed.
pub(crate) async fn if_condition_holds(request: UpdateItemFluentBuilder) -> Result<bool, Error> {
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn shown(item: &Item) -> Value {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let votes = item.get("votes").and_then(|votes| votes.as_m().ok()).into_iter().flatten();
    let votes: Map<_, _> = votes
        .filter_map(|(option, count)| Some((option.clone(), json!(count.as_n().ok()?.parse::<u64>().ok()?))))
        .collect();
    json!({ "id": text("id"), "question": text("question"), "votes": votes, "closed": item.contains_key("closed") })
}
