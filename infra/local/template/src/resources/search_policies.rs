//! The policies of OpenSearch Serverless: `AWS::OpenSearchServerless::SecurityPolicy` and `AWS::OpenSearchServerless::AccessPolicy`.
//!
//! <https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-security.html>

use local_aws::Policy;
use local_aws::policy::{Effect, Statement, Verdict};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::DataAccess;
use super::super::resource::Resource;
use super::super::scope::Scope;
use super::super::shape::Shape;

pub(super) const SECURITY_TYPE: &str = "AWS::OpenSearchServerless::SecurityPolicy";
pub(super) const ACCESS_TYPE: &str = "AWS::OpenSearchServerless::AccessPolicy";

pub(super) const SECURITY: Shape = Shape {
    place: SECURITY_TYPE,
    supported: &["Name", "Policy", "Type"],
    ignored: &[(&["Description"], "for people")],
};

pub(super) const ACCESS: Shape = Shape { place: ACCESS_TYPE, supported: SECURITY.supported, ignored: SECURITY.ignored };

/// Permissions on a collection.
const COLLECTION_PERMISSIONS: [&str; 5] = [
    "aoss:*",
    "aoss:CreateCollectionItems",
    "aoss:DeleteCollectionItems",
    "aoss:DescribeCollectionItems",
    "aoss:UpdateCollectionItems",
];

/// Permissions that rules for indices may grant.
const INDEX_PERMISSIONS: [&str; 7] = [
    "aoss:*",
    "aoss:CreateIndex",
    "aoss:DeleteIndex",
    "aoss:DescribeIndex",
    "aoss:ReadDocument",
    "aoss:UpdateIndex",
    "aoss:WriteDocument",
];

/// A policy of encryption or of the network.
pub(super) struct SecurityPolicy {
    pub(super) is_of_encryption: bool,
    /// Patterns of collections, `collection/<name>`, for which it is meant.
    collections: Vec<String>,
}

impl SecurityPolicy {
    /// Returns true if a collection of this name has the policy.
    pub(super) fn covers(&self, collection: &str) -> bool {
        let statement = Statement::new(Effect::Allow, &["*".to_owned()], self.collections.clone());
        Policy::from_iter([statement]).evaluate("*", &format!("collection/{collection}")) == Verdict::Allow
    }
}

/// A rule of any policy.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Rule {
    resource_type: String,
    resource: Vec<String>,
    /// Of policies of data access.
    #[serde(default)]
    permission: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the other keys have no meaning on loopback")]
struct Encryption {
    #[serde(rename = "Rules")]
    rules: Vec<Rule>,
    #[serde(rename = "AWSOwnedKey", default)]
    aws_owned_key: Option<bool>,
    #[serde(rename = "KmsARN", default)]
    kms_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the other keys have no meaning on loopback")]
struct Network {
    #[serde(rename = "Rules")]
    rules: Vec<Rule>,
    #[serde(rename = "AllowFromPublic", default)]
    allow_from_public: bool,
    #[serde(rename = "SourceVPCEs", default)]
    source_vpces: Vec<String>,
    #[serde(rename = "SourceServices", default)]
    source_services: Vec<String>,
    #[serde(rename = "Description", default)]
    description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the description is for people")]
struct Data {
    rules: Vec<Rule>,
    principal: Vec<String>,
    #[serde(default)]
    description: Option<String>,
}

pub(super) fn read_security(scope: &Scope<'_>, resource: &Resource) -> Result<SecurityPolicy, Fault> {
    let fields = resource.fields(scope, &SECURITY)?;
    fields.required("Name")?;
    let kind = fields.one_of("Type", &["encryption", "network"])?.ok_or_else(|| fields.missing("Type"))?;
    let is_of_encryption = kind == "encryption";
    let rules = if is_of_encryption {
        policy::<Encryption>(&fields)?.rules
    } else {
        policy::<Vec<Network>>(&fields)?.into_iter().flat_map(|network| network.rules).collect()
    };
    let mut collections = Vec::new();
    for rule in rules {
        match rule.resource_type.as_str() {
            "collection" => collections.extend(rule.resource),
            "dashboard" if !is_of_encryption => {}
            other => return Err(unknown(&fields, "the resource type", other, &["collection"])),
        }
    }
    Ok(SecurityPolicy { is_of_encryption, collections })
}

/// Reads a policy of data access.
pub(crate) fn read_access(scope: &Scope<'_>, resource: &Resource) -> Result<Vec<DataAccess>, Fault> {
    let fields = resource.fields(scope, &ACCESS)?;
    fields.required("Name")?;
    fields.one_of("Type", &["data"])?.ok_or_else(|| fields.missing("Type"))?;
    let mut grants = Vec::new();
    for Data { rules, principal, .. } in policy::<Vec<Data>>(&fields)? {
        for Rule { resource_type, resource, permission } in rules {
            let known: &[&str] = match resource_type.as_str() {
                "collection" => &COLLECTION_PERMISSIONS,
                "index" => &INDEX_PERMISSIONS,
                other => return Err(unknown(&fields, "the resource type", other, &["collection", "index"])),
            };
            if let Some(other) = permission.iter().find(|permission| !known.contains(&permission.as_str())) {
                return Err(unknown(&fields, "the permission", other, known));
            }
            if let Some(other) = resource.iter().find(|resource| !resource.starts_with(&format!("{resource_type}/"))) {
                let sentence = format!(
                    "`{other}` is no resource of the type `{resource_type}`: they begin with `{resource_type}/`"
                );
                return Err(Fault::invalid(fields.line("Policy"), sentence));
            }
            grants.push(DataAccess { principals: principal.clone(), permissions: permission, resources: resource });
        }
    }
    Ok(grants)
}

/// The JSON of a policy.
fn policy<T: DeserializeOwned>(fields: &Fields<'_>) -> Result<T, Fault> {
    let text = fields.required("Policy")?;
    serde_json::from_str(&text).map_err(|error| {
        let sentence = format!("the policy cannot be read: {error}");
        Fault::invalid(fields.line("Policy"), sentence)
    })
}

fn unknown(fields: &Fields<'_>, what: &str, found: &str, known: &[&str]) -> Fault {
    Fault::unknown_value(fields.line("Policy"), what, found, known.iter().copied())
}

/// Returns the value of `!Ref`: type and name.
pub(super) fn reference(scope: &Scope<'_>, resource: &Resource, shape: &'static Shape) -> Result<String, Fault> {
    let fields = resource.fields(scope, shape)?;
    Ok(format!("{}|{}", fields.required("Type")?, fields.required("Name")?))
}
