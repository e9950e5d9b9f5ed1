//! Templates that are refused, with the line and the sentence.

use super::*;

/// Each faulty template and what is said about it.
#[track_caller]
fn refused(cases: &[(&str, &str)]) {
    for (resources, sentence) in cases {
        assert_eq!(with_resources(resources).fault(), format!("template.yaml:{sentence}"), "{resources}");
    }
}

#[test]
fn yaml() {
    refused(&[
        ("  Q: { Type: AWS::SQS::Queue }\n  Q: { Type: AWS::SQS::Queue }\n", "4: `Q` occurs twice"),
        ("  Q: *anchor\n", "3: not valid YAML: while parsing node, found unknown anchor"),
        ("  A: &a { Type: AWS::SQS::Queue }\n  B: *a\n", "4: CloudFormation does not support YAML aliases"),
        ("  A: { <<: { Type: AWS::SQS::Queue } }\n", "3: CloudFormation does not support YAML merge keys (`<<`)"),
        ("  A:\n\n  B: { Type: AWS::SQS::Queue }\n", "3: expected a mapping, found nothing"),
        ("---\nA: b\n", "3: a template is one YAML document; another begins here"),
    ]);
    assert_eq!(Sample::new("").fault(), "template.yaml:1: the template is empty");
    assert_eq!(Sample::new("- a\n").fault(), "template.yaml:1: expected a mapping, found a list");
}

#[test]
fn a_missing_file() {
    let error = Template::read(std::path::Path::new("/nowhere/template.yaml")).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/template.yaml: cannot read the template: "), "{error}");
}

#[test]
fn sections_and_transform() {
    let fault = Sample::new("Resources: { Q: { Type: AWS::SQS::Queue } }\n").fault();
    assert_eq!(fault, "template.yaml:1: a template needs `Transform: AWS::Serverless-2016-10-31`");
    let fault = Sample::new("Transform: [AWS::Serverless-2016-10-31,\n  AWS::LanguageExtensions]\n").fault();
    let sentence = "the transform `AWS::LanguageExtensions` is not supported; supported: `AWS::Serverless-2016-10-31`";
    assert_eq!(fault, format!("template.yaml:2: {sentence}"));
    let fault = Sample::new("Transform: AWS::Serverless-2016-10-31\nResource: {}\n").fault();
    assert!(fault.starts_with("template.yaml:2: a template with `Resource` is not supported; supported: "), "{fault}");
    let fault = Sample::new("Transform: AWS::Serverless-2016-10-31\nGlobals: { Api: {} }\nResources: {}\n").fault();
    let supported = "supported: `Function`, `HttpApi`, `WebSocketApi`";
    assert_eq!(fault, format!("template.yaml:2: `Globals` with `Api` is not supported; {supported}"));
}

#[test]
fn resource_types_and_properties() {
    let fault = with_resources("  B:\n    Type: AWS::SNS::Topic\n").fault();
    let start =
        "template.yaml:4: the resource type `AWS::SNS::Topic` is not supported; supported: `AWS::Serverless::Function`";
    assert!(fault.starts_with(start), "{fault}");
    let fault = with_resources("  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      Name: x\n").fault();
    let start = "template.yaml:6: AWS::SQS::Queue with `Name` is not supported; supported: ";
    assert!(fault.starts_with(start), "{fault}");
    refused(&[
        ("  Q:\n    Properties: {}\n", "3: a resource needs `Type`"),
        (
            "  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: 901\n",
            "6: expected a whole number from 0 to 900 for `DelaySeconds`, found `901`",
        ),
        (
            "  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      FifoQueue: maybe\n",
            "6: expected `true` or `false`, found `maybe`",
        ),
        (
            "  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: { a: b }\n",
            "6: expected text, found a mapping",
        ),
        (
            "  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy:\n        maxReceiveCount: 3\n",
            "7: `RedrivePolicy` needs `deadLetterTargetArn`",
        ),
    ]);
}

#[test]
fn names() {
    refused(&[
        ("  Q:\n    Type: AWS::SQS::Queue\n    DependsOn: R\n", "5: the template has nothing named `R`"),
        (
            "  V:\n    Type: AWS::EC2::VPC\n    Properties: { A: !Sub '${B.C}' }\n",
            "5: the template has nothing named `B`",
        ),
        ("  V:\n    Type: AWS::EC2::VPC\n    Condition: C\n", "5: the condition `C` is not supported; supported: none"),
    ]);
    let sample = with_variable("!Ref Nothing");
    assert_eq!(sample.fault(), "template.yaml:13: the template has nothing named `Nothing`");
    // Names are checked while reading, values while resolving.
    assert!(sample.read().is_err());
    assert!(with_variable("!GetAtt F.Nothing").read().is_ok());
    let sentence =
        "template.yaml:13: `GetAtt` of F (AWS::Serverless::Function) with `Nothing` is not supported; supported: `Arn`";
    assert_eq!(with_variable("!GetAtt F.Nothing").fault(), sentence);
    let outputs = "Outputs:\n  X: { Value: !Ref Y }\n";
    let text =
        format!("Transform: AWS::Serverless-2016-10-31\nResources: {{ Q: {{ Type: AWS::SQS::Queue }} }}\n{outputs}");
    assert_eq!(Sample::new(&text).fault(), "template.yaml:4: the template has nothing named `Y`");
}

#[test]
fn functions_of_the_template_language() {
    let fault = with_variable("!Shout a").fault();
    let start = "template.yaml:13: the function `!Shout` is not supported; supported: `Ref`, `GetAtt`, `Sub`";
    assert!(fault.starts_with(start), "{fault}");
    let fault = with_variable("{ 'Fn::Shout': a }").fault();
    assert!(fault.starts_with("template.yaml:13: the function `Fn::Shout` is not supported"), "{fault}");
    let sentence = "template.yaml:13: `GetAZs` is not supported where the local cloud needs its value";
    assert_eq!(with_variable("!GetAZs us-east-1").fault(), sentence);
    let sentence = "template.yaml:13: `Ref` must be the only key of its mapping";
    assert_eq!(with_variable("{ Ref: F, Other: x }").fault(), sentence);
    let sentence = "template.yaml:13: `Equals` decides a condition; it is not a value";
    assert_eq!(with_variable("!Equals [a, b]").fault(), sentence);
    let sentence = "template.yaml:13: expected text, found nothing";
    assert_eq!(with_variable("").fault(), sentence);
}

#[test]
fn functions_are_built_by_cargo_lambda_only() {
    let text = std::fs::read_to_string(with_variable("x").file()).unwrap();
    for (from, to, sentence) in [
        ("rust-cargolambda", "makefile", "6: `BuildMethod` `makefile` is not supported; supported: `rust-cargolambda`"),
        ("{ Binary: f }", "{}", "6: `Metadata.BuildProperties` of a function needs `Binary`"),
        ("CodeUri: code", "CodeUri: nowhere", "9: `CodeUri` must be a folder with the function's sources; "),
        (
            "provided.al2023",
            "python3.13",
            "10: `Runtime` `python3.13` is not supported; supported: `provided.al2023`, `provided.al2`",
        ),
        ("      Runtime: provided.al2023\n", "", "9: AWS::Serverless::Function needs `Runtime`"),
        (
            "CodeUri: code",
            "CodeUri: code\n      Layers: [x]",
            "10: AWS::Serverless::Function with `Layers` is not supported; ",
        ),
        (
            "CodeUri: code",
            "CodeUri: code\n      Timeout: 901",
            "10: expected a whole number from 1 to 900 for `Timeout`, found `901`",
        ),
        (
            "CodeUri: code",
            "CodeUri: code\n      Events:\n        E:\n          Type: SNS",
            "12: `Type` `SNS` is not supported; supported: `HttpApi`, `SQS`",
        ),
    ] {
        let fault = Sample::new(&text.replace(from, to)).fault();
        assert!(fault.starts_with(&format!("template.yaml:{sentence}")), "{fault}");
    }
}
