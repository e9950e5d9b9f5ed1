//! The permissions that the requests of functions need, as IAM names them.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use local_aws::call::table_name;
use local_aws::{Call, Service};
use serde_json::{Map, Value};

/// An action on a resource that a function's policies have to allow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Permission {
    /// IAM action, for example `dynamodb:Query`.
    action: String,
    /// Name of a table (`<name>` or `<name>/index/<index>`) or queue, ARN of a cluster, or `<METHOD>/@connections`.
    resource: String,
}

/// A file with the permissions that functions have needed: a JSON object a line, each once.
#[derive(Debug)]
pub struct PermissionLog {
    file: Mutex<File>,
    seen: Mutex<HashSet<(String, Permission)>>,
}

impl PermissionLog {
    /// Appends to a file, which several clouds may share.
    pub fn append_to(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Mutex::new(file), seen: Mutex::default() })
    }

    /// Records what a function's request needs.
    pub(crate) fn record(&self, function: &str, call: &Call) {
        for permission in needed(call) {
            let seen = (function.to_owned(), permission.clone());
            if !self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(seen) {
                continue;
            }
            let Permission { action, resource } = permission;
            let line = serde_json::json!({"function": function, "action": action, "resource": resource});
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            // One write a line, so that the lines of several processes do not mix.
            if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
                tracing::warn!(function, %error, "a permission was not recorded");
            }
        }
    }
}

fn needed(call: &Call) -> Vec<Permission> {
    let permission = |action: String, resource: &str| Permission { action, resource: resource.to_owned() };
    match call.service {
        Service::Dynamodb => dynamodb(call),
        Service::Sqs => {
            let action = call.operation.strip_suffix("Batch").unwrap_or(&call.operation);
            call.resources.iter().map(|queue| permission(format!("sqs:{action}"), queue)).collect()
        }
        Service::RdsData => {
            let action = format!("rds-data:{}", call.operation);
            call.resources.iter().map(|cluster| permission(action.clone(), cluster)).collect()
        }
        Service::Scheduler => {
            let action = format!("scheduler:{}", call.operation);
            let mut needed: Vec<_> = call.resources.iter().map(|group| permission(action.clone(), group)).collect();
            if let Some(role) = call.input["Target"]["RoleArn"].as_str() {
                needed.push(permission("iam:PassRole".to_owned(), role));
            }
            needed
        }
        Service::Apigatewaymanagementapi => {
            let method = match call.operation.as_str() {
                "PostToConnection" => "POST",
                "DeleteConnection" => "DELETE",
                _ => "GET",
            };
            vec![permission("execute-api:ManageConnections".to_owned(), &format!("{method}/@connections"))]
        }
    }
}

/// A transaction needs the permissions of its parts, and a query of an index is one of the index.
fn dynamodb(call: &Call) -> Vec<Permission> {
    let permission = |action: &str, table: &str| Permission {
        action: format!("dynamodb:{action}"),
        resource: table_name(table).to_owned(),
    };
    if let Some(parts) = call.input["TransactItems"].as_array() {
        let parts = parts.iter().filter_map(Value::as_object).flat_map(Map::iter);
        let part = |(kind, part): (&String, &Value)| {
            let action = if kind == "ConditionCheck" { "ConditionCheckItem" } else { &format!("{kind}Item") };
            Some(permission(action, part["TableName"].as_str()?))
        };
        return parts.filter_map(part).collect();
    }
    if let Some(index) = call.input["IndexName"].as_str() {
        let index = |table: &String| permission(&call.operation, &format!("{table}/index/{index}"));
        return call.resources.iter().map(index).collect();
    }
    call.resources.iter().map(|table| permission(&call.operation, table)).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde_json::json;

    use super::*;

    fn of(service: Service, target: &str, body: &Value) -> Vec<(String, String)> {
        let request = Request::post("/stage/@connections/abc").header("x-amz-target", target).body(()).unwrap();
        let call = Call::read(service, &request.into_parts().0, body.to_string().as_bytes());
        needed(&call).into_iter().map(|needed| (needed.action, needed.resource)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(action, resource)| ((*action).to_owned(), (*resource).to_owned())).collect()
    }

    #[test]
    fn a_transaction_needs_the_permissions_of_its_parts() {
        let body = json!({"TransactItems": [{"Put": {"TableName": "a"}}, {"ConditionCheck": {"TableName": "b"}}]});
        let expected = pairs(&[("dynamodb:PutItem", "a"), ("dynamodb:ConditionCheckItem", "b")]);
        assert_eq!(of(Service::Dynamodb, "DynamoDB_20120810.TransactWriteItems", &body), expected);
        let body = json!({"TransactItems": [{"Get": {"TableName": "a"}}]});
        let expected = pairs(&[("dynamodb:GetItem", "a")]);
        assert_eq!(of(Service::Dynamodb, "DynamoDB_20120810.TransactGetItems", &body), expected);
    }

    #[test]
    fn an_index_is_a_resource_and_a_batch_is_its_tables() {
        let query = json!({"TableName": "a", "IndexName": "by_user"});
        let expected = pairs(&[("dynamodb:Query", "a/index/by_user")]);
        assert_eq!(of(Service::Dynamodb, "DynamoDB_20120810.Query", &query), expected);
        let batch = json!({"RequestItems": {"a": {"Keys": []}, "b": {"Keys": []}}});
        let expected = pairs(&[("dynamodb:BatchGetItem", "a"), ("dynamodb:BatchGetItem", "b")]);
        assert_eq!(of(Service::Dynamodb, "DynamoDB_20120810.BatchGetItem", &batch), expected);
    }

    #[test]
    fn a_batch_of_messages_needs_what_one_needs() {
        let body = json!({"QueueUrl": "http://127.0.0.1:1/000000000000/work"});
        let expected = pairs(&[("sqs:SendMessage", "work")]);
        assert_eq!(of(Service::Sqs, "AmazonSQS.SendMessageBatch", &body), expected);
        let expected = pairs(&[("execute-api:ManageConnections", "POST/@connections")]);
        assert_eq!(of(Service::Apigatewaymanagementapi, "", &Value::Null), expected);
    }
}
