//! A request's operation, resource and caller.

use std::fmt;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::Caller;
use super::search_request;

/// An AWS service behind the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// DynamoDB and its streams.
    Dynamodb,
    /// SQS and its JSON protocol.
    Sqs,
    /// The RDS Data API.
    RdsData,
    /// The API Gateway Management API: `@connections`.
    Apigatewaymanagementapi,
    /// EventBridge Scheduler, for one-time schedules.
    Scheduler,
    /// A collection of OpenSearch Serverless.
    Opensearch,
}

impl Service {
    /// Returns the names for which requests are signed, of which any will do.
    pub fn signing_names(self) -> &'static [&'static str] {
        match self {
            Self::Dynamodb => &["dynamodb"],
            Self::Sqs => &["sqs"],
            Self::RdsData => &["rds-data"],
            Self::Apigatewaymanagementapi => &["execute-api"],
            Self::Scheduler => &["scheduler"],
            // Collections, and domains, in whose place one may stand.
            Self::Opensearch => &["aoss", "es"],
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dynamodb => "dynamodb",
            Self::Sqs => "sqs",
            Self::RdsData => "rds-data",
            Self::Apigatewaymanagementapi => "apigatewaymanagementapi",
            Self::Scheduler => "scheduler",
            Self::Opensearch => "opensearch",
        })
    }
}

/// The owner of a request's resources, where the request alone does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The API of a connection: its id and stage, as `<id>/<stage>`.
    Api(String),
    /// The collection of indices.
    Collection {
        /// ARN of the collection.
        arn: String,
        /// Name of the collection.
        name: String,
    },
    /// The domain of indices.
    Domain {
        /// ARN of the domain.
        arn: String,
    },
}

/// One request, as far as the gate has to know it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service that is called.
    pub service: Service,
    /// `POST` and the like.
    pub method: Method,
    /// The path as it was sent, percent-encoded and without parameters.
    pub path: String,
    /// As AWS names it: `PutItem`, `SendMessage`, `ExecuteStatement`, `PostToConnection`.
    pub operation: String,
    /// Names of its tables, its queue or its indices, the id of its connection, or the group of its schedule.
    pub resources: Vec<String>,
    /// The owner of a connection or of indices.
    pub owner: Option<Owner>,
    /// Name of a schedule.
    pub schedule: Option<String>,
    /// Name of the caller; a function's is its logical id.
    pub caller: String,
    /// Id of the instance, if the caller is a function.
    pub instance: Option<String>,
    /// DynamoDB: whether it reads and is content with an earlier state.
    pub eventually_consistent: bool,
    /// Its body, where it is JSON, as in all services but `@connections` and in OpenSearch's bulk requests.
    pub input: Value,
}

impl Call {
    /// Reads operation and resources from a request.
    pub fn read(service: Service, head: &Parts, body: &[u8], caller: &Caller) -> Self {
        // The service itself answers invalid JSON with its error.
        let input = match service {
            Service::Apigatewaymanagementapi => Value::Null,
            _ => serde_json::from_slice(body).unwrap_or_default(),
        };
        let operation = operation(service, head);
        Self {
            service,
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            resources: match service {
                Service::Opensearch => search_request::indices(head, body),
                _ => resources(service, head, &input),
            },
            owner: None,
            schedule: head
                .uri
                .path()
                .strip_prefix("/schedules/")
                .filter(|_| service == Service::Scheduler)
                .map(str::to_owned),
            caller: caller.name().to_owned(),
            instance: caller.instance().map(str::to_owned),
            eventually_consistent: service == Service::Dynamodb && is_eventually_consistent(&operation, &input),
            operation,
            input,
        }
    }
}

fn operation(service: Service, head: &Parts) -> String {
    let path = head.uri.path();
    let name = match service {
        Service::Dynamodb | Service::Sqs => {
            header(&head.headers, "x-amz-target").and_then(|target| target.rsplit('.').next())
        }
        Service::RdsData => Some(match path {
            "/Execute" => "ExecuteStatement",
            "/BatchExecute" => "BatchExecuteStatement",
            _ => path.trim_start_matches('/'),
        }),
        Service::Apigatewaymanagementapi => match head.method {
            Method::POST => Some("PostToConnection"),
            Method::GET => Some("GetConnection"),
            Method::DELETE => Some("DeleteConnection"),
            _ => None,
        },
        Service::Opensearch => Some(search_request::operation(head)),
        Service::Scheduler => match head.method {
            Method::POST => Some("CreateSchedule"),
            Method::GET if path == "/schedules" => Some("ListSchedules"),
            Method::GET => Some("GetSchedule"),
            Method::DELETE => Some("DeleteSchedule"),
            _ => None,
        },
    };
    name.unwrap_or("Unknown").to_owned()
}

fn resources(service: Service, head: &Parts, input: &Value) -> Vec<String> {
    match service {
        Service::Dynamodb => tables(input),
        Service::Sqs => {
            let url = input["QueueUrl"].as_str().or(input["QueueName"].as_str()).unwrap_or_default();
            url.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned).into_iter().collect()
        }
        Service::RdsData => input["resourceArn"].as_str().map(str::to_owned).into_iter().collect(),
        Service::Scheduler => vec![schedule_group(head, input).unwrap_or_else(|| "default".to_owned())],
        // Read from the body as well.
        Service::Opensearch => Vec::new(),
        Service::Apigatewaymanagementapi => {
            let id = head.uri.path().rsplit('/').next().unwrap_or_default();
            vec![percent_decode_str(id).decode_utf8_lossy().into_owned()]
        }
    }
}

/// The group of a schedule: in the body of a creation, else in the query.
fn schedule_group(head: &Parts, input: &Value) -> Option<String> {
    let in_body = input["GroupName"].as_str().map(str::to_owned);
    in_body.or_else(|| {
        let mut parameters = head.uri.query()?.split('&');
        parameters
            .find_map(|part| part.strip_prefix("groupName=").or(part.strip_prefix("ScheduleGroup=")))
            .map(str::to_owned)
    })
}

/// The tables of a request, each once: of a batch they are the keys of `RequestItems`, of a transaction each action has
/// one.
fn tables(input: &Value) -> Vec<String> {
    let own = input["TableName"].as_str();
    let batch = input["RequestItems"].as_object().into_iter().flat_map(|tables| tables.keys().map(String::as_str));
    let actions = input["TransactItems"].as_array().into_iter().flatten();
    let actions = actions.filter_map(|item| item.as_object()?.values().next()?["TableName"].as_str());
    let mut tables: Vec<_> = own.into_iter().chain(batch).chain(actions).map(table_name).map(str::to_owned).collect();
    tables.sort();
    tables.dedup();
    tables
}

/// A table's name from what names it in a request, which may be its ARN.
pub fn table_name(name_or_arn: &str) -> &str {
    match name_or_arn.split_once(":table/") {
        Some((_, rest)) => rest.split('/').next().unwrap_or(rest),
        None => name_or_arn,
    }
}

/// A batch counts as consistent as soon as one of its tables asks for that. Reads of global indexes never are, whatever
/// they ask: DynamoDB refuses `ConsistentRead` there.
fn is_eventually_consistent(operation: &str, input: &Value) -> bool {
    let consistent = |request: &Value| request["ConsistentRead"].as_bool().unwrap_or_default();
    match operation {
        "GetItem" | "Query" | "Scan" => !consistent(input),
        "BatchGetItem" => input["RequestItems"].as_object().is_some_and(|tables| !tables.values().any(consistent)),
        _ => false,
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(service: Service, target: &str, path: &str, body: &Value) -> Call {
        let request = axum::http::Request::post(path).header("x-amz-target", target);
        let caller = Caller::Developer { name: "Send".to_owned() };
        Call::read(service, &request.body(()).unwrap().into_parts().0, body.to_string().as_bytes(), &caller)
    }

    #[test]
    fn a_request_says_what_it_asks_for_and_who_asks() {
        let put = json!({"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/log", "Item": {}});
        let put = call(Service::Dynamodb, "DynamoDB_20120810.PutItem", "/", &put);
        assert_eq!((put.operation.as_str(), put.caller.as_str()), ("PutItem", "Send"));
        assert_eq!(put.resources, ["log"]);

        let send = json!({"QueueUrl": "http://127.0.0.1:1/000000000000/work"});
        assert_eq!(call(Service::Sqs, "AmazonSQS.SendMessage", "/", &send).resources, ["work"]);
        let post = call(Service::Apigatewaymanagementapi, "", "/prod/@connections/abc%3D", &Value::Null);
        assert_eq!((post.operation.as_str(), post.resources), ("PostToConnection", vec!["abc=".to_owned()]));
        assert_eq!(call(Service::RdsData, "", "/Execute", &json!({})).operation, "ExecuteStatement");
        let schedule = call(Service::Scheduler, "", "/schedules/a", &json!({"GroupName": "later"}));
        assert_eq!((schedule.operation.as_str(), schedule.resources), ("CreateSchedule", vec!["later".to_owned()]));
    }

    #[test]
    fn batches_and_transactions_name_several_tables() {
        let batch = json!({"RequestItems": {"b": {}, "a": {}}});
        assert_eq!(tables(&batch), ["a", "b"]);
        let transaction = json!({"TransactItems": [{"Put": {"TableName": "a"}}, {"Update": {"TableName": "a"}}]});
        assert_eq!(tables(&transaction), ["a"]);
    }

    #[test]
    fn only_reads_that_allow_it_are_eventually_consistent() {
        assert!(is_eventually_consistent("Query", &json!({})));
        assert!(!is_eventually_consistent("Query", &json!({"ConsistentRead": true})));
        assert!(!is_eventually_consistent("TransactGetItems", &json!({})));
        let mixed = json!({"RequestItems": {"a": {"ConsistentRead": true}, "b": {}}});
        assert!(!is_eventually_consistent("BatchGetItem", &mixed));
    }
}
