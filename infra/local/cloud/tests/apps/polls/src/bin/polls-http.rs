//! `GET` and `POST /polls`; `GET`, `PUT` and `DELETE /polls/{id}`; `POST /polls/{id}/votes` and `…/close`;
//! `GET /polls/{id}/result`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use polls::{FrontPage, Polls, Results, aws_config, variable};
use serde_json::{Value, json};

struct Api {
    polls: Polls,
    front_page: FrontPage,
    results: Results,
    sqs: aws_sdk_sqs::Client,
    votes_queue: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let api = Api {
        polls: Polls::new(&config)?,
        front_page: FrontPage::new(&config)?,
        results: Results::new(&config)?,
        sqs: aws_sdk_sqs::Client::new(&config),
        votes_queue: variable("VOTES_QUEUE")?,
    };
    run(service_fn(async |event: LambdaEvent<Value>| api.answer(event.payload).await)).await
}

impl Api {
    async fn answer(&self, event: Value) -> Result<Value, Error> {
        let method = event["requestContext"]["http"]["method"].as_str().unwrap_or_default();
        let path: Vec<_> = event["rawPath"].as_str().unwrap_or_default().split('/').skip(1).collect();
        let body: Value = serde_json::from_str(event["body"].as_str().unwrap_or("null")).unwrap_or_default();
        let question = body["question"].as_str().unwrap_or_default();
        match (method, path.as_slice()) {
            ("GET", ["polls"]) => Ok(response(200, &json!({ "polls": self.front_page.all().await? }))),
            ("POST", ["polls"]) => {
                let options: Vec<_> =
                    body["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if question.is_empty() || options.is_empty() {
                    return Ok(response(400, &json!({ "error": "a poll has a question and options" })));
                }
                let id = self.polls.create(question, &options, body["closes_at"].as_u64()).await?;
                Ok(response(201, &json!({ "id": id })))
            }
            ("GET", ["polls", id]) => match self.polls.get(id).await? {
                Some(poll) => Ok(response(200, &poll)),
                None => Ok(nothing()),
            },
            ("PUT", ["polls", id]) => Ok(if self.polls.ask(id, question).await? { done() } else { nothing() }),
            ("DELETE", ["polls", id]) => self.polls.delete(id).await.map(|()| done()),
            ("POST", ["polls", id, "votes"]) => {
                let vote = json!({ "poll": id, "option": body["option"] }).to_string();
                self.sqs.send_message().queue_url(&self.votes_queue).message_body(vote).send().await?;
                Ok(response(202, &json!({})))
            }
            ("POST", ["polls", id, "close"]) => Ok(if self.polls.close(id).await? { done() } else { nothing() }),
            ("GET", ["polls", id, "result"]) => match self.front_page.result(id).await? {
                Some(key) => {
                    Ok(json!({ "statusCode": 302, "headers": { "location": self.results.link(&key).await? } }))
                }
                None => Ok(nothing()),
            },
            _ => Ok(nothing()),
        }
    }
}

fn response(status: u16, body: &Value) -> Value {
    let headers = json!({ "content-type": "application/json" });
    json!({ "statusCode": status, "headers": headers, "body": body.to_string() })
}

fn done() -> Value {
    json!({ "statusCode": 204 })
}

fn nothing() -> Value {
    response(404, &json!({ "error": "nothing is here" }))
}
