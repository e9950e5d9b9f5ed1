//! Limits of routes, wherever a template may set them.

use local_template::model::RouteLimit;

use super::*;

fn limit(rate: f64, burst: u32) -> RouteLimit {
    RouteLimit { rate, burst }
}

const FUNCTION: &str = "  F:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: f } }
    Properties:
      CodeUri: code
      Runtime: provided.al2023
";

fn http(settings: &str, of_event: &str) -> Sample {
    with_resources(&format!(
        "{FUNCTION}      Events:
        A: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Http, Path: /a, Method: GET{of_event} }} }}
        B: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Http, Path: /b, Method: GET }} }}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      {settings}
"
    ))
}

#[test]
fn a_route_has_its_own_limits_then_the_stages_for_it_then_those_for_all() {
    let settings = "DefaultRouteSettings: { ThrottlingRateLimit: 2.5, DetailedMetricsEnabled: true }
      RouteSettings: { GET /a: { ThrottlingBurstLimit: 7, ThrottlingRateLimit: 3 } }";
    let limits = |sample: Sample| sample.resolve().unwrap().http_apis.remove(0).route_limits;
    let read = limits(http(settings, ""));
    assert_eq!(read["GET /a"], limit(3.0, 7));
    assert_eq!(read["GET /b"], limit(2.5, 5_000), "the account's burst where none is set");
    let read = limits(http(settings, ", RouteSettings: { ThrottlingBurstLimit: 1 }"));
    assert_eq!(read["GET /a"], limit(3.0, 1));
    assert!(limits(http("DefaultRouteSettings: { LoggingLevel: INFO }", "")).is_empty());
}

#[test]
fn a_websocket_api_of_sam_has_them() {
    let api = "  Ws:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      DefaultRouteSettings: { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20 }
      RouteSettings: { $connect: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2 } }
      Routes: { $connect: { FunctionArn: !GetAtt F.Arn }, send: { FunctionArn: !GetAtt F.Arn } }
";
    let read = with_resources(&format!("{FUNCTION}{api}")).resolve().unwrap().websocket_apis.remove(0).route_limits;
    assert_eq!((read["$connect"], read["send"]), (limit(1.0, 2), limit(10.0, 20)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (settings, sentence) in [
        ("RouteSettings: { GET /c: {} }", "`RouteSettings` names `GET /c`, and the API has no such route"),
        (
            "DefaultRouteSettings: { ThrottlingRateLimit: -1 }",
            "`ThrottlingRateLimit` is a number of requests a second, unlike `-1`",
        ),
        ("DefaultRouteSettings: { ThrottlingBurstLimit: 0.5 }", "a whole number from 0"),
        ("DefaultRouteSettings: { Throttling: 1 }", "the settings of a route"),
    ] {
        let fault = http(settings, "").fault();
        assert!(fault.starts_with("template.yaml:15: ") && fault.contains(sentence), "{settings}: {fault}");
    }
}
