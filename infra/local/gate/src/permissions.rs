//! The permissions that a request needs.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use local_aws::call::{Owner, table_name};
use local_aws::{ACCOUNT, Call, Permission, REGION, Service};
use serde_json::{Map, Value};

/// Returns all permissions that a request needs, of each table, index, queue, cluster and secret that it touches.
pub(crate) fn needed(call: &Call) -> Vec<Permission> {
    match call.service {
        Service::Dynamodb => dynamodb(call),
        Service::Sqs => sqs(call),
        Service::RdsData => rds_data(call),
        Service::Scheduler => scheduler(call),
        Service::Apigatewaymanagementapi => connections(call),
        Service::Opensearch => search(call),
    }
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

fn table(name: &str) -> String {
    arn("dynamodb", &format!("table/{name}"))
}

/// A transaction needs the permissions of its parts, and a query of an index is one of the index.
fn dynamodb(call: &Call) -> Vec<Permission> {
    let action = |operation: &str| format!("dynamodb:{operation}");
    if let Some(parts) = call.input["TransactItems"].as_array() {
        let parts = parts.iter().filter_map(Value::as_object).flat_map(Map::iter);
        let part = |(kind, part): (&String, &Value)| {
            let operation = if kind == "ConditionCheck" { "ConditionCheckItem" } else { &format!("{kind}Item") };
            Some(Permission::new(action(operation), table(table_name(part["TableName"].as_str()?))))
        };
        return parts.filter_map(part).collect();
    }
    let statements = [&call.input["Statements"], &call.input["TransactStatements"]];
    let statements = statements.into_iter().filter_map(Value::as_array).flatten().chain([&call.input]);
    let statements: Vec<_> = statements.filter_map(|part| part["Statement"].as_str()).map(partiql).collect();
    if !statements.is_empty() {
        return statements;
    }
    let name = action(&call.operation);
    if let Some(stream) = call.input["StreamArn"].as_str() {
        return vec![Permission::new(name, stream)];
    }
    if call.resources.is_empty() {
        return vec![Permission::new(name, table("*"))];
    }
    let index = call.input["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
    call.resources.iter().map(|name_of| Permission::new(&name, table(name_of) + &index)).collect()
}

/// A statement of PartiQL needs an action of its own: `SELECT … FROM "table"."index"`, `INSERT INTO "table"`, `UPDATE "table"`,
/// `DELETE FROM "table"`.
fn partiql(statement: &str) -> Permission {
    let mut words = statement.split_whitespace();
    let verb = words.next().unwrap_or_default().to_ascii_lowercase();
    let (action, before) = match verb.as_str() {
        "insert" => ("PartiQLInsert", Some("into")),
        "update" => ("PartiQLUpdate", None),
        "delete" => ("PartiQLDelete", Some("from")),
        _ => ("PartiQLSelect", Some("from")),
    };
    if let Some(before) = before {
        words.find(|word| word.eq_ignore_ascii_case(before));
    }
    let path: Vec<_> = words.next().unwrap_or("*").split('.').map(|name| name.trim_matches('"')).collect();
    let resource = match path[..] {
        [name, index] => format!("{}/index/{index}", table(name)),
        _ => table(path[0]),
    };
    Permission::new(format!("dynamodb:{action}"), resource)
}

/// A batch needs what one message needs.
fn sqs(call: &Call) -> Vec<Permission> {
    let action = format!("sqs:{}", call.operation.strip_suffix("Batch").unwrap_or(&call.operation));
    match call.resources.as_slice() {
        [] => vec![Permission::new(action, arn("sqs", "*"))],
        queues => queues.iter().map(|queue| Permission::new(&action, arn("sqs", queue))).collect(),
    }
}

/// The Data API reads the secret with the rights of its caller.
fn rds_data(call: &Call) -> Vec<Permission> {
    let cluster = call.resources.first().map_or("*", String::as_str);
    let statement = Permission::new(format!("rds-data:{}", call.operation), cluster);
    let secret = call.input["secretArn"].as_str();
    [statement].into_iter().chain(secret.map(|secret| Permission::new(GET_SECRET, secret))).collect()
}

/// The action that a request to the Data API needs besides its own.
pub(crate) const GET_SECRET: &str = "secretsmanager:GetSecretValue";

/// A schedule is a resource below its group, and its role is handed on.
fn scheduler(call: &Call) -> Vec<Permission> {
    let action = format!("scheduler:{}", call.operation);
    let name = call.schedule.as_deref().unwrap_or("*");
    let schedules = call.resources.iter();
    let mut needed: Vec<_> = schedules
        .map(|group| Permission::new(&action, arn("scheduler", &format!("schedule/{group}/{name}"))))
        .collect();
    needed.extend(call.input["Target"]["RoleArn"].as_str().map(|role| Permission::new("iam:PassRole", role)));
    needed
}

fn connections(call: &Call) -> Vec<Permission> {
    let method = match call.operation.as_str() {
        "PostToConnection" => "POST",
        "DeleteConnection" => "DELETE",
        _ => "GET",
    };
    let api = match &call.owner {
        Some(Owner::Api(api)) => api.as_str(),
        _ => "",
    };
    let connection = call.resources.first().map_or("", String::as_str);
    let resource = arn("execute-api", &format!("{api}/{method}/@connections/{connection}"));
    vec![Permission::new("execute-api:ManageConnections", resource)]
}

/// Every request to a collection needs one permission; the policies of data access tell them apart. One to a domain needs its method on
/// its path: the index that it names there is in the path, and one that a body names is not looked at.
fn search(call: &Call) -> Vec<Permission> {
    match &call.owner {
        Some(Owner::Domain { arn }) => {
            let method = call.method.as_str();
            let (first, rest) = method.split_at(1.min(method.len()));
            let action = format!("es:ESHttp{first}{}", rest.to_ascii_lowercase());
            vec![Permission::new(action, format!("{arn}{}", call.path))]
        }
        Some(Owner::Collection { arn, .. }) => vec![Permission::new("aoss:APIAccessAll", arn)],
        _ => vec![Permission::new("aoss:APIAccessAll", arn("aoss", "collection/*"))],
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use local_aws::Caller;
    use serde_json::json;

    use super::*;

    fn of(service: Service, target: &str, path: &str, body: &Value) -> Vec<(String, String)> {
        let request = Request::post(path).header("x-amz-target", target).body(()).unwrap();
        let caller = Caller::Developer { name: String::new() };
        let mut call = Call::read(service, &request.into_parts().0, body.to_string().as_bytes(), &caller);
        call.owner = Some(Owner::Api("Api/prod".to_owned()));
        needed(&call).into_iter().map(|needed| (needed.action, needed.resource)).collect()
    }

    fn of_table(operation: &str, body: &Value) -> Vec<(String, String)> {
        of(Service::Dynamodb, &format!("DynamoDB_20120810.{operation}"), "/", body)
    }

    fn tables(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let arn = |table: &str| format!("arn:aws:dynamodb:us-east-1:000000000000:table/{table}");
        expected.iter().map(|(action, table)| (format!("dynamodb:{action}"), arn(table))).collect()
    }

    #[test]
    fn a_domain_asks_for_the_method_and_the_path() {
        let arn = "arn:aws:es:us-east-1:000000000000:domain/texts";
        for (method, path, action, resource) in [
            ("POST", "/notes/_search?size=1", "es:ESHttpPost", "/notes/_search"),
            ("HEAD", "/_alias/all", "es:ESHttpHead", "/_alias/all"),
            ("DELETE", "/notes", "es:ESHttpDelete", "/notes"),
        ] {
            let head = Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0;
            let caller = Caller::Developer { name: String::new() };
            let owner = Some(Owner::Domain { arn: arn.to_owned() });
            let call = Call { owner, ..Call::read(Service::Opensearch, &head, b"", &caller) };
            assert_eq!(needed(&call), [Permission::new(action, format!("{arn}{resource}"))]);
        }
    }

    #[test]
    fn a_transaction_needs_the_permissions_of_its_parts() {
        let body = json!({"TransactItems": [{"Put": {"TableName": "a"}}, {"ConditionCheck": {"TableName": "b"}}]});
        let expected = tables(&[("PutItem", "a"), ("ConditionCheckItem", "b")]);
        assert_eq!(of_table("TransactWriteItems", &body), expected);
        let body = json!({"TransactItems": [{"Get": {"TableName": "a"}}]});
        assert_eq!(of_table("TransactGetItems", &body), tables(&[("GetItem", "a")]));
    }

    #[test]
    fn an_index_is_a_resource_and_a_batch_is_its_tables() {
        let query = json!({"TableName": "a", "IndexName": "by_user"});
        assert_eq!(of_table("Query", &query), tables(&[("Query", "a/index/by_user")]));
        let by_arn = json!({"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/a"});
        assert_eq!(of_table("GetItem", &by_arn), tables(&[("GetItem", "a")]));
        let batch = json!({"RequestItems": {"a": {"Keys": []}, "b": {"Keys": []}}});
        assert_eq!(of_table("BatchGetItem", &batch), tables(&[("BatchGetItem", "a"), ("BatchGetItem", "b")]));
        assert_eq!(of_table("ListTables", &json!({})), tables(&[("ListTables", "*")]));
    }

    #[test]
    fn statements_of_partiql_have_actions_of_their_own() {
        let select = json!({"Statement": "select * FROM \"a\".\"by_user\" where x = 1"});
        assert_eq!(of_table("ExecuteStatement", &select), tables(&[("PartiQLSelect", "a/index/by_user")]));
        let statements = ["UPDATE a SET x = 1", "INSERT INTO \"b\" VALUE {}", "DELETE FROM c WHERE x = 1"];
        let batch = json!({"Statements": statements.map(|statement| json!({"Statement": statement}))});
        let expected = tables(&[("PartiQLUpdate", "a"), ("PartiQLInsert", "b"), ("PartiQLDelete", "c")]);
        assert_eq!(of_table("BatchExecuteStatement", &batch), expected);
    }

    #[test]
    fn a_batch_of_messages_needs_what_one_needs() {
        let body = json!({"QueueUrl": "http://127.0.0.1:1/000000000000/work"});
        let expected = ("sqs:SendMessage".to_owned(), "arn:aws:sqs:us-east-1:000000000000:work".to_owned());
        assert_eq!(of(Service::Sqs, "AmazonSQS.SendMessageBatch", "/", &body), [expected]);
    }

    #[test]
    fn a_statement_of_sql_needs_its_secret_too() {
        let body = json!({"resourceArn": "cluster", "secretArn": "secret"});
        let pair = |action: &str, resource: &str| (action.to_owned(), resource.to_owned());
        let expected = [pair("rds-data:ExecuteStatement", "cluster"), pair(GET_SECRET, "secret")];
        assert_eq!(of(Service::RdsData, "", "/Execute", &body), expected);
    }

    #[test]
    fn a_connection_is_a_resource_of_its_api() {
        let resource = "arn:aws:execute-api:us-east-1:000000000000:Api/prod/POST/@connections/abc=";
        let expected = ("execute-api:ManageConnections".to_owned(), resource.to_owned());
        let found = of(Service::Apigatewaymanagementapi, "", "/prod/@connections/abc%3D", &Value::Null);
        assert_eq!(found, [expected]);
    }
}
