//! The gate's overhead per call to DynamoDB, and conditional puts per second.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use local_aws::Service;
use local_dynamodb::Tables;
use local_gate::Gate;
use local_lambda::{Lambda, LogSink, Services};
use local_template::model::Table as Model;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Failure;
use super::figures::{Table, Times, each, millis, rate, ratio};
use super::http::Http;
use super::process::Usage;

/// Tables and the gate before them, in this process: no client of a cloud gets past its gate.
struct Database {
    http: Http,
    through: String,
    past: String,
    _shutdown: DropGuard,
}

impl Database {
    async fn start(folder: Option<&Path>) -> Result<Self, Failure> {
        let create_table = json!({
            "TableName": "items",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        });
        let (logical_id, name) = ("Items".to_owned(), "items".to_owned());
        let tables = Tables::open(folder, &[Model { logical_id, name, create_table, ttl_attribute: None }])?;
        let shutdown = CancellationToken::new();
        let lambda = Lambda::new(vec![], &Services::default(), &LogSink::new(std::io::sink()), shutdown.clone());
        let gate = Gate::new(lambda, Some(tables.clone()));
        let (front, back) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
        let (through, back_address) = (format!("http://{}", front.local_addr()?), back.local_addr()?);
        let token = shutdown.clone();
        tokio::spawn(async move { tables.serve(back, token).await });
        tokio::spawn(local_gate::serve(front, Service::Dynamodb, back_address, gate, shutdown.clone()));
        let past = format!("http://{back_address}");
        Ok(Self { http: Http::new(), through, past, _shutdown: shutdown.drop_guard() })
    }

    async fn put(&self, url: &str, key: &str) -> Result<(), Failure> {
        let item = json!({"pk": {"S": key}, "text": {"S": "x".repeat(300)}});
        let put = json!({"TableName": "items", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"});
        self.http.call(url, "DynamoDB_20120810.PutItem", put.to_string()).await.map(drop)
    }

    async fn get(&self, url: &str, key: &str) -> Result<(), Failure> {
        let get = json!({"TableName": "items", "Key": {"pk": {"S": key}}});
        self.http.call(url, "DynamoDB_20120810.GetItem", get.to_string()).await.map(drop)
    }
}

/// Calls in turns through the gate and past it, so that other load on the machine meets both.
pub(crate) async fn gate(count: usize) -> Result<(), Failure> {
    const TURN: usize = 50;
    println!("{count} times GetItem of 300 bytes, client and DynamoDB in one process\n");
    let database = Database::start(None).await?;
    database.put(&database.past, "a").await?;
    let mut ways = [("past the gate", &database.past), ("through the gate", &database.through)]
        .map(|(name, url)| (name, url, Vec::new(), Duration::ZERO));
    for _ in 0..count.div_ceil(TURN) {
        for (_, url, times, cpu) in &mut ways {
            let before = Usage::of(std::process::id())?;
            for _ in 0..TURN {
                let begun = Instant::now();
                database.get(url, "a").await?;
                times.push(begun.elapsed());
            }
            *cpu += Usage::of(std::process::id())? - before;
        }
    }
    let mut table = Table::new(&["", "p50", "p99", "p50 to past", "CPU of all"]);
    let mut past = Duration::ZERO;
    for (name, _, times, cpu) in ways {
        let times = Times::new(times);
        let p50 = times.at(50);
        if past.is_zero() {
            past = p50;
        }
        let cpu = millis(each(cpu, times.count()));
        table.row([name.to_owned(), millis(p50), millis(times.at(99)), ratio(p50, past), cpu]);
    }
    table.print();
    Ok(())
}

/// Puts of new keys on the condition that they are new.
pub(crate) async fn conditional_puts(count: usize) -> Result<(), Failure> {
    println!("{count} conditional puts of 300 bytes through the gate\n");
    let folder = tempfile::tempdir()?;
    let mut table = Table::new(&["", "p50", "p99", "rate"]);
    for (name, folder) in [("in memory", None), ("in a file", Some(folder.path()))] {
        let database = Database::start(folder).await?;
        for writers in [1, 8] {
            let begun = Instant::now();
            let all = (0..writers).map(async |writer| {
                let mut times = Vec::new();
                for number in 0..count.div_ceil(writers) {
                    let begun = Instant::now();
                    database.put(&database.through, &format!("{writers} {writer} {number}")).await?;
                    times.push(begun.elapsed());
                }
                Ok::<_, Failure>(times)
            });
            let times = Times::new(try_join_all(all).await?.concat());
            let rate = rate(times.count(), begun.elapsed());
            table.row([format!("{name}, {writers} at once"), millis(times.at(50)), millis(times.at(99)), rate]);
        }
    }
    table.print();
    Ok(())
}
