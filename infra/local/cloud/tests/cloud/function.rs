//! A function without dependencies, so that a test builds it in a second: speaks the Runtime API by hand.
//!
//! To a custom resource's event it answers at `ResponseURL` what the property `Answer` asks for; a message of a queue,
//! or the name of another event, it appends to the file `RECEIVED`; to anything else it replies with its variables `GREETING` and `AWS_REGION`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn main() {
    let runtime = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    loop {
        let (head, event) = http(&runtime, "GET", "/2018-06-01/runtime/invocation/next", "");
        let id = head
            .lines()
            .find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("lambda-runtime-aws-request-id:")
                    .map(|id| id.trim().to_owned())
            })
            .unwrap();
        let reply = handle(&event);
        http(
            &runtime,
            "POST",
            &format!("/2018-06-01/runtime/invocation/{id}/response"),
            &reply,
        );
    }
}

fn handle(event: &str) -> String {
    if let Some(url) = field(event, "ResponseURL") {
        answer(event, url);
        return "null".to_owned();
    }
    if event.contains("eventSource") {
        let what = field(event, "body").or(field(event, "eventName")).unwrap();
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(std::env::var("RECEIVED").unwrap())
            .unwrap();
        writeln!(file, "{what}").unwrap();
        return "{}".to_owned();
    }
    let variable = |name| std::env::var(name).unwrap_or_default();
    format!(
        r#"{{"statusCode":200,"body":"{} from {}"}}"#,
        variable("GREETING"),
        variable("AWS_REGION")
    )
}

fn answer(event: &str, url: &str) {
    let outcome = match field(event, "Answer").unwrap_or("good") {
        "good" => r#""Status":"SUCCESS","PhysicalResourceId":"thing-1","Data":{"Colour":"blue"}"#,
        "bad" => r#""Status":"FAILED","Reason":"the moon was full""#,
        _ => return,
    };
    let ids = ["StackId", "RequestId", "LogicalResourceId"]
        .map(|key| format!(r#","{key}":"{}""#, field(event, key).unwrap()));
    let address = url.strip_prefix("http://").unwrap();
    let (host, path) = address.split_once('/').unwrap();
    http(
        host,
        "PUT",
        &format!("/{path}"),
        &format!("{{{outcome}{}}}", ids.concat()),
    );
}

/// The text of a field, wherever it is; good enough for values without escapes.
fn field<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{key}\":\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn http(host: &str, method: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}
