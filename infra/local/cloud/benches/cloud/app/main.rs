//! An echo, so small that what is measured around it is all the cloud's: speaks the Runtime API by hand, over one
//! connection.
//!
//! Answers with the event's `body`, after the connection's id where the event comes from a WebSocket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

const RUNTIME: &str = "/2018-06-01/runtime/invocation";

fn main() {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let stream = TcpStream::connect(&host).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut connection = BufReader::new(stream);
    loop {
        let next = format!("GET {RUNTIME}/next HTTP/1.1\r\nHost: {host}\r\n\r\n");
        connection.get_mut().write_all(next.as_bytes()).unwrap();
        let (id, event) = answer(&mut connection);
        let reply = reply(&event);
        let length = reply.len();
        let response =
            format!("POST {RUNTIME}/{id}/response HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{reply}");
        connection.get_mut().write_all(response.as_bytes()).unwrap();
        answer(&mut connection);
    }
}

/// The request id, where there is one, and the body of the next answer.
fn answer(connection: &mut BufReader<TcpStream>) -> (String, String) {
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        assert!(connection.read_line(&mut line).unwrap() > 0, "the Runtime API is gone");
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "lambda-runtime-aws-request-id" => id = value.to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    (id, String::from_utf8(body).unwrap())
}

fn reply(event: &str) -> String {
    let connection = field(event, "connectionId").unwrap_or_default();
    let body = field(event, "body").unwrap_or_default();
    format!(r#"{{"statusCode":200,"body":"{connection}{body}"}}"#)
}

/// Returns a string field of the event, verbatim. The bench puts no quotes into its strings.
fn field<'a>(event: &'a str, name: &str) -> Option<&'a str> {
    event.split_once(&format!(r#""{name}":""#))?.1.split('"').next()
}
