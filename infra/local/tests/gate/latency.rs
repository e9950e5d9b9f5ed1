//! What the gate costs.

use std::time::{Duration, Instant};

use crate::harness::{Cloud, key};

const ROUNDS: usize = 2000;

/// Alternates between the gate and DynamoDB itself, so that other load on the machine meets both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_latency() {
    let cloud = Cloud::start().await;
    cloud.put(1, 300).send().await.unwrap();
    let ways = [("through the gate", cloud.dynamodb.clone()), ("past it", cloud.dynamodb_itself())];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for ((_, client), times) in ways.iter().zip(&mut times) {
            let get = client.get_item().table_name("items").set_key(Some(key(1).into()));
            let begun = Instant::now();
            get.send().await.unwrap();
            times.push(begun.elapsed());
        }
    }
    for ((way, _), mut times) in ways.iter().zip(times) {
        times.sort();
        let at = |percent: usize| -> Duration { times[times.len() * percent / 100] };
        println!("GetItem {way}: p1 {:?}, p10 {:?}, p50 {:?}", at(1), at(10), at(50));
    }
}
