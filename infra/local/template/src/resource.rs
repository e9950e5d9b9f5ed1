//! A resource before its values are resolved.

use super::yaml::Node;

/// One resource, its properties not resolved yet.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) id: String,
    pub(super) line: usize,
    pub(super) kind: Kind,
    pub(super) type_name: String,
    /// The line of the type.
    pub(super) type_line: usize,
    pub(super) properties: Node,
    /// The condition's name and its line.
    pub(super) condition: Option<(String, usize)>,
    /// Logical ids and their lines.
    pub(super) depends_on: Vec<(String, usize)>,
    pub(super) metadata: Option<Node>,
}

/// The role of a resource in the local cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    HttpApi,
    WebSocketApi,
    /// `AWS::ApiGatewayV2::Api` with the protocol `HTTP`, and its parts below.
    PlainHttpApi,
    /// The same with the protocol `WEBSOCKET`.
    PlainWebSocketApi,
    Route,
    Integration,
    Authorizer,
    Stage,
    Deployment,
    RouteResponse,
    Table,
    Bucket,
    Queue,
    Cluster,
    Secret,
    UserPool,
    UserPoolClient,
    ScheduleGroup,
    Collection,
    /// Policies of encryption and of the network.
    SecurityPolicy,
    /// Policies of data access.
    AccessPolicy,
    /// `AWS::IAM::Role`, of which only name and ARN matter.
    Role,
    Custom,
    /// Accepted, and nothing is started for it.
    WithoutMeaning,
    /// Not supported, and perhaps not there: its condition decides.
    Unsupported,
}
