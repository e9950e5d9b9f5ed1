//! Counts the votes of the queue and notifies the connections. A vote that cannot be counted fails alone.

use aws_sdk_apigatewaymanagement::primitives::Blob;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use polls::{Listeners, Polls, aws_config, variable};
use serde_json::{Value, json};

struct Count {
    polls: Polls,
    listeners: Listeners,
    connections: aws_sdk_apigatewaymanagement::Client,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let endpoint =
        aws_sdk_apigatewaymanagement::config::Builder::from(&config).endpoint_url(variable("SOCKET_ENDPOINT")?);
    let connections = aws_sdk_apigatewaymanagement::Client::from_conf(endpoint.build());
    let count = Count { polls: Polls::new(&config)?, listeners: Listeners::new(&config)?, connections };
    run(service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(count.batch(&event.payload).await))).await
}

impl Count {
    async fn batch(&self, event: &Value) -> Value {
        let mut failures = Vec::new();
        for record in event["Records"].as_array().into_iter().flatten() {
            if let Err(error) = self.vote(record["body"].as_str().unwrap_or_default()).await {
                println!("not counted: {error}");
                failures.push(json!({ "itemIdentifier": record["messageId"] }));
            }
        }
        json!({ "batchItemFailures": failures })
    }

    async fn vote(&self, body: &str) -> Result<(), Error> {
        let vote: Value = serde_json::from_str(body)?;
        let text = |name: &str| vote[name].as_str().unwrap_or_default();
        let poll = self.polls.vote(text("poll"), text("option")).await?;
        for connection in self.listeners.all().await? {
            let frame = Blob::new(json!({ "poll": poll }).to_string());
            let post = self.connections.post_to_connection().connection_id(&connection).data(frame);
            // The vote is counted, even if no connection can be notified.
            if let Err(error) = post.send().await {
                println!("{connection} does not hear: {error:?}");
            }
        }
        Ok(())
    }
}
