//! The resource type `AWS::DynamoDB::Table`.

use serde_json::{Map, Value, json};

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::Table;
use super::super::resource::Resource;
use super::super::scope::Scope;
use super::super::shape::Shape;

pub(super) const TYPE: &str = "AWS::DynamoDB::Table";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &[
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "StreamSpecification",
        "TableName",
        "TimeToLiveSpecification",
    ],
    ignored: &[
        (&["PointInTimeRecoverySpecification"], "there are no backups locally"),
        (&["SSESpecification"], "nothing is encrypted at rest"),
        (&["DeletionProtectionEnabled"], "stacks are not deleted locally"),
        (&["ResourcePolicy"], "IAM is not enforced"),
        (
            &["ContributorInsightsSpecification", "OnDemandThroughput", "TableClass", "Tags", "WarmThroughput"],
            "about throughput, bills and metrics",
        ),
    ],
};

const INDEX: Shape = Shape {
    place: "an index",
    supported: &["IndexName", "KeySchema", "Projection", "ProvisionedThroughput"],
    ignored: &[(
        &["ContributorInsightsSpecification", "OnDemandThroughput", "WarmThroughput"],
        "about throughput, bills and metrics",
    )],
};

const DEFINITION: Shape =
    Shape { place: "an attribute definition", supported: &["AttributeName", "AttributeType"], ignored: &[] };
const KEY: Shape = Shape { place: "a key", supported: &["AttributeName", "KeyType"], ignored: &[] };
const PROJECTION: Shape =
    Shape { place: "`Projection`", supported: &["NonKeyAttributes", "ProjectionType"], ignored: &[] };
const THROUGHPUT: Shape =
    Shape { place: "`ProvisionedThroughput`", supported: &["ReadCapacityUnits", "WriteCapacityUnits"], ignored: &[] };
const STREAM: Shape = Shape {
    place: "`StreamSpecification`",
    supported: &["StreamViewType"],
    ignored: &[(&["ResourcePolicy"], "IAM is not enforced")],
};
const TIME_TO_LIVE: Shape =
    Shape { place: "`TimeToLiveSpecification`", supported: &["AttributeName", "Enabled"], ignored: &[] };

/// The label of a stream is the time of its creation, which a template cannot know; locally it is fixed.
const STREAM_LABEL: &str = "2026-01-01T00:00:00.000";

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Result<Option<String>, Fault> {
    let arn = scope.arn("dynamodb", &format!("table/{}", resource.name(scope, "TableName")?));
    match attribute {
        "Arn" => Ok(Some(arn)),
        "StreamArn" => Ok(Some(format!("{arn}/stream/{STREAM_LABEL}"))),
        _ => Ok(None),
    }
}

/// Reads a table into the request that creates it.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource) -> Result<Table, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    let name = resource.name(scope, "TableName")?;
    let mut request = Map::new();
    request.insert("TableName".to_owned(), json!(name));
    request.insert("KeySchema".to_owned(), key_schema(&fields)?);
    let definitions = fields.objects("AttributeDefinitions", &DEFINITION)?.into_iter().map(|definition| {
        let kind = definition.one_of("AttributeType", &["S", "N", "B"])?;
        let kind = kind.ok_or_else(|| definition.missing("AttributeType"))?;
        Ok(json!({"AttributeName": definition.required("AttributeName")?, "AttributeType": kind}))
    });
    request.insert("AttributeDefinitions".to_owned(), definitions.collect::<Result<_, Fault>>()?);
    if let Some(mode) = fields.one_of("BillingMode", &["PAY_PER_REQUEST", "PROVISIONED"])? {
        request.insert("BillingMode".to_owned(), json!(mode));
    }
    if let Some(throughput) = throughput(&fields)? {
        request.insert("ProvisionedThroughput".to_owned(), throughput);
    }
    for key in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        let indexes = fields.objects(key, &INDEX)?;
        if !indexes.is_empty() {
            request.insert(key.to_owned(), indexes.iter().map(index).collect::<Result<_, _>>()?);
        }
    }
    if let Some(stream) = fields.object("StreamSpecification", &STREAM)? {
        let views = ["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"];
        let view = stream.one_of("StreamViewType", &views)?.ok_or_else(|| stream.missing("StreamViewType"))?;
        let specification = json!({"StreamEnabled": true, "StreamViewType": view});
        request.insert("StreamSpecification".to_owned(), specification);
    }
    Ok(Table {
        logical_id: resource.id.clone(),
        name,
        create_table: Value::Object(request),
        ttl_attribute: ttl_attribute(&fields)?,
    })
}

fn index(fields: &Fields<'_>) -> Result<Value, Fault> {
    let projection = fields.object("Projection", &PROJECTION)?.ok_or_else(|| fields.missing("Projection"))?;
    let kind = projection.one_of("ProjectionType", &["ALL", "KEYS_ONLY", "INCLUDE"])?;
    let mut projected = Map::new();
    projected.insert("ProjectionType".to_owned(), json!(kind.ok_or_else(|| projection.missing("ProjectionType"))?));
    let names = projection.texts("NonKeyAttributes")?;
    if !names.is_empty() {
        projected.insert("NonKeyAttributes".to_owned(), json!(names));
    }
    let mut index = Map::new();
    index.insert("IndexName".to_owned(), json!(fields.required("IndexName")?));
    index.insert("KeySchema".to_owned(), key_schema(fields)?);
    index.insert("Projection".to_owned(), Value::Object(projected));
    if let Some(throughput) = throughput(fields)? {
        index.insert("ProvisionedThroughput".to_owned(), throughput);
    }
    Ok(Value::Object(index))
}

fn key_schema(fields: &Fields<'_>) -> Result<Value, Fault> {
    let keys = fields.objects("KeySchema", &KEY)?;
    if keys.is_empty() {
        return Err(fields.missing("KeySchema"));
    }
    let keys = keys.into_iter().map(|key| {
        let kind = key.one_of("KeyType", &["HASH", "RANGE"])?.ok_or_else(|| key.missing("KeyType"))?;
        Ok(json!({"AttributeName": key.required("AttributeName")?, "KeyType": kind}))
    });
    keys.collect()
}

fn throughput(fields: &Fields<'_>) -> Result<Option<Value>, Fault> {
    let Some(throughput) = fields.object("ProvisionedThroughput", &THROUGHPUT)? else {
        return Ok(None);
    };
    let units = |key| throughput.number(key, 1..=u64::MAX)?.ok_or_else(|| throughput.missing(key));
    Ok(Some(json!({
        "ReadCapacityUnits": units("ReadCapacityUnits")?,
        "WriteCapacityUnits": units("WriteCapacityUnits")?,
    })))
}

fn ttl_attribute(fields: &Fields<'_>) -> Result<Option<String>, Fault> {
    let Some(ttl) = fields.object("TimeToLiveSpecification", &TIME_TO_LIVE)? else {
        return Ok(None);
    };
    match ttl.boolean("Enabled")? {
        Some(true) => ttl.required("AttributeName").map(Some),
        Some(false) => Ok(None),
        None => Err(ttl.missing("Enabled")),
    }
}
