//! The resource type `AWS::S3::Bucket`.

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::{Bucket, BucketCors};
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::bucket_notification::{arn, notification};
use super::function_events;

pub(super) const TYPE: &str = "AWS::S3::Bucket";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &["BucketName", "CorsConfiguration", "NotificationConfiguration"],
    ignored: &[
        (&["BucketEncryption"], "nothing is encrypted at rest"),
        (&["AccessControl", "OwnershipControls", "PublicAccessBlockConfiguration"], "IAM is not enforced"),
        (&["VersioningConfiguration"], "an object that is deleted or overwritten is gone"),
        (&["LifecycleConfiguration", "IntelligentTieringConfigurations"], "objects stay until they are deleted"),
        (
            &["AccelerateConfiguration", "AnalyticsConfigurations", "InventoryConfigurations", "LoggingConfiguration"],
            "about cost and traffic",
        ),
        (&["MetricsConfigurations"], "there are no metrics locally"),
        (&["Tags"], "for people and bills"),
    ],
};

const CORS: Shape = Shape { place: "`CorsConfiguration`", supported: &["CorsRules"], ignored: &[] };
const CORS_RULE: Shape = Shape {
    place: "a CORS rule",
    supported: &["AllowedHeaders", "AllowedMethods", "AllowedOrigins", "ExposedHeaders", "MaxAge"],
    ignored: &[(&["Id"], "for people")],
};
/// Methods that a rule can allow.
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

const NOTIFICATIONS: Shape =
    Shape { place: "`NotificationConfiguration`", supported: &["LambdaConfigurations"], ignored: &[] };
const LAMBDA: Shape =
    Shape { place: "a Lambda configuration", supported: &["Event", "Filter", "Function"], ignored: &[] };
/// `!Ref` of a bucket. Bucket names have no capitals, so a generated one has none either.
pub(super) fn name(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    let name = resource.name(scope, "BucketName")?;
    Ok(if resource.properties.get("BucketName").is_none() { name.to_lowercase() } else { name })
}

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Result<Option<String>, Fault> {
    (attribute == "Arn").then(|| name(scope, resource).map(|name| arn(&name))).transpose()
}

/// Reads a bucket with its notifications, those from the events of all functions included.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource, functions: &[&Resource]) -> Result<Bucket, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    let mut notifications = Vec::new();
    if let Some(configuration) = fields.object("NotificationConfiguration", &NOTIFICATIONS)? {
        for (number, lambda) in configuration.objects("LambdaConfigurations", &LAMBDA)?.iter().enumerate() {
            let (arn, line) = (lambda.required("Function")?, lambda.line("Function"));
            let function = scope.find(Kind::Function, "Arn", &arn, line)?.id.clone();
            notifications.push(notification(format!("{}{number}", resource.id), function, lambda, "Event")?);
        }
    }
    for function in functions {
        notifications.extend(function_events::bucket_notifications(scope, function, resource)?);
    }
    let name = name(scope, resource)?;
    let cors = match fields.object("CorsConfiguration", &CORS)? {
        Some(cors) => cors.objects("CorsRules", &CORS_RULE)?.iter().map(cors_rule).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(Bucket { logical_id: resource.id.clone(), arn: arn(&name), name, notifications, cors })
}

fn cors_rule(fields: &Fields<'_>) -> Result<BucketCors, Fault> {
    let rule = BucketCors {
        allowed_origins: fields.texts("AllowedOrigins")?,
        allowed_methods: fields.texts("AllowedMethods")?,
        allowed_headers: fields.texts("AllowedHeaders")?,
        exposed_headers: fields.texts("ExposedHeaders")?,
        max_age: fields.number("MaxAge", 0..=u32::MAX)?,
    };
    for (key, values) in [("AllowedOrigins", &rule.allowed_origins), ("AllowedMethods", &rule.allowed_methods)] {
        if values.is_empty() {
            return Err(fields.missing(key));
        }
    }
    if let Some(other) = rule.allowed_methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
        return Err(Fault::unknown_value(fields.line("AllowedMethods"), "the method", other, METHODS));
    }
    for (key, values) in [("AllowedOrigins", &rule.allowed_origins), ("AllowedHeaders", &rule.allowed_headers)] {
        if let Some(many) = values.iter().find(|value| value.matches('*').count() > 1) {
            return Err(Fault::invalid(fields.line(key), format!("S3 takes one `*` at most, and `{many}` has more")));
        }
    }
    Ok(rule)
}
