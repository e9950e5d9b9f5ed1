//! A million documents in 1,000 rooms: the rate of indexing, the size on the disk, and the times of queries, through the wire format.
//!
//! `cargo bench -p local-opensearch`; `DOCUMENTS` is another number of documents, `QUERIES` another number of queries of each kind.
//! `--profile dev` measures what a local cloud runs.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use local_opensearch::OpenSearch;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const ROOMS: u64 = 1_000;
const BATCH: u64 = 1_000;
/// Different words; the first are the most common.
const WORDS: f64 = 200_000.0;
const WORDS_OF_A_DOCUMENT: u64 = 12;

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A word, of which the common ones come as often as in a language (Zipf).
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a choice by chance"
    )]
    fn word(&mut self) -> u64 {
        let chance = self.below(1 << 30) as f64 / f64::from(1 << 30);
        WORDS.powf(chance) as u64
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn room(number: u64) -> String {
    format!("0190b1c2-7000-7000-8000-{number:012}")
}

struct Engine {
    http: Client,
    url: String,
}

impl Engine {
    async fn send(&self, path: &str, content_type: &str, body: String) -> Value {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", content_type).body(body);
        let response = request.send().await.expect("an answer");
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.expect("JSON")
    }

    async fn index(&self, documents: u64, numbers: &mut Numbers) {
        for first in (0..documents).step_by(usize::try_from(BATCH).expect("a small number")) {
            let mut body = String::new();
            for seq in first..(first + BATCH).min(documents) {
                let room = room(numbers.below(ROOMS));
                let words: Vec<_> = (0..WORDS_OF_A_DOCUMENT).map(|_| format!("w{}", numbers.word())).collect();
                let action = json!({ "index": { "_id": format!("{room}#{seq}"), "version": seq, "version_type": "external_gte" } });
                let document = json!({ "room": room, "seq": seq, "sent_at": 1_700_000_000_000 + seq * 1000, "terms": words.join(" ") });
                body.extend([action.to_string(), "\n".to_owned(), document.to_string(), "\n".to_owned()]);
            }
            let answer = self.send("/notes/_bulk", "application/x-ndjson", body).await;
            assert_eq!(answer["errors"], false);
        }
    }

    /// Prints how long queries of one kind take, each with other words.
    async fn measure(&self, kind: &str, count: u64, mut query: impl FnMut() -> Value) {
        let mut times = Vec::new();
        let mut hits = 0;
        for _ in 0..count {
            let body = json!({
                "query": query(), "size": 20, "track_total_hits": false, "_source": false,
                "sort": [{ "sent_at": "desc" }, { "room": "desc" }],
            });
            let begun = Instant::now();
            let answer = self.send("/notes/_search", "application/json", body.to_string()).await;
            times.push(begun.elapsed());
            hits += answer["hits"]["hits"].as_array().map_or(0, Vec::len);
        }
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
        println!("{kind:<34} {:>8.1} {:>8.1}   {hits} hits shown", at(50), at(99));
    }
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size(&entry.path()),
        _ => entry.metadata().map_or(0, |metadata| metadata.len()),
    });
    sizes.sum()
}

#[tokio::main]
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
async fn main() {
    // `cargo test --benches` runs benches as well.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (documents, queries) = (number("DOCUMENTS", 1_000_000), number("QUERIES", 200));
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let engine = Engine { http: Client::new(), url: format!("http://{}", listener.local_addr().expect("an address")) };
    let served = OpenSearch::open(Some(folder.path())).expect("an engine");
    tokio::spawn(served.serve(listener, CancellationToken::new()));
    let properties = json!({
        "room": { "type": "keyword" }, "seq": { "type": "long" }, "sent_at": { "type": "date", "format": "epoch_millis" },
        "terms": { "type": "text", "analyzer": "whitespace" },
    });
    let index = json!({ "mappings": { "dynamic": "strict", "properties": properties } });
    let created = engine.http.put(format!("{}/notes", engine.url)).json(&index).send().await.expect("an answer");
    assert!(created.status().is_success());

    let mut numbers = Numbers(7);
    let begun = Instant::now();
    engine.index(documents, &mut numbers).await;
    engine.send("/notes/_refresh", "application/json", String::new()).await;
    let took = begun.elapsed();
    let bytes = size(folder.path()) as f64;
    let rate = documents as f64 / took.as_secs_f64();
    println!("{documents} documents in {ROOMS} rooms: {:.1} s, {rate:.0} a second", took.as_secs_f64());
    println!("{:.0} MB, {:.0} bytes a document", bytes / 1e6, bytes / documents as f64);

    // Merges go on for a while.
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!("{:<34} {:>8} {:>8}", "milliseconds", "p50", "p99");
    let text = |query: Value| json!({ "bool": { "filter": [{ "match": { "terms": query } }] } });
    let rooms: Vec<String> = (0..ROOMS).map(room).collect();
    engine.measure("a rare word", queries, || text(json!(format!("w{}", 100_000 + numbers.below(100_000))))).await;
    engine.measure("a common word", queries, || text(json!(format!("w{}", 1 + numbers.below(20))))).await;
    engine
        .measure(
            "a phrase of two words",
            queries,
            || json!({ "match_phrase": { "terms": format!("w{} w{}", 1 + numbers.below(50), numbers.word()) } }),
        )
        .await;
    engine
        .measure("a word and a prefix", queries, || {
            let words = format!("w{} w{}", 1 + numbers.below(50), 10 + numbers.below(90));
            json!({ "match_bool_prefix": { "terms": { "query": words, "operator": "and" } } })
        })
        .await;
    engine
        .measure("a word in any of 1,000 rooms", queries, || {
            json!({ "bool": { "filter": [{ "match": { "terms": format!("w{}", numbers.word()) } }, { "terms": { "room": rooms } }] } })
        })
        .await;
    engine
        .measure("a common word in 1,000 rooms", queries, || {
            json!({ "bool": { "filter": [{ "match": { "terms": format!("w{}", 1 + numbers.below(20)) } }, { "terms": { "room": rooms } }] } })
        })
        .await;
    engine
        .measure("a common word in one room", queries, || {
            let room = room(numbers.below(ROOMS));
            json!({ "bool": { "filter": [{ "match": { "terms": format!("w{}", 1 + numbers.below(20)) } }, { "term": { "room": room } }] } })
        })
        .await;
}
