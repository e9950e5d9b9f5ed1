//! SAM's policy templates: statements with a name and one parameter.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html>

use local_aws::policy::{Effect, Statement};
use local_aws::{ACCOUNT, REGION};

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::super::yaml::{Entry, Node};

/// A policy template with one parameter.
pub(super) struct Template {
    name: &'static str,
    shape: Shape,
    actions: &'static [&'static str],
    resources: fn(&str) -> Vec<String>,
}

const fn taking(place: &'static str, supported: &'static [&'static str]) -> Shape {
    Shape { place, supported, ignored: &[] }
}

static TEMPLATES: [Template; 10] = [
    Template {
        name: "DynamoDBCrudPolicy",
        shape: taking("DynamoDBCrudPolicy", &["TableName"]),
        actions: &[
            "dynamodb:GetItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:Scan",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
            "dynamodb:ConditionCheckItem",
        ],
        resources: table,
    },
    Template {
        name: "DynamoDBReadPolicy",
        shape: taking("DynamoDBReadPolicy", &["TableName"]),
        actions: &[
            "dynamodb:GetItem",
            "dynamodb:Scan",
            "dynamodb:Query",
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
        ],
        resources: table,
    },
    Template {
        name: "DynamoDBWritePolicy",
        shape: taking("DynamoDBWritePolicy", &["TableName"]),
        actions: &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"],
        resources: table,
    },
    Template {
        name: "S3ReadPolicy",
        shape: taking("S3ReadPolicy", &["BucketName"]),
        actions: &[
            "s3:GetObject",
            "s3:ListBucket",
            "s3:GetBucketLocation",
            "s3:GetObjectVersion",
            "s3:GetLifecycleConfiguration",
        ],
        resources: bucket,
    },
    Template {
        name: "S3WritePolicy",
        shape: taking("S3WritePolicy", &["BucketName"]),
        actions: &["s3:PutObject", "s3:PutObjectAcl", "s3:PutLifecycleConfiguration"],
        resources: bucket,
    },
    Template {
        name: "S3CrudPolicy",
        shape: taking("S3CrudPolicy", &["BucketName"]),
        actions: &[
            "s3:GetObject",
            "s3:ListBucket",
            "s3:GetBucketLocation",
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:PutObjectAcl",
            "s3:GetLifecycleConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:DeleteObject",
        ],
        resources: bucket,
    },
    Template {
        name: "SQSSendMessagePolicy",
        shape: taking("SQSSendMessagePolicy", &["QueueName"]),
        actions: &["sqs:SendMessage*"],
        resources: queue,
    },
    Template {
        name: "SQSPollerPolicy",
        shape: taking("SQSPollerPolicy", &["QueueName"]),
        actions: &[
            "sqs:ChangeMessageVisibility",
            "sqs:ChangeMessageVisibilityBatch",
            "sqs:DeleteMessage",
            "sqs:DeleteMessageBatch",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
        resources: queue,
    },
    Template {
        name: "LambdaInvokePolicy",
        shape: taking("LambdaInvokePolicy", &["FunctionName"]),
        actions: &["lambda:InvokeFunction"],
        resources: |name| vec![format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}*")],
    },
    Template {
        name: "AWSSecretsManagerGetSecretValuePolicy",
        shape: taking("AWSSecretsManagerGetSecretValuePolicy", &["SecretArn"]),
        actions: &["secretsmanager:GetSecretValue"],
        resources: |arn| vec![arn.to_owned()],
    },
];

fn table(name: &str) -> Vec<String> {
    let table = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}");
    vec![format!("{table}/index/*"), table]
}

fn bucket(name: &str) -> Vec<String> {
    vec![format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")]
}

fn queue(name: &str) -> Vec<String> {
    vec![format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")]
}

/// Returns the names of all templates.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.name)
}

/// Finds the template that an entry of `Policies` names.
pub(super) fn find(entries: &[Entry]) -> Option<(&'static Template, &Node)> {
    let [entry] = entries else { return None };
    let template = TEMPLATES.iter().find(|template| template.name == entry.key)?;
    Some((template, &entry.value))
}

impl Template {
    /// Reads the parameter; returns the statement.
    pub(super) fn statement(&'static self, scope: &Scope<'_>, parameters: &Node) -> Result<Option<Statement>, Fault> {
        let Some(fields) = Fields::open(scope, parameters, &self.shape)? else { return Ok(None) };
        let parameter = self.shape.supported.iter().map(|name| fields.required(name)).collect::<Result<String, _>>()?;
        let actions: Vec<_> = self.actions.iter().map(|action| (*action).to_owned()).collect();
        Ok(Some(Statement::new(Effect::Allow, &actions, (self.resources)(&parameter))))
    }
}
