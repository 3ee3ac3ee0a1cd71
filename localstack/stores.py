"""Makes the buckets and the table of template.yaml, and nothing else of it, in whatever answers for AWS.

A stack is made of the template's own definitions, so that they are written down once. What a process must be told of
its stores is printed, a variable to a line. Done again, it changes nothing, and prints the same.

Environment:

AWS_ENDPOINT_URL      where AWS's API is (default http://localhost:4566)
RINGHOLD_TEMPLATE     the template (default: template.yaml of this checkout)
RINGHOLD_STACK        the stack's name (default ringhold-stores)
RINGHOLD_STORES       resource types to make, separated by commas (default AWS::S3::Bucket,AWS::DynamoDB::Table)
"""

import json
import os
import pathlib
import sys

import boto3
import yaml
from botocore.exceptions import ClientError

# The checkout stays clean.
sys.dont_write_bytecode = True

TEMPLATE = pathlib.Path(__file__).resolve().parent.parent / "template.yaml"
BUCKET, TABLE = "AWS::S3::Bucket", "AWS::DynamoDB::Table"


class Loader(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation's functions."""


def function(loader, tag, node):
    """`!Ref x` as `{"Ref": "x"}`."""
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", function)


def references(part):
    """The names that a part of a template refers to."""
    if isinstance(part, list):
        for item in part:
            yield from references(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("Ref", "Condition") and isinstance(value, str):
                yield value
            elif key == "Fn::If":
                yield value[0]
            yield from references(value)


def needed(section, parts):
    """What of a section the parts refer to, directly or through the section itself."""
    wanted = set(references(parts))
    while True:
        kept = {name: value for name, value in section.items() if name in wanted}
        more = wanted | set(references(list(kept.values())))
        if more == wanted:
            return kept
        wanted = more


def only(template, types):
    """The template's resources of these types, with the conditions and parameters that they need."""
    resources = {name: made for name, made in template["Resources"].items() if made["Type"] in types}
    conditions = needed(template.get("Conditions", {}), list(resources.values()))
    parameters = needed(template.get("Parameters", {}), [*resources.values(), *conditions.values()])
    return {
        "AWSTemplateFormatVersion": template["AWSTemplateFormatVersion"],
        "Description": "The stores of Ringhold, made of its template",
        "Parameters": parameters,
        "Conditions": conditions,
        "Resources": resources,
    }


def client(service):
    """A client of whatever answers for AWS."""
    return boto3.client(
        service,
        endpoint_url=os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4566"),
        region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
    )


def make(cloudformation, stack, body):
    """Makes the stack, unless it is there."""
    try:
        cloudformation.create_stack(StackName=stack, TemplateBody=body)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def main():
    """Makes the stack and prints what its stores are called."""
    template = pathlib.Path(os.environ.get("RINGHOLD_TEMPLATE", TEMPLATE)).read_text(encoding="utf-8")
    types = os.environ.get("RINGHOLD_STORES", f"{BUCKET},{TABLE}").split(",")
    stack = os.environ.get("RINGHOLD_STACK", "ringhold-stores")
    cloudformation = client("cloudformation")
    make(cloudformation, stack, json.dumps(only(yaml.load(template, Loader), types)))
    made = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    named = {kind: [r["PhysicalResourceId"] for r in made if r["ResourceType"] == kind] for kind in (BUCKET, TABLE)}
    buckets = [f"s3://{name}?path_style=true" for name in sorted(named[BUCKET])]
    print("RINGHOLD_STORAGE=" + ",".join(buckets))
    print("".join(f"RINGHOLD_METADATA=dynamodb://{name}\n" for name in named[TABLE]), end="")


if __name__ == "__main__":
    main()
