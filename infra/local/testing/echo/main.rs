//! A Lambda function that does as its event says: what the tests of `lambda` and `sqs` invoke.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use local_aws::{Credentials, signature};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Invocations of this process so far.
static COUNT: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> Result<(), Error> {
    println!("starting");
    match std::env::var("INIT").as_deref() {
        Ok("exit") => std::process::exit(7),
        Ok("report") => {
            report_init_error().await?;
            std::process::exit(1);
        }
        Ok("slow") => tokio::time::sleep(Duration::from_millis(300)).await,
        Ok("hang") => std::future::pending().await,
        _ => {}
    }
    let ended = run_concurrent(service_fn(handle)).await;
    if std::env::var_os("LINGER").is_some() {
        std::future::pending::<()>().await;
    }
    ended
}

/// Reports an init error, as a runtime does that cannot load its handler.
async fn report_init_error() -> Result<(), Error> {
    let body = json!({ "errorType": "Runtime.NoConfig", "errorMessage": "no table" }).to_string();
    match post("init/error", &body).await? {
        (202, _) => Ok(()),
        (status, body) => Err(format!("{status} {body}").into()),
    }
}

/// One request to the Runtime API, past `lambda_runtime`: status and body of the answer.
async fn post(path: &str, body: &str) -> Result<(u16, String), Error> {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    let mut connection = TcpStream::connect(&host).await?;
    let length = body.len();
    let request = format!(
        "POST /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP answer")?;
    let status = head.split(' ').nth(1).ok_or("no status")?;
    Ok((status.parse()?, body.to_owned()))
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    match event["do"].as_str() {
        Some("error") => return Err(Error::from("told to fail")),
        Some("panic") => panic!("told to panic"),
        Some("exit") => std::process::exit(1),
        Some("abort") => std::process::abort(),
        Some("hang") => std::future::pending().await,
        Some("slow") => sleep(&event).await,
        Some("touch") => {
            sleep(&event).await;
            std::fs::write(event["file"].as_str().unwrap_or_default(), b"")?;
        }
        Some("big") => {
            return Ok(Value::String("x".repeat(usize::try_from(event["bytes"].as_u64().unwrap_or_default())?)));
        }
        Some("status") => {
            let stat = std::fs::read_to_string("/proc/self/stat")?;
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').next());
            return Ok(json!({ "state": state }));
        }
        Some("later") => {
            let file = event["file"].as_str().unwrap_or_default().to_owned();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(250)).await;
                std::fs::write(file, b"")
            });
        }
        Some("log") => {
            println!("to stdout");
            eprintln!("to stderr");
            std::io::stdout().write_all(b"no newline \xff")?;
            std::io::stdout().flush()?;
        }
        Some("say") => {
            println!("{}", json!({ "request_id": context.request_id, "text": event["text"] }));
            sleep(&event).await;
        }
        Some("env") => return Ok(json!(std::env::vars().collect::<BTreeMap<_, _>>())),
        Some("put") => return put(&event).await,
        Some("wrong-id") => return wrong_ids(&context.request_id).await,
        Some("reply") => return Ok(event["with"].clone()),
        _ => {}
    }
    if let Ok(folder) = std::env::var("BATCHES") {
        return record_batch(&folder, &event);
    }
    Ok(json!({
        "event": event,
        "pid": std::process::id(),
        "count": count,
        "request_id": context.request_id,
        "deadline_ms": context.deadline,
        "arn": context.invoked_function_arn,
        "trace": context.xray_trace_id,
        "trace_env": std::env::var("_X_AMZN_TRACE_ID").ok(),
    }))
}

/// Sends the event's `request` to DynamoDB's `PutItem`; gives status and body.
async fn put(event: &Value) -> Result<Value, Error> {
    let variable = |name| std::env::var(name);
    let endpoint = variable("AWS_ENDPOINT_URL_DYNAMODB")?;
    let credentials = Credentials {
        access_key: variable("AWS_ACCESS_KEY_ID")?,
        secret_key: variable("AWS_SECRET_ACCESS_KEY")?,
        session_token: Some(variable("AWS_SESSION_TOKEN")?),
    };
    let request = Request::post(format!("{endpoint}/"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.PutItem");
    let mut request = request.body(event["request"].to_string())?;
    signature::sign(&credentials, "dynamodb", &mut request);
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| Ok(format!("{name}: {}", value.to_str()?)));
    let headers = headers.collect::<Result<Vec<_>, Error>>()?.join("\r\n");
    let (length, body) = (request.body().len(), request.body());
    let text = format!("POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n\r\n{body}");
    let mut connection = TcpStream::connect(endpoint.trim_start_matches("http://")).await?;
    connection.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(json!({ "status": answer.split(' ').nth(1), "body": answer.split("\r\n\r\n").nth(1) }))
}

async fn sleep(event: &Value) {
    tokio::time::sleep(Duration::from_millis(event["ms"].as_u64().unwrap_or_default())).await;
}

/// Writes an SQS event to a file of its own and answers as the first body that holds a `reply` says.
fn record_batch(folder: &str, event: &Value) -> Result<Value, Error> {
    let path = format!("{folder}/{}-{}.json", std::process::id(), COUNT.load(Ordering::Relaxed));
    let partial = format!("{path}.partial");
    std::fs::write(&partial, event.to_string())?;
    std::fs::rename(partial, path)?;
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    let orders =
        records.iter().map(|record| (record["messageId"].clone(), record["body"].as_str().unwrap_or_default()));
    let mut failures = Vec::new();
    for (id, body) in orders {
        match body.split_once(' ').map_or(body, |(order, _)| order) {
            "fail-batch" => return Err(Error::from("told to fail")),
            "fail" => failures.push(json!({ "itemIdentifier": id })),
            "unknown-id" => failures.push(json!({ "itemIdentifier": "nobody" })),
            "null-id" => failures.push(json!({ "itemIdentifier": null })),
            "malformed" => return Ok(json!({ "batchItemFailures": 7 })),
            _ => {}
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

/// Replies to invocations that are not its own; gives the answers.
async fn wrong_ids(own: &str) -> Result<Value, Error> {
    let mut answers = Vec::new();
    for path in
        ["invocation/nobody/response", "invocation/nobody/error", "init/error", &format!("invocation/{own}/none")]
    {
        let (status, body) = post(path, "{}").await?;
        answers.push(json!({ "status": status, "body": body }));
    }
    Ok(json!(answers))
}
