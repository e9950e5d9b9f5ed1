//! The model of OpenSearch Serverless: collections, and who may do what with their data.

/// A collection of OpenSearch Serverless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    pub logical_id: String,
    /// The value of `!Ref Collection`.
    pub id: String,
    pub name: String,
    pub arn: String,
}

/// Permissions on the data of collections, which a policy of data access grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataAccess {
    /// ARNs of the roles that get the permissions.
    pub principals: Vec<String>,
    /// `aoss:ReadDocument` and the like.
    pub permissions: Vec<String>,
    /// Patterns of what they are for: `index/<collection>/<index>`, `collection/<collection>`.
    pub resources: Vec<String>,
}
