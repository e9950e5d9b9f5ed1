//! Cold starts, beside a function that does nothing, in the same minute.

use end_to_end::cloud::Setup;
use end_to_end::test_user::{answer, client};
use end_to_end::{Cloud, TestUser};

use super::connection::{MemberConnection, Received};
use super::meter::Reading;
use super::report::Report;
use super::table::Table;
use super::{Failure, PROFILE};

/// The functions that a first message meets, by their logical ids.
const FUNCTIONS: [&str; 4] = ["WsAuthorizer", "WsConnect", "WsSend", "HttpMessages"];

/// The function that does nothing.
const HELLO: &str = "Hello";

pub(crate) async fn run(cloud: &Cloud, rounds: usize, report: &mut Report) -> Result<(), Failure> {
    let template = Some("tests/benches/numbers/hello/template.yaml");
    let hello =
        Cloud::with(Setup { template, profile: Some(PROFILE), arguments: &["--no-status"], ..Setup::default() });
    let (one, other) = tokio::join!(TestUser::of(cloud, "sender"), TestUser::of(cloud, "recipient"));
    let conversation = one.private_conversation_with(&other).await;
    Reading::reset(cloud).await;
    for _ in 0..rounds {
        hello.kill(HELLO).await;
        let url = format!("{}/hello", hello.endpoints.http);
        if answer(client().get(url)).await.0 != 200 {
            return Err("the function that does nothing does not answer".into());
        }
        for function in FUNCTIONS {
            cloud.kill(function).await;
        }
        let (_, page) = one.get(&format!("/v1/conversations/{conversation}/messages?limit=1")).await;
        let head = page["messages"][0]["seq"].as_u64().unwrap_or(1);
        let mut connection = MemberConnection::open(cloud, &one.token, &conversation, 0).await?.at(head);
        connection.send_texts(1).await?;
        while !matches!(connection.receive().await?, Received::Answers(_)) {}
    }
    let (reading, nothing) = (Reading::take(cloud).await, Reading::take(&hello).await);
    let least = nothing.function(HELLO, "init_p50_ms");
    let mut table = Table::new(&["cold start", "starts", "init p50 ms", "max ms", "to hello world"]);
    for (reading, function) in [(&nothing, HELLO)].into_iter().chain(FUNCTIONS.map(|function| (&reading, function))) {
        let p50 = reading.function(function, "init_p50_ms");
        table.row([
            function.to_owned(),
            format!("{:.0}", reading.function(function, "cold_starts")),
            format!("{p50:.1}"),
            format!("{:.1}", reading.function(function, "init_max_ms")),
            format!("{:.1}x", p50 / least),
        ]);
    }
    hello.stop();
    report.table("cold-start", &table)
}
