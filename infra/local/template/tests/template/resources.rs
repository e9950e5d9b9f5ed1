//! The model of each resource type.

use std::time::Duration;

use local_template::model::{Architecture, AuthorizerFormat, Cors, HttpAuthorizer, JwtAuthorizer};
use serde_json::json;

use super::*;

pub(crate) const GLOBALS: &str = "Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: provided.al2023
    Architectures: [arm64]
    CodeUri: code
Resources:
";

/// A function of that name with these events, indented by eight.
pub(crate) fn function(id: &str, events: &str) -> String {
    format!(
        "  {id}:
    Type: AWS::Serverless::Function
    Metadata: {{ BuildMethod: rust-cargolambda, BuildProperties: {{ Binary: {id} }} }}
    Properties:
      Policies: [AWSLambdaBasicExecutionRole]
      Events:
{events}
"
    )
}

pub(crate) fn sample(resources: &[String]) -> Sample {
    Sample::new(&format!("{GLOBALS}{}", resources.concat()))
}

const HTTP: &str = "  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Jwt
        Authorizers:
          Jwt:
            IdentitySource: $request.header.Authorization
            JwtConfiguration:
              issuer: !GetAtt Pool.ProviderURL
              audience: [!Ref Client]
  Pool: { Type: AWS::Cognito::UserPool, Properties: { UserPoolName: people } }
  Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
";

#[test]
fn routes_of_an_http_api() {
    let events = "        Get: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: '/a/{id}', Method: get } }
        Any: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: '/{proxy+}', Method: '*', Auth: { Authorizer: NONE } } }
";
    let sample = sample(&[function("F", events), HTTP.to_owned()]);
    assert_eq!(sample.read().unwrap().api_ids(), (vec!["Http".to_owned()], vec![]));
    let stack = sample.resolve().unwrap();
    let api = &stack.http_apis[0];
    assert_eq!((api.logical_id.as_str(), api.routes.len()), ("Http", 2));
    let authorizer = JwtAuthorizer {
        issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool".to_owned(),
        audience: vec!["Client".to_owned()],
        identity_source: "$request.header.Authorization".to_owned(),
    };
    let [get, any] = api.routes.as_slice() else { panic!("{:?}", api.routes) };
    assert_eq!((&*get.method, &*get.path, &*get.function), ("GET", "/a/{id}", "F"));
    let issuer = authorizer.issuer.clone();
    assert_eq!(get.authorizer, Some(HttpAuthorizer::Jwt { authorizer, scopes: Vec::new() }));
    assert_eq!((&*any.method, &any.authorizer), ("ANY", &None));
    let pool = &stack.user_pools[0];
    assert_eq!((&*pool.id, &*pool.clients[0].id), ("us-east-1_Pool", "Client"));
    assert_eq!(pool.issuer, issuer);
}

#[test]
fn domain_names_of_apis_are_accepted() {
    let events = "        Get: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: /a, Method: GET } }\n";
    let domain = "  Domain:
    Type: AWS::ApiGatewayV2::DomainName
    Properties:
      DomainName: api.example
      DomainNameConfigurations: [{ CertificateArn: arn, EndpointType: REGIONAL }]
  Mapping:
    Type: AWS::ApiGatewayV2::ApiMapping
    Properties: { ApiId: !Ref Http, DomainName: !Ref Domain, Stage: !Ref HttpApiGatewayDefaultStage }
  Record:
    Type: AWS::Route53::RecordSet
    Properties: { Name: api.example, Type: A, AliasTarget: { DNSName: !GetAtt Domain.RegionalDomainName } }
";
    let stack = sample(&[function("F", events), HTTP.to_owned(), domain.to_owned()]).resolve().unwrap();
    assert_eq!(stack.http_apis[0].routes.len(), 1);
    let mapped = domain.replace("!Ref HttpApiGatewayDefaultStage", "!Ref Absent");
    let fault = sample(&[function("F", events), HTTP.to_owned(), mapped]).fault();
    assert!(fault.contains("`Absent`"), "{fault}");
}

#[test]
fn access_tokens_live_as_long_as_their_client_says() {
    let lifetime = |properties: &str| {
        let client = format!("{{ UserPoolId: !Ref Pool{properties} }}");
        let client = format!("  Client: {{ Type: AWS::Cognito::UserPoolClient, Properties: {client} }}\n");
        with_resources(&format!("  Pool: {{ Type: AWS::Cognito::UserPool }}\n{client}"))
    };
    for (properties, seconds) in [
        ("", 3600),
        (", AccessTokenValidity: 24", 86_400),
        (", AccessTokenValidity: 5, TokenValidityUnits: { AccessToken: minutes }", 300),
        (", AccessTokenValidity: 900, TokenValidityUnits: { AccessToken: seconds, IdToken: days }", 900),
        (", AccessTokenValidity: 1, TokenValidityUnits: { AccessToken: days }", 86_400),
        (", TokenValidityUnits: { AccessToken: days }", 3600),
    ] {
        let pool = lifetime(properties).resolve().unwrap().user_pools.remove(0);
        assert_eq!(pool.clients[0].access_token_lifetime.as_secs(), seconds, "{properties}");
    }
    let sentence = "`AccessTokenValidity` must be from 5 minutes to a day, in hours unless `TokenValidityUnits` says";
    for properties in [
        ", AccessTokenValidity: 25",
        ", AccessTokenValidity: 4, TokenValidityUnits: { AccessToken: minutes }",
        ", AccessTokenValidity: 2, TokenValidityUnits: { AccessToken: days }",
    ] {
        assert_eq!(lifetime(properties).fault(), format!("template.yaml:4: {sentence}"), "{properties}");
    }
}

#[test]
fn an_event_without_an_api_makes_one() {
    let events = "        Get: { Type: HttpApi, Properties: { Path: /a, Method: GET } }\n";
    let sample = sample(&[function("F", events)]);
    assert_eq!(sample.read().unwrap().api_ids().0, ["ServerlessHttpApi"]);
    let stack = sample.resolve().unwrap();
    assert_eq!(stack.http_apis[0].routes[0].path, "/a");
}

#[test]
fn faults_of_an_http_api() {
    let event = |properties: &str| {
        let events = format!("        E: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Http, {properties} }} }}\n");
        sample(&[function("F", &events), HTTP.to_owned()]).fault()
    };
    let fault = event("Path: /a, Method: GET, Auth: { Authorizer: Other }");
    let sentence = "the authorizer `Other` is not supported; supported: `Jwt`, `NONE`";
    assert_eq!(fault, format!("template.yaml:14: {sentence}"));
    assert!(event("Path: /a, Method: FETCH").starts_with("template.yaml:14: `Method` `FETCH` is not supported"));
    assert_eq!(event("Path: a, Method: GET"), "template.yaml:14: `Path` must begin with `/`, and `a` does not");
    assert!(event("Path: /a, Method: GET, TimeoutInMillis: 9").contains("with `TimeoutInMillis` is not supported"));
    let twice = "        A: { Type: HttpApi, Properties: { Path: /a, Method: GET } }
        B: { Type: HttpApi, Properties: { Path: /a, Method: get } }\n";
    let fault = sample(&[function("F", twice)]).fault();
    assert_eq!(fault, "template.yaml:15: `GET /a` has a function already");
    assert!(event("Method: GET").starts_with("template.yaml:14: an event of type HttpApi needs `Path`"));
    let cors = "      CorsConfiguration: { AllowOrigins: ['*'], AllowCredentials: true }\n      Auth:\n";
    let fault = sample(&[HTTP.replace("      Auth:\n", cors)]).fault();
    let sentence = "API Gateway refuses `AllowCredentials` together with the origin `*`";
    assert_eq!(fault, format!("template.yaml:11: {sentence}"));
}

#[test]
fn a_default_route_scopes_and_origins() {
    let events = "        All: { Type: HttpApi, Properties: { ApiId: !Ref Http } }
        Some: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: /a, Method: GET, Auth: { AuthorizationScopes: [own] } } }
";
    let http = HTTP.replace("          Jwt:\n", "          Jwt:\n            AuthorizationScopes: [api]\n");
    let origins =
        "      CorsConfiguration: { AllowOrigins: [https://a.example], AllowHeaders: ['*'], MaxAge: 5 }\n      Auth:\n";
    let stack = sample(&[function("F", events), http.replace("      Auth:\n", origins)]).resolve().unwrap();
    let api = &stack.http_apis[0];
    let [all, some] = api.routes.as_slice() else { panic!("{:?}", api.routes) };
    assert_eq!((&*all.method, &*all.path), ("ANY", "$default"));
    for (route, expected) in [(all, "api"), (some, "own")] {
        let Some(HttpAuthorizer::Jwt { scopes, .. }) = &route.authorizer else { panic!("{route:?}") };
        assert_eq!(scopes.as_slice(), [expected]);
    }
    let expected = Cors {
        allow_origins: vec!["https://a.example".to_owned()],
        allow_headers: vec!["*".to_owned()],
        max_age: Some(5),
        ..Cors::default()
    };
    assert_eq!(api.cors, Some(expected));
    let everyone = HTTP.replace("      Auth:\n", "      CorsConfiguration: true\n      Auth:\n");
    let stack = sample(&[everyone]).resolve().unwrap();
    assert_eq!(stack.http_apis[0].cors.as_ref().unwrap().allow_origins, ["*"]);
}

#[test]
fn lambda_authorizers() {
    let event = "        Get: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: /a, Method: GET } }\n";
    let guard = |properties: &str| {
        let http = format!(
            "  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Guard
        Authorizers:
          Guard: {{ FunctionArn: !GetAtt F.Arn, {properties} }}
"
        );
        sample(&[function("F", event), http])
    };
    let identity = "Identity: { Headers: [X-Key], Context: [routeKey], ReauthorizeEvery: 60 }";
    let stack =
        guard(&format!("AuthorizerPayloadFormatVersion: '2.0', EnableSimpleResponses: true, {identity}")).resolve();
    let stack = stack.unwrap();
    let Some(HttpAuthorizer::Lambda(authorizer)) = &stack.http_apis[0].routes[0].authorizer else { panic!() };
    assert_eq!(
        (&*authorizer.name, &*authorizer.function, authorizer.format),
        ("Guard", "F", AuthorizerFormat::TwoSimple)
    );
    assert_eq!(authorizer.identity_sources, ["$request.header.X-Key", "$context.routeKey"]);
    assert_eq!(authorizer.result_ttl, Duration::from_mins(1));
    for (properties, sentence) in [
        ("EnableSimpleResponses: true", "an authorizer of an HTTP API needs `AuthorizerPayloadFormatVersion`"),
        (
            "AuthorizerPayloadFormatVersion: 1.0, EnableSimpleResponses: true",
            "`EnableSimpleResponses` needs the payload format 2.0",
        ),
        (
            "AuthorizerPayloadFormatVersion: 1.0, Identity: { ReauthorizeEvery: 1 }",
            "results can be kept only for an authorizer with identity sources",
        ),
        (
            "AuthorizerPayloadFormatVersion: 1.0, Identity: { Context: [stage] }",
            "the identity source `$context.stage` is not supported; supported: `$request.header.`, \
             `$request.querystring.`, `$context.routeKey`",
        ),
    ] {
        assert_eq!(guard(properties).fault(), format!("template.yaml:22: {sentence}"));
    }
}

const WEBSOCKET: &str = "  Ws:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: live
      Auth: { AuthType: CUSTOM, AuthArn: !GetAtt F.Arn }
      Routes:
        $connect: { FunctionArn: !GetAtt F.Arn, IntegrationTimeout: 5000 }
        sendIt: { FunctionArn: !GetAtt F.Arn, RouteResponseSelectionExpression: $default }
        quiet: { FunctionArn: !GetAtt F.Arn, RouteResponseSelectionExpression: $default }
  SendResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Ws, RouteId: !Ref WsSenditRoute, RouteResponseKey: $default }
";

#[test]
fn routes_of_a_websocket_api() {
    let sample = sample(&[function("F", "        {}\n"), WEBSOCKET.to_owned()]);
    assert_eq!(sample.read().unwrap().api_ids(), (vec![], vec!["Ws".to_owned()]));
    let stack = sample.resolve().unwrap();
    let api = &stack.websocket_apis[0];
    assert_eq!((&*api.stage, &*api.route_selection_expression), ("live", "$request.body.action"));
    let authorizer = api.authorizer.as_ref().unwrap();
    assert_eq!((&*authorizer.function, authorizer.identity_sources.len()), ("F", 0));
    let route = |key: &str| (api.routes[key].responds, api.routes[key].timeout);
    assert_eq!(route("$connect"), (false, Duration::from_secs(5)));
    // A reply goes to the client only where a route response names the route.
    assert_eq!(route("sendIt"), (true, Duration::from_secs(29)));
    assert_eq!(route("quiet"), (false, Duration::from_secs(29)));
}

#[test]
fn host_names_of_apis_lead_to_their_local_addresses() {
    for (value, expected) in [
        ("https://${Ws}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live", "http://127.0.0.1:3001/live"),
        ("wss://${Ws}.execute-api.us-east-1.amazonaws.com/live", "ws://127.0.0.1:3001/live"),
        ("${Ws.ApiEndpoint}/live", "ws://127.0.0.1:3001/live"),
        ("https://${Second}.execute-api.${AWS::Region}.amazonaws.com/live", "http://127.0.0.1:3003/live"),
        ("https://other.execute-api.us-east-1.amazonaws.com", "https://other.execute-api.us-east-1.amazonaws.com"),
    ] {
        let properties = format!("      Environment: {{ Variables: {{ V: !Sub '{value}' }} }}\n      Policies:");
        let function = function("F", "        {}\n").replacen("      Policies:", &properties, 1);
        let second = WEBSOCKET.replace("Ws", "Second").replace("SendResponse", "OtherResponse");
        let stack = sample(&[function, WEBSOCKET.to_owned(), second]).resolve().unwrap();
        assert_eq!(stack.functions[0].environment["V"], expected);
    }
}

#[test]
fn faults_of_a_websocket_api() {
    for (from, to, sentence) in [
        ("!Ref WsSenditRoute", "!Ref WsSendItRoute", "28: the template has nothing named `WsSendItRoute`"),
        ("!Ref WsSenditRoute", "other", "28: the template has nothing named `other`"),
        (
            "quiet:",
            "not-quiet:",
            "25: the route key `not-quiet` must be alphanumeric or one of $connect, $disconnect, $default",
        ),
        ("$connect:", "other:", "21: `Auth` applies to the route `$connect`, which this API does not have"),
        ("CUSTOM", "AWS_IAM", "21: `AuthType` `AWS_IAM` is not supported; supported: `NONE`, `CUSTOM`"),
        (
            "IntegrationTimeout: 5000",
            "IntegrationTimeout: 29001",
            "23: expected a whole number from 50 to 29000 for `IntegrationTimeout`, found `29001`",
        ),
        (
            "$request.body.action",
            "$request.header.x",
            "19: `RouteSelectionExpression` is `$request.body.<field>`; `$request.header.x` is not supported",
        ),
        (
            "StageName: live",
            "StageName: $default",
            "20: `StageName` of a WebSocket API has letters, digits, `-` and `_` only, unlike `$default`",
        ),
    ] {
        let resources = [function("F", "        {}\n"), WEBSOCKET.replacen(from, to, 1)];
        assert_eq!(sample(&resources).fault(), format!("template.yaml:{sentence}"));
    }
}

#[test]
fn queues_and_their_events() {
    let events = "        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Q.Arn
            BatchSize: 100
            MaximumBatchingWindowInSeconds: 2
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: { MaximumConcurrency: 5 }
        Off: { Type: SQS, Properties: { Queue: !GetAtt Dead.Arn, Enabled: false } }
";
    let queues = "  Q:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      SqsManagedSseEnabled: true
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 4 }
  Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: dead } }
  Fifo: { Type: AWS::SQS::Queue, Properties: { FifoQueue: true } }
";
    let stack = sample(&[function("F", events), queues.to_owned()]).resolve().unwrap();
    let ids: Vec<_> = stack.queues.iter().map(|queue| &*queue.logical_id).collect();
    assert_eq!(ids, ["Dead", "Fifo", "Q"]);
    let queue = &stack.queues[2];
    assert_eq!(queue.url, "http://127.0.0.1:9324/000000000000/local-Q");
    assert_eq!(queue.arn, "arn:aws:sqs:us-east-1:000000000000:local-Q");
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":4}"#;
    let expected = [("RedrivePolicy", redrive), ("VisibilityTimeout", "60")];
    assert_eq!(queue.attributes, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    assert_eq!(stack.queues[1].name, "local-Fifo.fifo");
    let [event] = stack.functions[0].queue_events.as_slice() else { panic!("one enabled event") };
    assert_eq!((&*event.queue, event.batch_size, event.batching_window), ("Q", 100, Duration::from_secs(2)));
    assert_eq!((event.report_batch_item_failures, event.maximum_concurrency), (true, Some(5)));
}

#[test]
fn lambda_refuses_a_short_visibility_timeout_and_a_big_batch_without_a_window() {
    let event = |properties: &str| {
        let events = format!("        E: {{ Type: SQS, Properties: {{ Queue: !GetAtt Q.Arn, {properties} }} }}\n");
        let queue = "  Q: { Type: AWS::SQS::Queue, Properties: { VisibilityTimeout: 2 } }\n";
        let function = function("F", &events).replace("      Policies:", "      Timeout: 2\n      Policies:");
        sample(&[function, queue.to_owned()])
    };
    assert!(event("BatchSize: 10").resolve().is_ok());
    let sentence = "a `BatchSize` above 10 needs a `MaximumBatchingWindowInSeconds` of at least 1";
    assert_eq!(event("BatchSize: 11").fault(), format!("template.yaml:15: {sentence}"));
    let short = function("F", "        E: { Type: SQS, Properties: { Queue: !GetAtt Q.Arn } }\n");
    let queue = "  Q: { Type: AWS::SQS::Queue, Properties: { VisibilityTimeout: 2 } }\n";
    let sentence = "Lambda refuses a queue whose visibility timeout (2 s) is less than the function's timeout (3 s)";
    assert_eq!(sample(&[short, queue.to_owned()]).fault(), format!("template.yaml:14: {sentence}"));
}

#[test]
fn a_table_is_the_request_that_creates_it() {
    let table = "  T:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: true
      KeySchema: [{ AttributeName: pk, KeyType: HASH }, { AttributeName: sk, KeyType: RANGE }]
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }, { AttributeName: sk, AttributeType: N }]
      GlobalSecondaryIndexes:
        - IndexName: by_sk
          KeySchema: [{ AttributeName: sk, KeyType: HASH }]
          Projection: { ProjectionType: INCLUDE, NonKeyAttributes: [a] }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
";
    let stack = sample(&[table.to_owned()]).resolve().unwrap();
    assert_eq!((&*stack.tables[0].name, stack.tables[0].ttl_attribute.as_deref()), ("local-T", Some("ttl")));
    let expected = json!({
        "TableName": "local-T",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_sk",
            "KeySchema": [{"AttributeName": "sk", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
        }],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
    });
    assert_eq!(stack.tables[0].create_table, expected);
}

#[test]
fn a_cluster_is_reached_through_the_data_api() {
    let cluster = "  Db:
    Type: AWS::RDS::DBCluster
    Properties:
      Engine: aurora-postgresql
      EnableHttpEndpoint: true
      ManageMasterUserPassword: true
      DatabaseName: app
      ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 4 }
      VpcSecurityGroupIds: [!GetAtt Group.GroupId]
  Group: { Type: AWS::EC2::SecurityGroup, Properties: { GroupDescription: db } }
  Instance: { Type: AWS::RDS::DBInstance, Properties: { DBClusterIdentifier: !Ref Db, DBInstanceClass: db.serverless } }
";
    let stack = sample(&[cluster.to_owned()]).resolve().unwrap();
    let db = &stack.clusters[0];
    assert_eq!(db.arn, "arn:aws:rds:us-east-1:000000000000:cluster:local-db");
    assert_eq!(db.secret_arn, "arn:aws:secretsmanager:us-east-1:000000000000:secret:rds!cluster-local-db");
    assert_eq!(db.database, "app");
    let without = cluster.replace("EnableHttpEndpoint: true", "EnableHttpEndpoint: false");
    let fault = sample(&[without]).fault();
    assert!(fault.starts_with("template.yaml:12: AWS::RDS::DBCluster needs `EnableHttpEndpoint: true`"), "{fault}");
}

#[test]
fn functions_run_where_the_template_has_them_run() {
    let of = |from: &str, to: &str| {
        let text = format!("{GLOBALS}{}", function("F", "        {}\n"));
        assert!(text.contains(from));
        Sample::new(&text.replacen(from, to, 1))
    };
    let architecture = |sample: Sample| sample.resolve().unwrap().functions[0].architecture;
    assert_eq!(architecture(of("[arm64]", "[arm64]")), Architecture::Arm64);
    assert_eq!(architecture(of("    Architectures: [arm64]\n", "")), Architecture::X86_64);
    let own = of("      Policies:", "      Architectures: [x86_64]\n      Policies:");
    assert_eq!(architecture(own), Architecture::X86_64, "its own comes in the place of the global one");
    let fault = of("[arm64]", "[riscv]").fault();
    assert!(fault.ends_with("`Architectures` `riscv` is not supported; supported: `x86_64`, `arm64`"), "{fault}");
    assert!(of("[arm64]", "[arm64, x86_64]").fault().ends_with("a function has one of `Architectures`"));
}
