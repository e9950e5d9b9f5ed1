//! Policies of functions: what is read, and what is refused.

use local_aws::policy::Verdict;

use super::*;

/// A function `F` with these policies, whose first line is line 12, and a table and a queue.
fn with_policies(policies: &str) -> Sample {
    with_resources(&format!(
        "  F:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: rust-cargolambda
      BuildProperties: {{ Binary: f }}
    Properties:
      CodeUri: code
      Runtime: provided.al2023
      Policies:
{policies}
  Q: {{ Type: AWS::SQS::Queue }}
"
    ))
}

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:local-Q";

fn verdict(policies: &str, action: &str, resource: &str) -> Verdict {
    with_policies(policies).resolve().unwrap().functions[0].policy.evaluate(action, resource)
}

#[test]
fn statements_have_physical_names() {
    let policies = "        - AWSLambdaBasicExecutionRole
        - Version: '2012-10-17'
          Statement:
            - {Sid: Send, Effect: Allow, Action: sqs:Send*, Resource: !GetAtt Q.Arn}
            - Effect: Deny
              Action: [sqs:SendMessage]
              Resource: [!Sub 'arn:${AWS::Partition}:sqs:*:*:other']
              Condition: {'Null': {'lambda:SourceFunctionArn': 'false'}}
        - Statement: {Effect: Allow, Action: [sqs:ReceiveMessage], Resource: '*'}";
    assert_eq!(verdict(policies, "sqs:SendMessage", QUEUE), Verdict::Allow);
    assert_eq!(verdict(policies, "sqs:SendMessage", "arn:aws:sqs:us-east-1:1:other"), Verdict::ExplicitDeny);
    assert_eq!(verdict(policies, "sqs:DeleteMessage", QUEUE), Verdict::ImplicitDeny);
    assert_eq!(verdict(policies, "sqs:ReceiveMessage", "arn:any"), Verdict::Allow);
    let stack = with_policies("        []").resolve().unwrap();
    assert_eq!(stack.functions[0].role, "local-FRole");
    assert_eq!(stack.functions[0].policy.evaluate("sqs:SendMessage", QUEUE), Verdict::ImplicitDeny);
}

#[test]
fn a_policy_template_brings_its_statement() {
    let policies = "        - SQSSendMessagePolicy: { QueueName: !GetAtt Q.QueueName }
        - DynamoDBReadPolicy: { TableName: things }
        - S3CrudPolicy: { BucketName: things }
        - LambdaInvokePolicy: { FunctionName: other }";
    assert_eq!(verdict(policies, "sqs:SendMessage", QUEUE), Verdict::Allow);
    assert_eq!(verdict(policies, "sqs:ReceiveMessage", QUEUE), Verdict::ImplicitDeny);
    let table = "arn:aws:dynamodb:us-east-1:000000000000:table/things";
    assert_eq!(verdict(policies, "dynamodb:Query", table), Verdict::Allow);
    assert_eq!(verdict(policies, "dynamodb:Query", &format!("{table}/index/by_name")), Verdict::Allow);
    assert_eq!(verdict(policies, "dynamodb:PutItem", table), Verdict::ImplicitDeny);
    assert_eq!(verdict(policies, "s3:DeleteObject", "arn:aws:s3:::things/one"), Verdict::Allow);
    assert_eq!(verdict(policies, "s3:DeleteObject", "arn:aws:s3:::others/one"), Verdict::ImplicitDeny);
    let function = "arn:aws:lambda:us-east-1:000000000000:function:other";
    assert_eq!(verdict(policies, "lambda:InvokeFunction", function), Verdict::Allow);
}

#[test]
fn an_event_source_brings_what_it_needs() {
    let events = "        []
      Events:
        Work: { Type: SQS, Properties: { Queue: !GetAtt Q.Arn } }";
    assert_eq!(verdict(events, "sqs:DeleteMessage", QUEUE), Verdict::Allow);
    assert_eq!(verdict(events, "sqs:SendMessage", QUEUE), Verdict::ImplicitDeny);
}

#[test]
fn what_is_not_enforced_is_refused() {
    let refused = |policies: &str, sentence: &str| {
        let fault = with_policies(policies).fault();
        assert!(fault.starts_with(&format!("template.yaml:{sentence}")), "{fault}");
    };
    refused(
        "        - AmazonSQSFullAccess",
        "12: the managed policy `AmazonSQSFullAccess` is not supported; supported: ",
    );
    refused(
        "        - SNSCrudPolicy: { TopicName: t }",
        "12: a policy of a function with `SNSCrudPolicy` is not supported; supported: `Statement`, `DynamoDBCrudPolicy`",
    );
    refused(
        "        - SQSPollerPolicy: { Queue: q }",
        "12: SQSPollerPolicy with `Queue` is not supported; supported: `QueueName`",
    );
    let statement = |rest: &str| format!("        - Statement:\n            - {{Effect: Allow, {rest}}}");
    refused(
        &statement("Action: 'sqs:*', Resource: '*', Condition: {Bool: {'aws:SecureTransport': true}}"),
        "13: the condition of a statement with `Bool` is not supported; supported: `Null`",
    );
    refused(
        &statement("Action: 'sqs:*', Resource: '*', Condition: {'Null': {'lambda:SourceFunctionArn': 'true'}}"),
        "13: ",
    );
    refused(
        &statement("NotAction: 'sqs:*', Resource: '*'"),
        "13: a statement of a policy with `NotAction` is not supported; supported: ",
    );
    refused(&statement("Action: 'sqs:*'"), "13: a statement of a policy needs `Resource`");
    refused(&statement("Action: sqs, Resource: '*'"), "13: `sqs` is no action: ");
    refused(&statement("Action: 'sqs:*', Resource: Q"), "13: `Q` is no resource: ");
    refused(
        "        []\n      Role: arn:aws:iam::000000000000:role/mine",
        "13: AWS::Serverless::Function with `Role` is not supported; supported: ",
    );
}
