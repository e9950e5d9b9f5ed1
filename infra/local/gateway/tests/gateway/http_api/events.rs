//! The events beside recorded ones.

use aws_lambda_events::apigw::{ApiGatewayV2CustomAuthorizerV2Request, ApiGatewayV2httpRequest};
use local_template::model::AuthorizerFormat;
use local_testing::recorded::{assert_kept, assert_like, fixture};
use serde_json::Value;

use crate::http_api::Gateway;
use crate::http_api::lambda_authorizer::{self, authorizer, policy, simple};

const NO_CLIENT_CERTIFICATES: (&str, &str) =
    ("-requestContext.authentication", "only APIs with mutual TLS have it, which the local ones do not speak");
const NO_STAGE_VARIABLES: (&str, &str) = ("-stageVariables", "API Gateway leaves it out where a stage has none");
const NO_BODY: (&str, &str) = ("-body", "the recorded request had one");

#[tokio::test]
async fn a_request_with_a_jwt() {
    let gateway = Gateway::start().await;
    let request = gateway.client.get(gateway.url("/users/7?q=1&q=2")).header("Cookie", "a=b; c=d");
    let event: Value = request.bearer_auth(gateway.token()).send().await.unwrap().json().await.unwrap();
    let like = fixture("apigw-v2-request-jwt-authorizer");
    let no_scopes = ("!requestContext.authorizer.jwt.scopes", "null, as for any token without a scope");
    assert_like(&event, &like, &[NO_CLIENT_CERTIFICATES, NO_STAGE_VARIABLES, NO_BODY, no_scopes]);
    assert_kept::<ApiGatewayV2httpRequest>(&event, &[]);
}

#[tokio::test]
async fn a_request_without_an_authorizer() {
    let gateway = Gateway::start().await;
    let event: Value = gateway.get("/echo/x").await.json().await.unwrap();
    let path_parameters = ("+pathParameters", "the recorded route had none");
    assert_like(&event, &fixture("apigw-v2-request-no-authorizer"), &[NO_CLIENT_CERTIFICATES, path_parameters]);
    let request = gateway.client.post(gateway.url("/echo/x?q=1")).header("Cookie", "a=b; c=d").body("text");
    let event: Value = request.send().await.unwrap().json().await.unwrap();
    let no_authorizer = ("-requestContext.authorizer", "the route has none");
    let like = fixture("apigw-v2-request-multi-value-parameters");
    assert_like(&event, &like, &[NO_CLIENT_CERTIFICATES, NO_STAGE_VARIABLES, no_authorizer]);
    assert_kept::<ApiGatewayV2httpRequest>(&event, &[]);
}

#[tokio::test]
async fn a_request_and_its_lambda_authorizers() {
    let gateway = lambda_authorizer::Gateway::start(authorizer(AuthorizerFormat::TwoSimple), simple(true)).await;
    let event = gateway.get_with_cookies("/a/7?q=1").await;
    let like = fixture("apigw-v2-request-lambda-authorizer");
    assert_like(&event, &like, &[NO_CLIENT_CERTIFICATES, NO_STAGE_VARIABLES, NO_BODY]);
    assert_kept::<ApiGatewayV2httpRequest>(&event, &[]);
    let asked = gateway.asked_with();
    let like = fixture("apigw-v2-custom-authorizer-v2-request");
    assert_like(&asked, &like, &[NO_CLIENT_CERTIFICATES, NO_STAGE_VARIABLES]);
    assert_kept::<ApiGatewayV2CustomAuthorizerV2Request>(&asked, &[]);

    let gateway = lambda_authorizer::Gateway::start(authorizer(AuthorizerFormat::One), policy("Allow", "*")).await;
    gateway.get_with_cookies("/a/7?q=1").await;
    let of_http_apis = "not in the example of AWS's guide to authorizers, which REST APIs do not have either";
    assert_like(
        &gateway.asked_with(),
        &fixture("apigw-v2-custom-authorizer-v1-request"),
        &[
            ("-requestContext.identity.apiKey", "HTTP APIs have no API keys"),
            ("-requestContext.identity.clientCert", NO_CLIENT_CERTIFICATES.1),
            ("+requestContext.identity.userAgent", "in the example of AWS's guide to REST APIs"),
            ("-requestContext.http", of_http_apis),
            ("-requestContext.routeKey", of_http_apis),
            ("-requestContext.time", of_http_apis),
            ("-requestContext.timeEpoch", of_http_apis),
        ],
    );
}
