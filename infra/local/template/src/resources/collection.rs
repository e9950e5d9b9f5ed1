//! The resource type `AWS::OpenSearchServerless::Collection`.

use super::super::error::Fault;
use super::super::model::Collection;
use super::super::resource::Resource;
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::search_policies::{self, SecurityPolicy};

pub(super) const TYPE: &str = "AWS::OpenSearchServerless::Collection";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &["Name", "Type"],
    ignored: &[
        (&["Description", "Tags"], "for people and bills"),
        (&["StandbyReplicas"], "one engine emulates all replicas"),
    ],
};

pub(super) const ATTRIBUTES: &[&str] = &["Arn", "CollectionEndpoint", "DashboardEndpoint", "Id"];

/// Lengths of names: <https://docs.aws.amazon.com/opensearch-service/latest/ServerlessAPIReference/API_CreateCollection.html>.
const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 3..=32;

/// Reads the collection, with the policies that AWS asks for before it makes one.
pub(crate) fn read_all(
    scope: &Scope<'_>,
    collections: &[&Resource],
    policies: &[&Resource],
) -> Result<Vec<Collection>, Fault> {
    let policies = policies.iter().map(|policy| search_policies::read_security(scope, policy));
    let policies = policies.collect::<Result<Vec<_>, _>>()?;
    if let [_, second, ..] = collections {
        return Err(Fault::invalid(second.line, "one collection of OpenSearch Serverless is supported"));
    }
    collections.iter().map(|collection| read(scope, collection, &policies)).collect()
}

fn read(scope: &Scope<'_>, resource: &Resource, policies: &[SecurityPolicy]) -> Result<Collection, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    if fields.one_of("Type", &["SEARCH"])?.is_none() {
        // AWS makes one for time series, which takes no ids of documents.
        return Err(fields.missing("Type"));
    }
    let name = fields.required("Name")?;
    let is_valid = NAME_LENGTHS.contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-');
    if !is_valid {
        let sentence = format!(
            "`{name}` is no name of a collection: it has 3 to 32 small letters, digits and hyphens, and begins with a letter"
        );
        return Err(Fault::invalid(fields.line("Name"), sentence));
    }
    for (kind, is_there) in [
        ("encryption", policies.iter().any(|policy| policy.is_of_encryption && policy.covers(&name))),
        ("network", policies.iter().any(|policy| !policy.is_of_encryption && policy.covers(&name))),
    ] {
        if !is_there {
            let sentence =
                format!("`collection/{name}` needs an `{}` of the type `{kind}`", search_policies::SECURITY_TYPE);
            return Err(Fault::invalid(fields.line("Name"), sentence));
        }
    }
    Ok(Collection { logical_id: resource.id.clone(), id: id(scope, resource), name, arn: arn(scope, resource) })
}

/// The id: small letters and digits, as AWS's, and the same at each start.
pub(super) fn id(scope: &Scope<'_>, resource: &Resource) -> String {
    let name = scope.physical_name(&resource.id).to_ascii_lowercase();
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn arn(scope: &Scope<'_>, resource: &Resource) -> String {
    scope.arn("aoss", &format!("collection/{}", id(scope, resource)))
}

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Option<String> {
    let endpoint = || format!("http://{}", scope.addresses.opensearch);
    match attribute {
        "Arn" => Some(arn(scope, resource)),
        "Id" => Some(id(scope, resource)),
        "CollectionEndpoint" => Some(endpoint()),
        "DashboardEndpoint" => Some(format!("{}/_dashboards", endpoint())),
        _ => None,
    }
}
