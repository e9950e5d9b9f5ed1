//! The events beside recorded ones.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use local_testing::recorded::{assert_kept, assert_like, fixture};
use serde_json::{Value, json};

use crate::websocket_api::harness::{Plan, allow, ok};

const USER_AGENT: (&str, &str) = ("+requestContext.identity.userAgent", "the recorded client sent none");
const AUTHORIZER: (&str, &str) = ("+requestContext.authorizer", "the recorded API had none");

#[tokio::test]
async fn the_life_of_a_connection() {
    let plan = Plan::new().authorizer(&[], |_| async { allow(&json!({})) });
    let plan =
        ["$connect", "$default", "$disconnect"].into_iter().fold(plan, |plan, key| plan.route(key, |_| async { ok() }));
    let mut api = plan.start().await;
    let mut client = api.connect_with(&[("user-agent", "test/1")]).await;

    let asked = api.event_of("authorizer").await;
    let log = "the recorded event was logged by a function that added its own context";
    let added = [
        "client_context",
        "context",
        "deadline",
        "env_config",
        "identity",
        "invoked_function_arn",
        "log_group",
        "log_stream",
        "memory",
        "xray_trace_id",
    ];
    let added: Vec<_> = added.iter().map(|field| (format!("-{field}"), log)).collect();
    let mut deliberate: Vec<_> = added.iter().map(|(field, why)| (field.as_str(), *why)).collect();
    deliberate.push(("-version", "the same: it is the function's version"));
    assert_like(&asked, &fixture("apigw-v2-custom-authorizer-websocket-request"), &deliberate);

    let connect = api.event_of("$connect").await;
    let keys = "the recorded API has API keys";
    let deliberate = [
        USER_AGENT,
        AUTHORIZER,
        ("-requestContext.identity.apiKey", keys),
        ("-requestContext.identity.apiKeyId", keys),
    ];
    assert_like(&connect, &fixture("apigw-websocket-request-without-method"), &deliberate);
    assert_kept::<ApiGatewayWebsocketProxyRequest>(&connect, &[]);

    // No message was recorded: it is like a disconnection, but for what only either can have.
    client.send_text("hello").await;
    let message = api.event_of("$default").await;
    let of_a_disconnection = "a message ends nothing";
    let deliberate = [
        USER_AGENT,
        AUTHORIZER,
        ("+body", "what was sent"),
        ("+requestContext.messageId", "what was sent has an id"),
        ("-headers", "there is no handshake"),
        ("-multiValueHeaders", "there is no handshake"),
        ("-requestContext.disconnectReason", of_a_disconnection),
        ("-requestContext.disconnectStatusCode", of_a_disconnection),
    ];
    let recorded = fixture("apigw-websocket-request-disconnect-route");
    assert_like(&message, &recorded, &deliberate);
    assert_kept::<ApiGatewayWebsocketProxyRequest>(&message, &[]);

    client.0.close(None).await.unwrap();
    let disconnect = api.event_of("$disconnect").await;
    assert_like(&disconnect, &recorded, &[USER_AGENT, AUTHORIZER]);
    let names = |event: &Value| event["headers"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&disconnect), names(&recorded));
    assert_kept::<ApiGatewayWebsocketProxyRequest>(&disconnect, &[]);
}
