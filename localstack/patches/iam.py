"""IAM, where it is enforced (`AUTH=true`): what AWS looks at before it allows a request, and MiniStack does not."""

import importlib
import json
import re

from .patching import expect, expect_functions, replace

KEY_CONDITION = re.compile(r"(#?\w+)\s*=\s*(:\w+)")


def leading_keys(tables, request):
    """The partition keys that a request of DynamoDB names: those of all its items."""

    def key_name(table):
        return (tables.get(table.rsplit("/", 1)[-1]) or {}).get("pk_name")

    def item_keys(table, *items):
        for item in items:
            value = (item or {}).get(key_name(table))
            if isinstance(value, dict):
                yield from value.values()

    def query_keys(table):
        names = request.get("ExpressionAttributeNames") or {}
        for name, value in KEY_CONDITION.findall(request.get("KeyConditionExpression") or ""):
            if names.get(name, name) == key_name(table):
                yield from (request.get("ExpressionAttributeValues") or {}).get(value, {}).values()

    if table := request.get("TableName"):
        yield from item_keys(table, request.get("Key"), request.get("Item"))
        yield from query_keys(table)
    for table, batch in (request.get("RequestItems") or {}).items():
        writes = batch if isinstance(batch, list) else []
        yield from item_keys(table, *(batch.get("Keys") or [] if isinstance(batch, dict) else []))
        yield from item_keys(table, *((write.get("PutRequest") or {}).get("Item") for write in writes))
        yield from item_keys(table, *((write.get("DeleteRequest") or {}).get("Key") for write in writes))
    for step in request.get("TransactItems") or []:
        for part in step.values():
            yield from item_keys(part["TableName"], part.get("Key"), part.get("Item"))


def know_leading_keys(actions, dynamodb):
    """Policies may name partition keys by `dynamodb:LeadingKeys`.

    A transaction is judged by the keys of all its items, a little more strictly than AWS does item by item.
    """

    def make(context):
        def context_with_keys(body):
            found = context(body)
            try:
                keys = list(leading_keys(dynamodb._tables, json.loads(body or b"{}")))
            except (ValueError, AttributeError, KeyError, TypeError):
                return found
            return {**found, "dynamodb:LeadingKeys": keys} if keys else found

        return context_with_keys

    expect(hasattr(dynamodb, "_tables"), "dynamodb._tables is missing")
    replace(actions, "dynamodb_service_context", ("body",), make)


def hide_what_is_absent(s3, actions, evaluator):
    """Whoever may not list a bucket is not told that an object is absent: 403 instead of 404."""
    router = importlib.import_module("ministack.core.router")
    responses = importlib.import_module("ministack.core.responses")
    expect_functions(evaluator, "enforce")
    expect_functions(router, "extract_access_key_id", "extract_region")
    expect_functions(actions, "access_denied_response")
    expect_functions(responses, "new_uuid")

    def refusal(bucket, headers, query):
        arn = f"arn:aws:s3:::{bucket}"
        caller, region = router.extract_access_key_id(headers, query), router.extract_region(headers)
        denied = evaluator.enforce(caller, "s3:ListBucket", "s3", region, resource_arn=arn)
        if denied is None or isinstance(denied, evaluator.AuthError):
            return None
        return actions.access_denied_response(
            "s3", "s3:ListBucket", denied.principal_arn, responses.new_uuid(), headers=headers, resource_arn=arn
        )

    def make_read(read):
        def read_or_deny(bucket, key, headers=None, query=None):
            answer = read(bucket, key, headers or {}, query or {})
            absent = answer[0] == 404 and bucket in s3._buckets
            return (absent and refusal(bucket, headers or {}, query or {})) or answer

        return read_or_deny

    def make_copy(copy):
        def copy_or_deny(bucket, key, headers):
            answer = copy(bucket, key, headers)
            source = headers.get("x-amz-copy-source", "").lstrip("/").split("/", 1)[0]
            absent = answer[0] == 404 and bucket in s3._buckets and source in s3._buckets
            return (absent and refusal(source, headers, {})) or answer

        return copy_or_deny

    replace(s3, "_get_object", ("bucket_name", "key", "headers", "query_params"), make_read)
    replace(s3, "_head_object", ("bucket_name", "key", "headers", "query_params"), make_read)
    replace(s3, "_copy_object", ("bucket_name", "dest_key", "headers"), make_copy)


def plain_http_is_tls(evaluator):
    """The emulator speaks plain HTTP where AWS speaks TLS: what policies refuse without TLS they would refuse always."""

    def make(resolve):
        return lambda key, ctx: "true" if key.lower() == "aws:securetransport" else resolve(key, ctx)

    replace(evaluator, "_resolve_condition_key", ("key", "ctx"), make)


def patch(app):
    """IAM as AWS enforces it, if it is enforced at all."""
    if not app.AUTH:
        return
    actions = importlib.import_module("ministack.core.iam_actions")
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    plain_http_is_tls(evaluator)
    know_leading_keys(actions, importlib.import_module("ministack.services.dynamodb"))
    hide_what_is_absent(importlib.import_module("ministack.services.s3"), actions, evaluator)
