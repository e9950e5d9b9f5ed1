//! Who may make a request: signatures and policies, as AWS's clients meet them.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use local_aws::Credentials;
use local_lambda::Outcome;
use serde_json::{Value, json};

use crate::harness::{Cloud, key, put};

const ITEMS: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/items";

/// Status, code and message of an error.
fn refusal<T, E: ProvideErrorMetadata>(
    result: Result<T, SdkError<E, aws_sdk_dynamodb::config::http::HttpResponse>>,
) -> (u16, String, String) {
    let error = result.err().expect("a refusal");
    let status = error.raw_response().expect("a response").status().as_u16();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (status, text(error.code()), text(error.message()))
}

fn sentence(function: &str, action: &str, resource: &str) -> String {
    let user = format!("arn:aws:sts::000000000000:assumed-role/local-{function}Role/local-{function}");
    format!(
        "User: {user} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the \
         {action} action"
    )
}

fn denied(status: u16, code: &str, function: &str, action: &str, resource: &str) -> (u16, String, String) {
    (status, code.to_owned(), sentence(function, action, resource))
}

#[tokio::test]
async fn a_function_does_what_its_policies_allow_and_no_more() {
    let cloud = Cloud::start().await;
    let (echo, nobody) = (cloud.dynamodb_of("Echo"), cloud.dynamodb_of("Nobody"));
    put(&echo, 1, 1).send().await.unwrap();
    let code = "AccessDeniedException";
    let refused = refusal(put(&nobody, 1, 1).send().await);
    assert_eq!(refused, denied(400, code, "Nobody", "dynamodb:PutItem", ITEMS));
    let scan = refusal(echo.scan().table_name("items").index_name("by_kind").send().await);
    assert_eq!(scan, denied(400, code, "Echo", "dynamodb:Scan", &format!("{ITEMS}/index/by_kind")));

    // Every table of a batch counts, also one that does not exist.
    let deletion = DeleteRequest::builder().set_key(Some(key(1).into())).build().unwrap();
    let write = vec![WriteRequest::builder().delete_request(deletion).build()];
    let batch = echo.batch_write_item().request_items("items", write.clone()).request_items("other", write);
    let refused = refusal(batch.send().await);
    assert_eq!(refused.1, code);
    assert_eq!(cloud.get(1, true).await.as_deref(), Some("x"), "nothing was written");

    let denials = cloud.gate.access().denials();
    let found = denials.iter().map(|denial| (denial.function.as_str(), &*denial.permission.action, denial.count));
    let expected =
        [("Echo", "dynamodb:BatchWriteItem", 1), ("Echo", "dynamodb:Scan", 1), ("Nobody", "dynamodb:PutItem", 1)];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn sqs_words_it_in_lower_case() {
    let cloud = Cloud::start().await;
    let sqs = cloud.sqs_of("Echo");
    let refused = refusal(sqs.send_message().queue_url(&cloud.queue_url).message_body("x").send().await);
    let queue = "arn:aws:sqs:us-east-1:000000000000:work";
    assert_eq!(refused, denied(403, "AccessDenied", "Echo", "sqs:sendmessage", queue));
}

#[tokio::test]
async fn the_process_of_a_function_signs_with_its_own_key() {
    let cloud = Cloud::start().await;
    let invoke = async |table: &str| {
        let request = json!({"TableName": table, "Item": {"pk": {"S": "a"}, "sk": {"N": "1"}}});
        let event = json!({"do": "put", "request": request}).to_string();
        let Outcome::Success(answer) = cloud.lambda.invoke("Echo", event.into()).await.unwrap() else {
            panic!("an error")
        };
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    assert_eq!(invoke("items").await["status"], "200");
    let answer = invoke("other").await;
    assert_eq!(answer["status"], "400");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let other = ITEMS.replace("items", "other");
    let message = sentence("Echo", "dynamodb:PutItem", &other);
    assert_eq!(body, json!({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": message}));
}

#[tokio::test]
async fn only_signatures_of_known_keys_are_accepted() {
    let cloud = Cloud::start().await;
    let mut own = cloud.gate.access().keys().of_instance("Echo", "instance");
    let with = async |credentials: Credentials| {
        let dynamodb = aws_sdk_dynamodb::Client::new(&cloud.config_with(credentials));
        let (status, code, _) = refusal(put(&dynamodb, 1, 1).send().await);
        (status, code)
    };
    let refused = |code: &str| (400, code.to_owned());
    let developer = Credentials::developer();
    let stranger = Credentials { access_key: "stranger".to_owned(), ..developer.clone() };
    assert_eq!(with(stranger).await, refused("UnrecognizedClientException"));
    let guessed = Credentials { secret_key: "guessed".to_owned(), ..developer };
    assert_eq!(with(guessed).await, refused("InvalidSignatureException"));
    let other = cloud.gate.access().keys().of_instance("Nobody", "instance");
    let borrowed = Credentials { session_token: other.session_token, ..own.clone() };
    assert_eq!(with(borrowed).await, refused("UnrecognizedClientException"));
    own.session_token = None;
    assert_eq!(with(own).await, refused("UnrecognizedClientException"));
}
