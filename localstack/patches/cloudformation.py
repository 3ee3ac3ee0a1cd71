"""CloudFormation: properties that MiniStack accepts and forgets are made true."""

import importlib
from xml.etree import ElementTree

from .patching import expect, expect_functions


def lifecycle_xml(configuration):
    """A bucket's `LifecycleConfiguration` as the body of PutBucketLifecycleConfiguration."""
    root = ElementTree.Element("LifecycleConfiguration")
    for rule in configuration.get("Rules") or []:
        element = ElementTree.SubElement(root, "Rule")

        def add(path, value, parent=element):
            for name in path.split("/"):
                found = parent.find(name)
                parent = ElementTree.SubElement(parent, name) if found is None else found
            parent.text = str(value).lower() if isinstance(value, bool) else str(value)

        add("ID", rule.get("Id", ""))
        add("Filter/Prefix", rule.get("Prefix", ""))
        add("Status", rule["Status"])
        for name, path in (
            ("ExpirationInDays", "Expiration/Days"),
            ("ExpiredObjectDeleteMarker", "Expiration/ExpiredObjectDeleteMarker"),
        ):
            if name in rule:
                add(path, rule[name])
        for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            for key, value in (rule.get(name) or {}).items():
                add(f"{name}/{key}", value)
    return ElementTree.tostring(root)


def buckets_have_lifecycles(provisioners, s3):
    """A bucket's lifecycle can be read back. Nothing expires by it: the emulator does not live for days."""
    expect_functions(s3, "_put_bucket_lifecycle", "_delete_bucket_lifecycle")
    known = provisioners._S3_BUCKET_CONFIGURATIONS
    expect(all(len(entry) == 4 for entry in known), "_S3_BUCKET_CONFIGURATIONS has other entries")
    expect("LifecycleConfiguration" not in {entry[0] for entry in known}, "buckets have lifecycles by now")
    added = ("LifecycleConfiguration", lifecycle_xml, s3._put_bucket_lifecycle, s3._delete_bucket_lifecycle)
    provisioners._S3_BUCKET_CONFIGURATIONS = (*known, added)


def after(provisioners, kind, then):
    """Lets `then(physical id, properties)` follow when a resource of this kind is made or changed."""
    handlers = provisioners._RESOURCE_HANDLERS.get(kind, {})
    expect({"create", "update"} <= handlers.keys(), f"CloudFormation has no handlers for {kind}")
    create, update = handlers["create"], handlers["update"]

    def create_then(logical_id, properties, stack_name):
        made = create(logical_id, properties, stack_name)
        then(made[0], properties)
        return made

    def update_then(physical_id, old, new, stack_name, *args, **kwargs):
        made = update(physical_id, old, new, stack_name, *args, **kwargs)
        then(made[0], new)
        return made

    handlers["create"], handlers["update"] = create_then, update_then


def tables_expire_rows(provisioners, dynamodb):
    """A table has the time to live and the recovery that its properties say."""
    expect_functions(dynamodb, "_update_ttl", "_update_continuous_backups")

    def then(name, properties):
        if spec := properties.get("TimeToLiveSpecification"):
            enabled = str(spec.get("Enabled")).lower() == "true"
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": {**spec, "Enabled": enabled}})
        if spec := properties.get("PointInTimeRecoverySpecification"):
            dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": spec})

    after(provisioners, "AWS::DynamoDB::Table", then)


def functions_reserve_concurrency(provisioners, functions):
    """A function has the reserved concurrency that its properties say."""
    expect_functions(functions, "_put_function_concurrency")

    def then(name, properties):
        if (reserved := properties.get("ReservedConcurrentExecutions")) is not None:
            functions._put_function_concurrency(name, {"ReservedConcurrentExecutions": int(reserved)})

    after(provisioners, "AWS::Lambda::Function", then)


def secrets_are_called_by_their_arns(provisioners, secrets):
    """`Ref` of a secret is its ARN, not its name."""
    expect_functions(secrets, "_resolve")
    handlers = provisioners._RESOURCE_HANDLERS.get("AWS::SecretsManager::Secret", {})
    expect({"create", "update", "delete"} <= handlers.keys(), "CloudFormation has no handlers for secrets")
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def by_arn(made):
        _, attributes = made
        return attributes["Arn"], attributes

    def name_of(arn):
        return secrets._resolve(arn)[0]

    handlers["create"] = lambda *args, **kwargs: by_arn(create(*args, **kwargs))
    handlers["update"] = lambda arn, *args, **kwargs: by_arn(update(name_of(arn), *args, **kwargs))
    handlers["delete"] = lambda arn, *args, **kwargs: delete(name_of(arn), *args, **kwargs)


def patch():
    """CloudFormation that does what a template says."""
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    buckets_have_lifecycles(provisioners, importlib.import_module("ministack.services.s3"))
    tables_expire_rows(provisioners, importlib.import_module("ministack.services.dynamodb"))
    functions_reserve_concurrency(provisioners, importlib.import_module("ministack.services.lambda_svc"))
    secrets_are_called_by_their_arns(provisioners, importlib.import_module("ministack.services.secretsmanager"))
