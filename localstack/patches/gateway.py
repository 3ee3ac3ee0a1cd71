"""API Gateway and Lambda: routes that are ours, AWS's limits and header rules, invocations without stalls."""

import http.server
import importlib
import json

from . import answers
from .patching import expect, expect_functions, replace

# API Gateway refuses a larger request; Lambda refuses a larger event and a larger response.
API_REQUEST_LIMIT = 10 * 1024 * 1024
LAMBDA_PAYLOAD_LIMIT = 6_291_556
# What the gateway adds to an event around headers and body.
EVENT_ENVELOPE = 900

JSON = {"Content-Type": "application/json"}


def registry_paths_are_ours(app):
    """MiniStack's own ECR answers `/v2/…` on every host name: a test of our routes would pass without our code."""
    replace(app, "_is_ecr_registry_path", ("path",), lambda _original: lambda path: False)


def keep_trailing_slash(app):
    """`/v2/` on an execute-api host arrives as `/v2/`, not as `/v2`."""
    expect(hasattr(app, "_EXECUTE_API_RE"), "app._EXECUTE_API_RE is missing")

    def make(parse):
        def parse_whole(host, path):
            parsed = parse(host, path)
            one_segment = path.count("/") == 2 and path.endswith("/") and len(path) > 2
            if parsed and one_segment and app._EXECUTE_API_RE.match(host):
                return parsed[0], path[1:], "/"
            return parsed

        return parse_whole

    replace(app, "_parse_execute_api_url", ("host", "path"), make)


def limit_payloads(gateway):
    """Requests, events and responses above AWS's limits are refused."""
    expect_functions(gateway, "_v2_request_body_is_text")

    def base64_size(size):
        return (size + 2) // 3 * 4

    def event_size(headers, body):
        is_text = gateway._v2_request_body_is_text(headers.get("content-type"))
        payload = len(body) if is_text else base64_size(len(body))
        return payload + len(json.dumps(headers)) + EVENT_ENVELOPE

    def response_size(headers, body):
        content_type = next((str(v) for k, v in headers.items() if k.lower() == "content-type"), "")
        return len(body) if content_type.startswith(("text/", "application/json")) else base64_size(len(body))

    def make(invoke):
        async def invoke_within_limits(integration, api_id, stage, path, method, headers, body, *args, **kwargs):
            body = body or b""
            if len(body) > API_REQUEST_LIMIT:
                return 413, dict(JSON), b'{"message":"Request Entity Too Large"}'
            if event_size(headers, body) > LAMBDA_PAYLOAD_LIMIT:
                return 413, dict(JSON), b'{"message":"Request Too Long"}'
            status, answer, content = await invoke(
                integration, api_id, stage, path, method, headers, body, *args, **kwargs
            )
            if response_size(answer, content) > LAMBDA_PAYLOAD_LIMIT:
                return 500, dict(JSON), b'{"message":"Internal Server Error"}'
            return status, answer, content

        return invoke_within_limits

    parameters = ("integration", "api_id", "stage", "path", "method", "headers", "body")
    replace(gateway, "_invoke_lambda_proxy", parameters, make)


def tell_the_scheme(gateway):
    """A function is told how the client came: the emulator's port speaks plain HTTP."""

    def make(invoke):
        async def invoke_told(integration, api_id, stage, path, method, headers, *args, **kwargs):
            headers = {"x-forwarded-proto": "http", **headers}
            return await invoke(integration, api_id, stage, path, method, headers, *args, **kwargs)

        return invoke_told

    parameters = ("integration", "api_id", "stage", "path", "method", "headers")
    replace(gateway, "_invoke_lambda_proxy", parameters, make)


def invoke_without_stalls():
    """An invocation costs milliseconds: no Nagle delay in the Runtime API, no wait for lines of a silent function."""
    http.server.BaseHTTPRequestHandler.disable_nagle_algorithm = True
    worker = importlib.import_module("ministack.core.lambda_runtime").Worker
    drain = worker._drain_stderr_bounded
    expect(drain.__defaults__ == (0.050, 0.005, 0.250), "Worker._drain_stderr_bounded waits otherwise")
    drain.__defaults__ = (0.002, 0.001, 0.05)


def import_openapi_bodies(gateway):
    """An `AWS::ApiGatewayV2::Api` with a `Body` (what `AWS::Serverless::HttpApi` becomes) gets its routes."""
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    handlers = provisioners._RESOURCE_HANDLERS.get("AWS::ApiGatewayV2::Api", {})
    expect({"create", "update"} <= handlers.keys(), "CloudFormation has no handlers for AWS::ApiGatewayV2::Api")
    expect_functions(gateway, "_create_integration", "_create_route")
    create, update = handlers["create"], handlers["update"]

    def operations(body):
        for path, methods in (body.get("paths") or {}).items():
            for method, operation in methods.items():
                integration = isinstance(operation, dict) and operation.get("x-amazon-apigateway-integration")
                if integration:
                    yield path, method, integration

    def route_key(path, method):
        if path == "/$default":
            return "$default"
        return f"{'ANY' if method == 'x-amazon-apigateway-any-method' else method.upper()} {path}"

    def import_body(api_id, properties):
        if not properties.get("Body"):
            return
        gateway._routes[api_id] = {}
        targets = {}
        for path, method, integration in operations(properties["Body"]):
            uri = integration["uri"]
            if uri not in targets:
                version = integration.get("payloadFormatVersion", "2.0")
                made = gateway._create_integration(api_id, {"integrationUri": uri, "payloadFormatVersion": version})
                targets[uri] = "integrations/" + json.loads(made[2])["integrationId"]
            gateway._create_route(api_id, {"routeKey": route_key(path, method), "target": targets[uri]})

    def create_with_body(logical_id, properties, stack_name):
        result = create(logical_id, properties, stack_name)
        import_body(result[0], properties)
        return result

    def update_with_body(physical_id, old, new, stack_name, logical_id=None):
        result = update(physical_id, old, new, stack_name, logical_id)
        import_body(physical_id, new)
        return result

    handlers["create"], handlers["update"] = create_with_body, update_with_body


def patch(app):
    """API Gateway and Lambda with AWS's limits and header rules."""
    gateway = importlib.import_module("ministack.services.apigateway")
    registry_paths_are_ours(app)
    keep_trailing_slash(app)
    limit_payloads(gateway)
    tell_the_scheme(gateway)
    answers.patch(gateway)
    invoke_without_stalls()
    import_openapi_bodies(gateway)
