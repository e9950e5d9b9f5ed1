//! Follows the polls' table: keeps the front page, and exports the result of a poll that has closed. It may see a change twice.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use polls::{FrontPage, Results, aws_config};
use serde_json::{Map, Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let (front_page, results) = (FrontPage::new(&config)?, Results::new(&config)?);
    run(service_fn(async |event: LambdaEvent<Value>| follow(&front_page, &results, &event.payload).await)).await
}

async fn follow(front_page: &FrontPage, results: &Results, event: &Value) -> Result<(), Error> {
    for record in event["Records"].as_array().into_iter().flatten() {
        let change = &record["dynamodb"];
        let (old, new) = (&change["OldImage"], &change["NewImage"]);
        let id = change["Keys"]["id"]["S"].as_str().unwrap_or_default();
        if record["eventName"] == "REMOVE" {
            front_page.remove(id).await?;
            continue;
        }
        let question = new["question"]["S"].as_str().unwrap_or_default();
        let votes = votes(new);
        front_page.put(id, question, votes.values().filter_map(Value::as_u64).sum()).await?;
        if old.get("closed").is_none() && new.get("closed").is_some() {
            results.export(id, &json!({ "question": question, "votes": votes })).await?;
        }
    }
    Ok(())
}

fn votes(poll: &Value) -> Map<String, Value> {
    let votes = poll["votes"]["M"].as_object().into_iter().flatten();
    let number = |count: &Value| count["N"].as_str()?.parse::<u64>().ok();
    votes.filter_map(|(option, count)| Some((option.clone(), json!(number(count)?)))).collect()
}
