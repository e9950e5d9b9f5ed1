//! Supported properties of the resource type `AWS::Serverless::Function`.

use super::super::shape::Shape;

pub(super) const TYPE: &str = "AWS::Serverless::Function";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &[
        "Architectures",
        "CapacityProviderConfig",
        "CodeUri",
        "DeadLetterQueue",
        "Environment",
        "EventInvokeConfig",
        "Events",
        "FunctionName",
        "MemorySize",
        "PackageType",
        "Policies",
        "RecursiveLoop",
        "ReservedConcurrentExecutions",
        "Runtime",
        "Timeout",
    ],
    ignored: &[
        (&["Handler"], "a custom runtime is its binary"),
        (
            &["AssumeRolePolicyDocument", "PermissionsBoundary", "RolePath"],
            "only the policies of a function's own role are enforced",
        ),
        (&["VpcConfig"], "everything shares the loopback network"),
        (&["LoggingConfig", "Tracing"], "functions log to the terminal"),
        (
            &[
                "AutoPublishAlias",
                "AutoPublishAliasAllProperties",
                "AutoPublishCodeSha256",
                "CodeSigningConfigArn",
                "DeploymentPreference",
                "ProvisionedConcurrencyConfig",
                "RuntimeManagementConfig",
                "SnapStart",
                "VersionDescription",
            ],
            "there is one version, built from the sources",
        ),
        (
            &["FunctionScalingConfig", "PublishToLatestPublished", "VersionDeletionPolicy"],
            "processes start when they are needed",
        ),
        (&["EphemeralStorage"], "the machine's own temporary folder has no such limit"),
        (&["KmsKeyArn", "SourceKMSKeyArn"], "nothing is encrypted at rest"),
        (&["Description", "PropagateTags", "Tags"], "for people and bills"),
    ],
};
