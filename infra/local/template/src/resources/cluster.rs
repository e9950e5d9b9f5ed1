//! `AWS::RDS::DBCluster`, reached through the Data API.

use super::super::error::Fault;
use super::super::model::Cluster;
use super::super::resource::Resource;
use super::super::scope::Scope;
use super::super::shape::Shape;

pub(super) const TYPE: &str = "AWS::RDS::DBCluster";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &["DBClusterIdentifier", "DatabaseName", "EnableHttpEndpoint", "Engine", "ManageMasterUserPassword"],
    ignored: &[
        (
            &["EngineLifecycleSupport", "EngineMode", "EngineVersion"],
            "the PostgreSQL of this machine emulates the cluster",
        ),
        (
            &["MasterUserPassword", "MasterUserSecret", "MasterUsername", "EnableIAMDatabaseAuthentication"],
            "the owner of the database is the superuser of the local server",
        ),
        (
            &[
                "AvailabilityZones",
                "DBSubnetGroupName",
                "NetworkType",
                "Port",
                "PubliclyAccessible",
                "VpcSecurityGroupIds",
            ],
            "everything shares the loopback network",
        ),
        (
            &[
                "AllocatedStorage",
                "AutoMinorVersionUpgrade",
                "DBClusterInstanceClass",
                "DBClusterParameterGroupName",
                "DBInstanceParameterGroupName",
                "Iops",
                "PreferredMaintenanceWindow",
                "ServerlessV2ScalingConfiguration",
                "StorageType",
            ],
            "the server is as big as the machine, and does not pause",
        ),
        (
            &[
                "BackupRetentionPeriod",
                "CopyTagsToSnapshot",
                "DeleteAutomatedBackups",
                "DeletionProtection",
                "PreferredBackupWindow",
            ],
            "there are no backups and stacks are not deleted locally",
        ),
        (&["KmsKeyId", "StorageEncrypted"], "nothing is encrypted at rest"),
        (
            &[
                "DatabaseInsightsMode",
                "EnableCloudwatchLogsExports",
                "MonitoringInterval",
                "MonitoringRoleArn",
                "PerformanceInsightsEnabled",
                "PerformanceInsightsKmsKeyId",
                "PerformanceInsightsRetentionPeriod",
            ],
            "there are no metrics locally",
        ),
        (&["AssociatedRoles"], "IAM is not enforced"),
        (&["Tags"], "for people and bills"),
    ],
};

pub(super) const ATTRIBUTES: &[&str] =
    &["DBClusterArn", "DBClusterResourceId", "Endpoint.Address", "MasterUserSecret.SecretArn"];

/// CloudFormation lowers the identifier, as RDS does.
pub(super) fn identifier(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    Ok(resource.name(scope, "DBClusterIdentifier")?.to_lowercase())
}

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Result<Option<String>, Fault> {
    match attribute {
        "DBClusterArn" => arn(scope, resource).map(Some),
        "DBClusterResourceId" => Ok(Some(format!("cluster-{}", resource.id.to_uppercase()))),
        "Endpoint.Address" => Ok(Some("127.0.0.1".to_owned())),
        "MasterUserSecret.SecretArn" => secret_arn(scope, resource).map(Some),
        _ => Ok(None),
    }
}

/// Reads a cluster. The Data API is the only way to it, so it must be enabled.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource) -> Result<Cluster, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    if fields.one_of("Engine", &["aurora-postgresql"])?.is_none() {
        return Err(fields.missing("Engine"));
    }
    if fields.boolean("EnableHttpEndpoint")? != Some(true) {
        let sentence =
            format!("{TYPE} needs `EnableHttpEndpoint: true`: locally it is reached through the Data API only");
        return Err(Fault::invalid(fields.line("EnableHttpEndpoint"), sentence));
    }
    let database = fields.text("DatabaseName")?;
    Ok(Cluster {
        logical_id: resource.id.clone(),
        arn: arn(scope, resource)?,
        secret_arn: secret_arn(scope, resource)?,
        // Aurora PostgreSQL's default database.
        database: database.unwrap_or_else(|| "postgres".to_owned()),
    })
}

fn arn(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    Ok(scope.arn("rds", &format!("cluster:{}", identifier(scope, resource)?)))
}

/// The secret that RDS makes and rotates where `ManageMasterUserPassword` is set.
fn secret_arn(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    if fields.boolean("ManageMasterUserPassword")? != Some(true) {
        let sentence = format!("{TYPE} needs `ManageMasterUserPassword: true`: locally there are no other secrets");
        return Err(Fault::invalid(fields.line("ManageMasterUserPassword"), sentence));
    }
    Ok(scope.arn("secretsmanager", &format!("secret:rds!cluster-{}", identifier(scope, resource)?)))
}
