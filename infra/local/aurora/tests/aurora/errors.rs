//! Errors as the wire has them.

use std::io::ErrorKind;
use std::net::SocketAddr;

use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementError;
use local_aurora::data_api::Limits;
use local_template::model::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{DataApi, Refusal, cluster, parameter, refusal, refused, text};

#[tokio::test]
async fn an_sql_error_carries_its_position_and_state() {
    let api = DataApi::start().await;
    let refusal = refused(api.execute("SELECT * FROM nowhere")).await;
    assert_eq!(refusal.status, 400);
    assert_eq!(refusal.code, "DatabaseErrorException");
    assert_eq!(refusal.message, "ERROR: relation \"nowhere\" does not exist; Position: 15; SQLState: 42P01");
    let error = api.execute("SELECT * FROM nowhere").send().await.unwrap_err().into_service_error();
    assert!(matches!(error, ExecuteStatementError::DatabaseErrorException(_)), "{error:?}");
}

#[tokio::test]
async fn constraints_are_named() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE parent (id int PRIMARY KEY, n int NOT NULL CONSTRAINT positive CHECK (n > 0))").await;
    api.run("CREATE TABLE child (id int CONSTRAINT child_parent REFERENCES parent)").await;
    api.run("INSERT INTO parent VALUES (1, 1)").await;
    for (sql, message) in [
        (
            "INSERT INTO parent VALUES (1, 1)",
            "ERROR: duplicate key value violates unique constraint \"parent_pkey\"; SQLState: 23505",
        ),
        (
            "INSERT INTO child VALUES (2)",
            "ERROR: insert or update on table \"child\" violates foreign key constraint \"child_parent\"; SQLState: 23503",
        ),
        (
            "INSERT INTO parent VALUES (2, NULL)",
            "ERROR: null value in column \"n\" of relation \"parent\" violates not-null constraint; SQLState: 23502",
        ),
        (
            "INSERT INTO parent VALUES (2, 0)",
            "ERROR: new row for relation \"parent\" violates check constraint \"positive\"; SQLState: 23514",
        ),
        ("SELECT 1 / 0", "ERROR: division by zero; SQLState: 22012"),
    ] {
        let refusal = refused(api.execute(sql)).await;
        assert_eq!(refusal, Refusal { status: 400, code: "DatabaseErrorException".into(), message: message.into() });
    }
}

#[tokio::test]
async fn one_call_is_one_statement() {
    let api = DataApi::start().await;
    let refusal = refused(api.execute("SELECT 1; SELECT 2")).await;
    assert_eq!(
        refusal,
        Refusal {
            status: 400,
            code: "ValidationException".into(),
            message: "Multistatements aren't supported.".into()
        }
    );
    // A semicolon alone is no second statement.
    api.run("SELECT ';'; -- ;").await;
    let function = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END";
    api.run(function).await;
}

#[tokio::test]
async fn the_schema_parameter_is_refused() {
    let api = DataApi::start().await;
    let refusal = refused(api.execute("SELECT 1").schema("public")).await;
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("ValidationException", "The schema parameter isn't supported")
    );
}

#[tokio::test]
async fn cluster_secret_and_database_must_exist() {
    let api = DataApi::with_one_connection().await;
    let arn = "arn:aws:rds:us-east-1:000000000000:cluster:other";
    let refusal = refused(api.execute("SELECT 1").resource_arn(arn)).await;
    assert_eq!(refusal.code, "HttpEndpointNotEnabledException");
    assert_eq!(refusal.message, format!("HttpEndpoint is not enabled for resource {arn}"));

    let refusal = refused(api.execute("SELECT 1").secret_arn("arn:aws:secretsmanager:::secret:other")).await;
    assert_eq!(refusal.code, "SecretsErrorException");

    let refusal = refused(api.execute("SELECT 1").database("nowhere")).await;
    assert_eq!(refusal.code, "DatabaseErrorException");
    assert_eq!(refusal.message, "FATAL: database \"nowhere\" does not exist; SQLState: 3D000");

    let output = api.execute("SELECT current_database()::text").database("postgres").send().await.unwrap();
    assert_eq!(output.records(), [[text("postgres")]]);
    let output = api.run("SELECT current_database()::text").await;
    assert_eq!(output.records(), [[text(&api.cluster.database)]]);
}

#[tokio::test]
async fn clusters_share_nothing() {
    let other = cluster("other");
    let api = DataApi::with_clusters(Limits::default(), vec![cluster("local"), other.clone()]).await;
    let of_other = |sql| {
        let call = api.execute(sql);
        call.resource_arn(&other.arn).secret_arn(&other.secret_arn)
    };
    let output = of_other("SELECT current_database()::text").send().await.unwrap();
    assert_eq!(output.records(), [[text(&other.database)]]);

    let id = api.begin().await;
    let refusal = refused(of_other("SELECT 1").transaction_id(&id)).await;
    assert_eq!(refusal.code, "TransactionNotFoundException");
    let refusal = refused(api.execute("SELECT 1").secret_arn(&other.secret_arn)).await;
    assert_eq!(refusal.code, "SecretsErrorException");
    api.commit(&id).await.unwrap();
}

#[tokio::test]
async fn two_clusters_cannot_have_one_database() {
    let first = cluster("first");
    let second = Cluster { database: first.database.clone(), ..cluster("second") };
    let api = DataApi::with_clusters(Limits::default(), vec![first, second]).await;
    let error = api.serving.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn required_members_are_required() {
    let api = DataApi::start().await;
    let call = api.client.execute_statement().resource_arn(&api.cluster.arn).sql("SELECT 1");
    let refusal = refusal(call.send().await.unwrap_err());
    assert_eq!(refusal.code, "ValidationException");
    assert_eq!(
        refusal.message,
        "1 validation error detected: Value null at 'secretArn' failed to satisfy constraint: Member must not be null"
    );
}

#[tokio::test]
async fn other_routes_are_no_operations() {
    let api = DataApi::start().await;
    for (line, body, status, error) in [
        ("POST /Nothing", "{}", "404", "UnknownOperationException"),
        ("GET /Execute", "", "404", "UnknownOperationException"),
        ("POST /ExecuteSql", "{}", "400", "BadRequestException"),
        ("POST /Execute", "{", "400", "SerializationException"),
    ] {
        let answer = raw(api.address, line, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains(&format!("\r\nx-amzn-errortype: {error}\r\n")), "{answer}");
    }
}

/// Sends a request that AWS's client cannot send.
async fn raw(address: SocketAddr, line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (length, authorization) = (body.len(), local_aws::admission::authorization("rds-data"));
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: {authorization}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_error_leaves_nothing_behind() {
    let api = DataApi::with_one_connection().await;
    for _ in 0..3 {
        refused(api.execute("SELECT 1 / 0")).await;
        let output = api.execute("SELECT :a").parameters(parameter("a", text("b"))).send().await.unwrap();
        assert_eq!(output.records(), [[text("b")]]);
    }
}

#[tokio::test]
async fn statements_that_the_protocol_cannot_carry_are_refused_as_such() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int)").await;
    for (sql, message) in [
        ("SELECT '\0'", "SQLState: 22021"),
        ("COPY t FROM STDIN", "SQLState: 0A000"),
        ("-- a\rcopy (SELECT 1) TO stdout", "SQLState: 0A000"),
        ("COPY t FROM '/nowhere'", "SQLState: 58P01"),
    ] {
        let refusal = refused(api.execute(sql)).await;
        assert_eq!((refusal.status, &*refusal.code), (400, "DatabaseErrorException"), "{sql:?}: {refusal:?}");
        assert!(refusal.message.ends_with(message), "{sql:?}: {refusal:?}");
    }
    let nul = refused(api.execute("SELECT :a").parameters(parameter("a", text("\0")))).await;
    assert!(nul.message.ends_with("SQLState: 22021"), "{nul:?}");
    let database = refused(api.execute("SELECT 1").database("a\0b")).await;
    assert_eq!(database.code, "BadRequestException", "{database:?}");
    let long = refused(api.execute(&format!("SELECT '{}'", "é".repeat(65_536)))).await;
    assert_eq!(long.code, "ValidationException", "{long:?}");
    api.run(&format!("SELECT length('{}')", "é".repeat(65_000))).await;
}
