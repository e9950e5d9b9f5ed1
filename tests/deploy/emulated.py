"""Creates, updates and deletes the stack of `template.yaml` in an emulator of AWS that others have written.

Translates the template as SAM does on a deploy, leaves out what the emulator does not know, and goes through CloudFormation's
API. Needs `moto[server]` and `aws-sam-translator`; run by `.ci/run`.
"""

import io
import json
import logging
import os
import pathlib
import re
import sys
import warnings
import zipfile

import boto3
from moto.server import ThreadedMotoServer
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

REGION = "us-east-1"
STACK = "Chat-Test"  # With capitals: no name may need lower case.
TEMPLATE = pathlib.Path(__file__).parents[2] / "template.yaml"
CODE = {"Bucket": "code", "Key": "functions.zip"}

# Types that the emulator's CloudFormation lacks, or has in a way that differs from AWS. References to them become texts.
LEFT_OUT = {
    "AWS::ApiGatewayV2::Api": "unknown to the emulator, as are its parts",
    "AWS::ApiGatewayV2::ApiMapping": "part of an API",
    "AWS::ApiGatewayV2::Authorizer": "part of an API",
    "AWS::ApiGatewayV2::DomainName": "part of an API",
    "AWS::ApiGatewayV2::Integration": "part of an API",
    "AWS::ApiGatewayV2::Route": "part of an API",
    "AWS::ApiGatewayV2::RouteResponse": "part of an API",
    "AWS::ApiGatewayV2::Stage": "part of an API",
    "AWS::CloudFront::Distribution": "unknown to the emulator",
    "AWS::CloudFront::OriginAccessControl": "part of a distribution",
    "AWS::CloudFront::ResponseHeadersPolicy": "part of a distribution",
    "AWS::CloudWatch::Alarm": "unknown to the emulator",
    "AWS::Cognito::UserPool": "unknown to the emulator",
    "AWS::Cognito::UserPoolClient": "part of a user pool",
    "AWS::Cognito::UserPoolDomain": "part of a user pool",
    "AWS::Cognito::UserPoolResourceServer": "part of a user pool",
    "AWS::Lambda::EventInvokeConfig": "unknown to the emulator",
    "AWS::Logs::MetricFilter": "unknown to the emulator",
    "AWS::RDS::DBCluster": "unknown to the emulator",
    "AWS::RDS::DBInstance": "the emulator has instances without a cluster only",
    "AWS::S3::BucketPolicy": "unknown to the emulator",
    "AWS::Scheduler::ScheduleGroup": "unknown to the emulator",
    "AWS::SecretsManager::Secret": "unknown to the emulator",
    "Custom::Migrations": "would run a function",
}


class NoManagedPolicies:
    """Leaves ARNs of managed policies to the translator's own list."""

    def load(self):
        return {}


def translated():
    """Returns the template as SAM translates it, with code that the emulator has."""
    template = yaml_parse(TEMPLATE.read_text())
    template["Globals"]["Function"]["CodeUri"] = CODE
    return json.loads(json.dumps(transform(template, {}, NoManagedPolicies())))


def check_managed_instances():
    """The lines of the operations page give functions a capacity provider."""
    template = yaml_parse(TEMPLATE.read_text())
    template["Globals"]["Function"]["CodeUri"] = CODE
    arn = "arn:aws:lambda:eu-central-1:123456789012:capacity-provider:one"
    page = TEMPLATE.parent.joinpath("docs/operations.md").read_text()
    for function in ["WsSend", "HttpMessages"]:
        assert f"`{function}`" in page.split("### Managed Instances")[1], function
        properties = template["Resources"][function]["Properties"]
        del properties["VpcConfig"]
        properties.update({"MemorySize": 2048, "CapacityProviderConfig": {"Arn": arn}})
    resources = transform(template, {}, NoManagedPolicies())["Resources"]
    given = {id for id, resource in resources.items() if "CapacityProviderConfig" in resource.get("Properties", {})}
    assert given == {"WsSend", "HttpMessages"}, given
    provider = resources["WsSend"]["Properties"]["CapacityProviderConfig"]
    assert provider == {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn}}, provider


def without_references(value, gone):
    """Replaces references to resources that are left out by their words."""
    if isinstance(value, list):
        return [without_references(item, gone) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("Ref") in gone:
        return value["Ref"]
    if "Fn::GetAtt" in value:
        path = value["Fn::GetAtt"]
        path = path.split(".", 1) if isinstance(path, str) else path
        return ".".join(path) if path[0] in gone else {"Fn::GetAtt": path}
    if isinstance(value.get("Fn::Sub"), str):
        name = lambda match: match[1] if match[1].split(".")[0] in gone else match[0]
        return {"Fn::Sub": re.sub(r"\$\{([^!}]+)\}", name, value["Fn::Sub"])}
    return {key: without_references(item, gone) for key, item in value.items()}


def creatable(template):
    """Returns the template without the types that are left out."""
    resources = template["Resources"]
    types = {resource["Type"] for resource in resources.values()}
    stale = LEFT_OUT.keys() - types
    assert not stale, f"the template no longer has {sorted(stale)}"
    gone = {id for id, resource in resources.items() if resource["Type"] in LEFT_OUT}
    kept = {}
    for id, resource in resources.items():
        if id in gone:
            continue
        depends_on = resource.pop("DependsOn", [])
        depends_on = [depends_on] if isinstance(depends_on, str) else depends_on
        resource = without_references(resource, gone)
        resource["DependsOn"] = [other for other in depends_on if other not in gone]
        # The emulator knows the older word only.
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = "Retain"
        kept[id] = resource
    template = {**template, "Resources": kept}
    template["Outputs"] = {}
    # Conditions of what is left out may stay; parameters have to, since conditions name them.
    return template, len(gone)


class Emulator:
    """An emulator on a free port of the loopback interface."""

    def __init__(self):
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"

    def client(self, service):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, **keys)


def upload_code(emulator):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bootstrap", "")
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=CODE["Bucket"])
    s3.put_object(**CODE, Body=archive.getvalue())


class Stack:
    """The stack, through CloudFormation's API."""

    def __init__(self, emulator, template):
        self.emulator, self.body = emulator, json.dumps(template)
        # Conditional resources need parameters that this stack does not have.
        unconditional = {id: part for id, part in template["Resources"].items() if "Condition" not in part}
        self.types = {id: resource["Type"] for id, resource in unconditional.items()}
        self.cloudformation = emulator.client("cloudformation")

    def create(self):
        self.cloudformation.create_stack(StackName=STACK, TemplateBody=self.body, Capabilities=["CAPABILITY_IAM"])
        self.is_in("CREATE_COMPLETE")

    def update(self, parameters):
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        self.cloudformation.update_stack(
            StackName=STACK, TemplateBody=self.body, Parameters=given, Capabilities=["CAPABILITY_IAM"]
        )
        self.is_in("UPDATE_COMPLETE")

    def is_in(self, expected):
        stack = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        status, reason = stack["StackStatus"], stack.get("StackStatusReason")
        assert status == expected, f"{status}, not {expected}: {reason}"
        self.id = stack["StackId"]

    def physical(self):
        """Returns the physical ids by logical id."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        rows = [row for page in pages for row in page["StackResourceSummaries"]]
        return {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}

    def variables(self, function):
        name = self.physical()[function]
        configuration = self.emulator.client("lambda").get_function_configuration(FunctionName=name)
        return configuration["Environment"]["Variables"]

    def mappings(self):
        return self.emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]


def check_created(stack):
    """Compares values that CloudFormation has computed with the resources that they lead to."""
    emulator, physical = stack.emulator, stack.physical()
    bucket = physical["FilesBucket"]
    assert bucket == f"files-{stack.id.rsplit('/', 1)[1]}", bucket
    for function in ["FileInspect", "FileCleanup", "HttpFiles"]:
        assert stack.variables(function)["FILES_BUCKET"] == bucket, function
    encryption = emulator.client("s3").get_bucket_encryption(Bucket=bucket)
    assert encryption["ServerSideEncryptionConfiguration"]["Rules"], encryption

    send = stack.variables("WsSend")
    for variable, table in [("MESSAGES_TABLE", "MessagesTable"), ("CONNECTIONS_TABLE", "ConnectionsTable")]:
        assert send[variable] == physical[table], variable
        described = emulator.client("dynamodb").describe_table(TableName=physical[table])
        assert described["Table"]["TableStatus"] == "ACTIVE", table
    assert stack.variables("HttpFiles")["FILE_QUOTA"] == "10737418240"

    sqs = emulator.client("sqs")
    for queue in ["ReceiptsQueue", "FanoutQueue", "RelayQueue", "FilesQueue"]:
        attributes = sqs.get_queue_attributes(QueueUrl=physical[queue], AttributeNames=["All"])["Attributes"]
        target = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]
        dead_letters = physical[queue.replace("Queue", "DeadLetterQueue")]
        assert target.rsplit(":", 1)[1] == dead_letters.rsplit("/", 1)[1], queue

    mappings = stack.mappings()
    assert len(mappings) == sum("AWS::Lambda::EventSourceMapping" == kind for kind in stack.types.values()), mappings
    queues = {mapping["EventSourceArn"] for mapping in mappings if ":sqs:" in mapping["EventSourceArn"]}
    assert len(queues) >= 4 and all(f":{STACK}-" in arn for arn in queues), queues
    groups = emulator.client("logs").describe_log_groups(logGroupNamePrefix=physical["FunctionLogs"])["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [30], groups
    dashboard = emulator.client("cloudwatch").get_dashboard(DashboardName=physical["OperationsDashboard"])
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    titles = [widget["properties"]["title"] for widget in widgets]
    assert len(set(titles)) == len(titles) > 5, titles
    assert physical["WsSend"] in dashboard["DashboardBody"], "a function has no name there"
    for conditional in ["AccessLogGroup", "HttpRecord", "WebBucket"]:
        assert conditional not in physical, f"the condition of {conditional} does not hold"


def check_updated(stack):
    # The emulator makes numbers of parameters that are numbers.
    edit_window = stack.variables("HttpMessages")["EDIT_WINDOW"]
    assert str(edit_window) == "60", edit_window
    limits = [mapping.get("ScalingConfig", {}).get("MaximumConcurrency") for mapping in stack.mappings()]
    assert limits.count(25) >= 3, limits
    bucket = stack.physical()["WebBucket"]
    encryption = stack.emulator.client("s3").get_bucket_encryption(Bucket=bucket)
    assert encryption["ServerSideEncryptionConfiguration"]["Rules"], encryption


def check_deleted(stack, physical):
    """Content is retained, anything else is gone."""
    emulator = stack.emulator
    tables = set(emulator.client("dynamodb").list_tables()["TableNames"])
    retained = {"AuditTable", "MessagesTable", "MembersTable", "FilesTable", "DeliveryStatusTable", "ReadStatusTable"}
    assert tables == {physical[table] for table in retained}, tables
    buckets = {bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]}
    assert physical["FilesBucket"] in buckets, buckets
    assert not emulator.client("sqs").list_queues().get("QueueUrls"), "queues are left"
    assert not emulator.client("lambda").list_functions()["Functions"], "functions are left"


def main():
    warnings.simplefilter("error")  # The emulator warns of a type that it does not know.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.disable(logging.WARNING)
    os.environ["AWS_DEFAULT_REGION"] = REGION  # The translator asks for one.
    check_managed_instances()
    template, left_out = creatable(translated())
    emulator = Emulator()
    try:
        upload_code(emulator)
        stack = Stack(emulator, template)
        stack.create()
        check_created(stack)
        physical = stack.physical()
        print(f"created: {len(physical)} resources, {left_out} left out:")
        for kind, reason in LEFT_OUT.items():
            print(f"  {kind}: {reason}")
        stack.update({"EditWindow": "60", "QueueWorkers": "25", "WebClient": "true"})
        check_updated(stack)
        print("updated")
        stack.cloudformation.delete_stack(StackName=STACK)
        check_deleted(stack, physical)
        print("deleted, content retained")
    finally:
        emulator.server.stop()


if __name__ == "__main__":
    sys.exit(main())
