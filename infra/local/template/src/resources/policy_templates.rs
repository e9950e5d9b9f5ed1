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

/// One of SAM's policy templates, such as `SQSPollerPolicy`.
pub(super) struct Template {
    /// With its name and its parameter.
    shape: Shape,
    parameter: &'static str,
    actions: &'static [&'static str],
    resources: fn(&str) -> Vec<String>,
}

impl Template {
    const fn new(
        name: &'static str,
        parameter: &'static [&'static str; 1],
        actions: &'static [&'static str],
        resources: fn(&str) -> Vec<String>,
    ) -> Self {
        let shape = Shape { place: name, supported: parameter, ignored: &[] };
        Self { shape, parameter: parameter[0], actions, resources }
    }
}

static TEMPLATES: [Template; 10] = [
    Template::new(
        "DynamoDBCrudPolicy",
        &["TableName"],
        &[
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
        table,
    ),
    Template::new(
        "DynamoDBReadPolicy",
        &["TableName"],
        &["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:DescribeTable"],
        table,
    ),
    Template::new(
        "DynamoDBWritePolicy",
        &["TableName"],
        &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"],
        table,
    ),
    Template::new(
        "S3ReadPolicy",
        &["BucketName"],
        &[
            "s3:GetObject",
            "s3:ListBucket",
            "s3:GetBucketLocation",
            "s3:GetObjectVersion",
            "s3:GetLifecycleConfiguration",
        ],
        bucket,
    ),
    Template::new(
        "S3WritePolicy",
        &["BucketName"],
        &["s3:PutObject", "s3:PutObjectAcl", "s3:PutLifecycleConfiguration"],
        bucket,
    ),
    Template::new(
        "S3CrudPolicy",
        &["BucketName"],
        &[
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
        bucket,
    ),
    Template::new("SQSSendMessagePolicy", &["QueueName"], &["sqs:SendMessage*"], queue),
    Template::new(
        "SQSPollerPolicy",
        &["QueueName"],
        &[
            "sqs:ChangeMessageVisibility",
            "sqs:ChangeMessageVisibilityBatch",
            "sqs:DeleteMessage",
            "sqs:DeleteMessageBatch",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
        queue,
    ),
    Template::new("LambdaInvokePolicy", &["FunctionName"], &["lambda:InvokeFunction"], |name| {
        vec![format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}*")]
    }),
    Template::new("AWSSecretsManagerGetSecretValuePolicy", &["SecretArn"], &["secretsmanager:GetSecretValue"], |arn| {
        vec![arn.to_owned()]
    }),
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
    TEMPLATES.iter().map(|template| template.shape.place)
}

/// Finds the template that an entry of `Policies` names.
pub(super) fn find(entries: &[Entry]) -> Option<(&'static Template, &Node)> {
    let [entry] = entries else { return None };
    let template = TEMPLATES.iter().find(|template| template.shape.place == entry.key)?;
    Some((template, &entry.value))
}

impl Template {
    /// Reads the parameter; returns the statement.
    pub(super) fn statement(&'static self, scope: &Scope<'_>, parameters: &Node) -> Result<Option<Statement>, Fault> {
        let Some(fields) = Fields::open(scope, parameters, &self.shape)? else { return Ok(None) };
        let parameter = fields.required(self.parameter)?;
        let actions: Vec<_> = self.actions.iter().map(|action| (*action).to_owned()).collect();
        Ok(Some(Statement::new(Effect::Allow, &actions, (self.resources)(&parameter))))
    }
}
