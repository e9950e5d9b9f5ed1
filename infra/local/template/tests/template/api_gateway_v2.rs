//! APIs that are spelled out part by part.

use std::time::Duration;

use local_template::model::{AuthorizerFormat, HttpAuthorizer};

use super::*;

const FUNCTION: &str = "  F:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: f } }
    Properties: { CodeUri: code, Runtime: provided.al2023 }
  MayInvoke:
    Type: AWS::Lambda::Permission
    Properties: { Action: lambda:InvokeFunction, FunctionName: !Ref F, Principal: apigateway.amazonaws.com }
";

const WEBSOCKET: &str = "  Ws:
    Type: AWS::ApiGatewayV2::Api
    Properties: { Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action }
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Ws
      RouteKey: $connect
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Guard
      Target: !Join [/, [integrations, !Ref Call]]
  Vote:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Ws
      RouteKey: vote
      RouteResponseSelectionExpression: $default
      Target: !Sub integrations/${Call}
  VoteResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Ws, RouteId: !Ref Vote, RouteResponseKey: $default }
  Guard:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Ws
      Name: guard
      AuthorizerType: REQUEST
      IdentitySource: [route.request.querystring.token]
      AuthorizerUri: !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations
  Call:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Ws
      IntegrationType: AWS_PROXY
      IntegrationMethod: POST
      TimeoutInMillis: 3000
      IntegrationUri: !Sub arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${F.Arn}/invocations
  Deployment: { Type: AWS::ApiGatewayV2::Deployment, DependsOn: [Connect, Vote], Properties: { ApiId: !Ref Ws } }
  Live:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Ws, StageName: live, DeploymentId: !Ref Deployment }
";

const HTTP: &str = "  Http:
    Type: AWS::ApiGatewayV2::Api
    Properties: { Name: api, ProtocolType: HTTP, CorsConfiguration: { AllowOrigins: ['*'] } }
  Get:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Http
      RouteKey: GET /a/{id}
      AuthorizationType: JWT
      AuthorizerId: !Ref Tokens
      AuthorizationScopes: [read]
      Target: !Sub integrations/${Serve}
  All:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Http, RouteKey: $default, Target: !Sub 'integrations/${Serve}' }
  Tokens:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Http
      Name: tokens
      AuthorizerType: JWT
      IdentitySource: [$request.header.Authorization]
      JwtConfiguration: { Issuer: https://issuer.example, Audience: [web] }
  Serve:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      { ApiId: !Ref Http, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn, PayloadFormatVersion: '2.0' }
  Default:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Http, StageName: $default, AutoDeploy: true }
";

fn sample(apis: &str) -> Sample {
    with_resources(&format!("{FUNCTION}{apis}"))
}

#[test]
fn a_websocket_api() {
    let sample = sample(WEBSOCKET);
    assert_eq!(sample.read().unwrap().api_ids(), (vec![], vec!["Ws".to_owned()]));
    let stack = sample.resolve().unwrap();
    let api = &stack.websocket_apis[0];
    assert_eq!((&*api.stage, &*api.route_selection_expression), ("live", "$request.body.action"));
    let authorizer = api.authorizer.as_ref().unwrap();
    assert_eq!((&*authorizer.function, &*authorizer.identity_sources[0]), ("F", "route.request.querystring.token"));
    let route = |key: &str| (&*api.routes[key].function, api.routes[key].responds, api.routes[key].timeout);
    assert_eq!(route("$connect"), ("F", false, Duration::from_secs(3)));
    assert_eq!(route("vote"), ("F", true, Duration::from_secs(3)));
}

#[test]
fn an_http_api() {
    let sample = sample(HTTP);
    assert_eq!(sample.read().unwrap().api_ids(), (vec!["Http".to_owned()], vec![]));
    let stack = sample.resolve().unwrap();
    let api = &stack.http_apis[0];
    assert_eq!(api.cors.as_ref().unwrap().allow_origins, ["*"]);
    let [get, all] = api.routes.as_slice() else { panic!("{:?}", api.routes) };
    assert_eq!((&*get.method, &*get.path, &*get.function), ("GET", "/a/{id}", "F"));
    let Some(HttpAuthorizer::Jwt { authorizer, scopes }) = &get.authorizer else { panic!("{get:?}") };
    assert_eq!((&*authorizer.issuer, &*scopes[0]), ("https://issuer.example", "read"));
    assert_eq!((&*all.method, &*all.path, &all.authorizer), ("ANY", "$default", &None));
}

#[test]
fn a_function_that_authorizes() {
    let tokens = HTTP.find("      AuthorizerType: JWT").unwrap();
    let rest = HTTP.find("  Serve:").unwrap();
    let guard = "      AuthorizerType: REQUEST
      AuthorizerPayloadFormatVersion: '2.0'
      AuthorizerResultTtlInSeconds: 5
      IdentitySource: [$request.querystring.key]
      AuthorizerUri: !Sub arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${F.Arn}/invocations
";
    let text = format!("{}{guard}{}", &HTTP[..tokens], &HTTP[rest..])
        .replace("AuthorizationType: JWT", "AuthorizationType: CUSTOM");
    let stack = sample(&text).resolve().unwrap();
    let Some(HttpAuthorizer::Lambda(authorizer)) = &stack.http_apis[0].routes[0].authorizer else { panic!() };
    assert_eq!((&*authorizer.name, &*authorizer.function, authorizer.format), ("Tokens", "F", AuthorizerFormat::Two));
    assert_eq!(authorizer.identity_sources, ["$request.querystring.key"]);
    assert_eq!(authorizer.result_ttl, Duration::from_secs(5));
}

#[test]
fn both_kinds_have_the_endpoints_of_sams() {
    let variable = "    Properties: { Environment: { Variables: { V: !GetAtt Ws.ApiEndpoint } }, CodeUri";
    let text = format!("{FUNCTION}{WEBSOCKET}").replace("    Properties: { CodeUri", variable);
    assert_eq!(value_of(&with_resources(&text)), "ws://127.0.0.1:3001");
}

#[test]
fn faults() {
    for (apis, from, to, sentence) in [
        (WEBSOCKET, "ProtocolType: WEBSOCKET", "ProtocolType: TCP", "is not supported; supported: `HTTP`, `WEBSOCKET`"),
        (WEBSOCKET, "ProtocolType: WEBSOCKET, ", "", "AWS::ApiGatewayV2::Api needs `ProtocolType`"),
        (WEBSOCKET, "integrations/${Call}", "lambda/${Call}", "`Target` is `integrations/<id>`, unlike `lambda/Call`"),
        (WEBSOCKET, "integrations/${Call}", "integrations/x", "the template has nothing named `x`"),
        (
            WEBSOCKET,
            "AWS_PROXY",
            "HTTP_PROXY",
            "`IntegrationType` `HTTP_PROXY` is not supported; supported: `AWS_PROXY`",
        ),
        (WEBSOCKET, "RouteKey: vote", "RouteKey: $connect", "`$connect` has a function already"),
        (WEBSOCKET, "RouteKey: $connect", "RouteKey: other", "only the route `$connect` can have an authorizer"),
        (WEBSOCKET, ", DeploymentId: !Ref Deployment", "", "without `AutoDeploy: true` serves nothing"),
        (WEBSOCKET, "StageName: live", "StageName: a/b", "letters, digits, `-` and `_` only, unlike `a/b`"),
        (HTTP, "StageName: $default", "StageName: live", "`StageName` of an HTTP API `live` is not supported"),
        (HTTP, ", PayloadFormatVersion: '2.0'", "", "AWS::ApiGatewayV2::Integration needs `PayloadFormatVersion`"),
        (HTTP, "GET /a/{id}", "FETCH /a", "`RouteKey` is a method and a path, or `$default`, unlike `FETCH /a`"),
        (HTTP, "[$request.header.Authorization]", "[]", "a JWT authorizer has one `IdentitySource`"),
        (
            HTTP,
            "ApiId: !Ref Http, StageName",
            "ApiId: other, StageName",
            "needs exactly one AWS::ApiGatewayV2::Stage, and has 0",
        ),
    ] {
        assert!(apis.contains(from), "{from}");
        let fault = sample(&apis.replacen(from, to, 1)).fault();
        assert!(fault.contains(sentence), "{from} -> {to}: {fault}");
    }
}
