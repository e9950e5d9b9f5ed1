//! Resource types that a template may have and that nothing on loopback needs.

/// Types, grouped by the reason. Their properties are accepted as they are, and they have no attributes.
const TYPES: &[(&[&str], &str)] = &[
    (
        &[
            "AWS::EC2::InternetGateway",
            "AWS::EC2::NatGateway",
            "AWS::EC2::Route",
            "AWS::EC2::RouteTable",
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::SecurityGroupEgress",
            "AWS::EC2::SecurityGroupIngress",
            "AWS::EC2::Subnet",
            "AWS::EC2::SubnetRouteTableAssociation",
            "AWS::EC2::VPC",
            "AWS::EC2::VPCEndpoint",
            "AWS::EC2::VPCGatewayAttachment",
            "AWS::RDS::DBSubnetGroup",
        ],
        "everything shares the loopback network",
    ),
    (
        &[
            "AWS::IAM::ManagedPolicy",
            "AWS::IAM::Policy",
            "AWS::Lambda::Permission",
            "AWS::S3::BucketPolicy",
            "AWS::SQS::QueuePolicy",
        ],
        "only the policies of functions are enforced",
    ),
    (
        &[
            "AWS::CloudWatch::Alarm",
            "AWS::CloudWatch::CompositeAlarm",
            "AWS::CloudWatch::Dashboard",
            "AWS::Logs::LogGroup",
            "AWS::Logs::MetricFilter",
        ],
        "functions log to the terminal",
    ),
    (
        &["AWS::Lambda::CapacityProvider", "AWS::Serverless::CapacityProvider"],
        "functions with `CapacityProviderConfig` run on this machine",
    ),
    (
        &["AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBInstance", "AWS::RDS::DBParameterGroup"],
        "one PostgreSQL server emulates every instance of a cluster",
    ),
    (
        &[
            "AWS::ApiGatewayV2::ApiMapping",
            "AWS::ApiGatewayV2::DomainName",
            "AWS::Route53::RecordSet",
            "AWS::Route53::RecordSetGroup",
        ],
        "there are no domain names on loopback",
    ),
    (
        &["AWS::Cognito::UserPoolDomain", "AWS::Cognito::UserPoolResourceServer"],
        "the local issuer has one address, and knows scopes by the clients that have them",
    ),
    (
        &[
            "AWS::CloudFront::CachePolicy",
            "AWS::CloudFront::Distribution",
            "AWS::CloudFront::OriginAccessControl",
            "AWS::CloudFront::ResponseHeadersPolicy",
        ],
        "the page for browsers is served by the local cloud itself",
    ),
];

pub(super) fn is_known(type_name: &str) -> bool {
    types().any(|name| name == type_name)
}

pub(super) fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().flat_map(|(types, _)| types.iter().copied())
}
