"""Starts the AWS emulator that the tests use: MiniStack, held to what AWS does.

MiniStack answers S3, DynamoDB, Lambda and API Gateway on one port without Docker. The release named below is
patched in memory where it is kinder than AWS or wrong; the installed package stays as it is. Every patched name is
checked at the start, so that an upgrade of the package fails here and not in a test.

Environment:

GATEWAY_PORT          port to listen on; 0 takes a free one (default 4566)
BIND_HOST             address to listen on (default 127.0.0.1)
EMULATOR_STATE_DIR    directory for everything the emulator writes (default: a temporary one, removed at the end)
EMULATOR_TETHERED     1: stop when standard input ends, so that it never outlives the process that started it
AUTH                  true: enforce IAM (MiniStack's own switch; all others pass through too)

Once it listens, one line on standard output says `listening on http://HOST:PORT`.
"""

import contextlib
import http.server
import importlib
import importlib.metadata
import inspect
import json
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading

MINISTACK = "1.5.33"

# API Gateway refuses a larger request; Lambda refuses a larger event and a larger response.
API_REQUEST_LIMIT = 10 * 1024 * 1024
LAMBDA_PAYLOAD_LIMIT = 6_291_556
# What the gateway adds to an event around headers and body.
EVENT_ENVELOPE = 900
# Response headers of a Lambda that the gateway renames.
REMAPPED_HEADERS = {"www-authenticate"}

JSON = {"Content-Type": "application/json"}


class UnexpectedMiniStack(Exception):
    """The installed package is not the one that the patches were written for."""


def expect(condition, what):
    """Fails the start unless `condition` holds."""
    if not condition:
        raise UnexpectedMiniStack(f"{what}: review localstack/emulator.py for this release of MiniStack")


def replace(owner, name, parameters, make):
    """Replaces function `name` of `owner` by `make(original)`.

    Fails the start when the original is missing or its leading parameters are not `parameters`.
    """
    original = getattr(owner, name, None)
    expect(callable(original), f"{owner.__name__}.{name} is missing")
    found = tuple(inspect.signature(original).parameters)
    expect(found[: len(parameters)] == parameters, f"{owner.__name__}.{name} takes {found}")
    setattr(owner, name, make(original))


# S3


def checksum_of_a_copy(s3):
    """CopyObject hashes the copied bytes when `x-amz-checksum-algorithm` asks, and returns the checksum.

    MiniStack stores a checksum only for the header of PutObject and leaves the result without one.
    """
    expect(callable(getattr(s3, "_compute_s3_checksum", None)), "s3._compute_s3_checksum is missing")

    def make(copy_object):
        def copy_with_checksum(bucket, key, headers):
            algorithm = headers.get("x-amz-checksum-algorithm", "").upper().replace("_", "")
            if not algorithm:
                return copy_object(bucket, key, headers)
            status, answer, body = copy_object(bucket, key, {**headers, "x-amz-sdk-checksum-algorithm": algorithm})
            if status != 200:
                return status, answer, body
            checksum = s3._buckets[bucket]["objects"][key]["checksums"][algorithm]
            end = b"</CopyObjectResult>"
            expect(body.endswith(end), "the result of CopyObject has another shape")
            result = f"<Checksum{algorithm}>{checksum}</Checksum{algorithm}><ChecksumType>FULL_OBJECT</ChecksumType>"
            return status, answer, body.removesuffix(end) + result.encode() + end

        return copy_with_checksum

    replace(s3, "_copy_object", ("bucket_name", "dest_key", "headers"), make)


def checksum_of_a_put(s3):
    """PutObject returns the checksums that it has verified; MiniStack stores them and says nothing."""

    def make(put_object):
        def put_and_tell(bucket, key, body, headers):
            status, answer, content = put_object(bucket, key, body, headers)
            if status == 200:
                for algorithm, value in (s3._buckets[bucket]["objects"][key].get("checksums") or {}).items():
                    answer[f"x-amz-checksum-{algorithm.lower()}"] = value
                    answer["x-amz-checksum-type"] = "FULL_OBJECT"
            return status, answer, content

        return put_and_tell

    replace(s3, "_put_object", ("bucket_name", "key", "body", "headers"), make)


def range_of_a_version(s3):
    """GetObject honours `Range` and the `response-*` overrides with a `versionId` too.

    MiniStack answers 200 with the whole version.
    """
    for name in ("_parse_range", "_apply_response_overrides", "_range_error_xml", "_xml_body"):
        expect(callable(getattr(s3, name, None)), f"s3.{name} is missing")

    def make(get_object):
        def get_range(bucket, key, headers, query=None):
            status, answer, body = get_object(bucket, key, headers, query)
            if status != 200 or not (query or {}).get("versionId"):
                return status, answer, body
            s3._apply_response_overrides(answer, query)
            if not headers.get("range"):
                return status, answer, body
            size = len(body)
            bounds = s3._parse_range(headers["range"], size)
            if bounds is None:
                refusal = {"Content-Type": "application/xml", "Content-Range": f"bytes */{size}"}
                return 416, refusal, s3._xml_body(s3._range_error_xml(bucket, key))
            first, last = bounds
            # A checksum of the whole does not fit a slice.
            answer = {name: value for name, value in answer.items() if not name.startswith("x-amz-checksum")}
            answer["Content-Length"] = str(last - first + 1)
            answer["Content-Range"] = f"bytes {first}-{last}/{size}"
            return 206, answer, body[first : last + 1]

        return get_range

    replace(s3, "_get_object", ("bucket_name", "key", "headers", "query_params"), make)


def patch_s3():
    """S3 as AWS answers it."""
    s3 = importlib.import_module("ministack.services.s3")
    expect(hasattr(s3, "_buckets"), "s3._buckets is missing")
    checksum_of_a_copy(s3)
    checksum_of_a_put(s3)
    range_of_a_version(s3)


# API Gateway and Lambda


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
    """Requests, events and responses above AWS's limits are refused, and response headers are remapped."""
    expect(callable(getattr(gateway, "_v2_request_body_is_text", None)), "apigateway has no text rule")

    def base64_size(size):
        return (size + 2) // 3 * 4

    def event_size(headers, body):
        is_text = gateway._v2_request_body_is_text(headers.get("content-type"))
        payload = len(body) if is_text else base64_size(len(body))
        return payload + len(json.dumps(headers)) + EVENT_ENVELOPE

    def response_size(headers, body):
        content_type = next((str(v) for k, v in headers.items() if k.lower() == "content-type"), "")
        return len(body) if content_type.startswith(("text/", "application/json")) else base64_size(len(body))

    def remap(name):
        return f"x-amzn-remapped-{name.lower()}" if name.lower() in REMAPPED_HEADERS else name

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
            return status, {remap(name): value for name, value in answer.items()}, content

        return invoke_within_limits

    parameters = ("integration", "api_id", "stage", "path", "method", "headers", "body")
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
    for name in ("_create_integration", "_create_route"):
        expect(callable(getattr(gateway, name, None)), f"apigateway.{name} is missing")
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


def patch_gateway(app):
    """API Gateway and Lambda with AWS's limits and header rules."""
    gateway = importlib.import_module("ministack.services.apigateway")
    registry_paths_are_ours(app)
    keep_trailing_slash(app)
    limit_payloads(gateway)
    invoke_without_stalls()
    import_openapi_bodies(gateway)


# The process


def free_port(host):
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def configure(state):
    """Settles the environment, which MiniStack reads while it is imported. Returns host and port."""
    host = os.environ.setdefault("BIND_HOST", "127.0.0.1")
    port = int(os.environ.get("GATEWAY_PORT", "4566")) or free_port(host)
    os.environ["GATEWAY_PORT"] = str(port)
    for name, directory in (("S3_DATA_DIR", "s3"), ("STATE_DIR", "state"), ("TMPDIR", "tmp")):
        path = state / directory
        path.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(path)
    tempfile.tempdir = None
    # Functions reach the emulator through this address, and presigned URLs name it.
    os.environ.setdefault("AWS_ENDPOINT_URL", f"http://localhost:{port}")
    # Listeners of services that no test uses, and the machine's own Docker, which is none of the emulator's business.
    os.environ.setdefault("IOT_MTLS_ENABLED", "0")
    os.environ.setdefault("SFTP_ENABLED", "0")
    os.environ["DOCKER_HOST"] = f"unix://{state}/no-docker.sock"
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    return host, port


def stop():
    """Ends this process the way its own signal handler does."""
    os.kill(os.getpid(), signal.SIGTERM)


def announce(host, port):
    """Says so on standard output as soon as the emulator accepts connections."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            print(f"listening on http://{host}:{port}", flush=True)
            return
        threading.Event().wait(0.02)


def await_end_of_input():
    """Stops the emulator when the process at the other end of standard input is gone."""
    while sys.stdin.buffer.read(4096):
        pass
    stop()


def in_background(target, *args):
    """Runs `target` on a thread that does not keep the process alive."""
    threading.Thread(target=target, args=args, daemon=True).start()


@contextlib.contextmanager
def state_directory():
    """The directory that the emulator may write to."""
    given = os.environ.get("EMULATOR_STATE_DIR")
    if given:
        yield pathlib.Path(given).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="ringhold-emulator-", ignore_cleanup_errors=True) as made:
        yield pathlib.Path(made)


def main():
    """Patches and runs MiniStack until a signal or, tethered, the end of standard input."""
    installed = importlib.metadata.version("ministack")
    expect(installed == MINISTACK, f"MiniStack {installed} is installed, {MINISTACK} is needed")
    with state_directory() as state:
        host, port = configure(state)
        app = importlib.import_module("ministack.app")
        patch_s3()
        patch_gateway(app)
        if os.environ.get("EMULATOR_TETHERED") == "1":
            in_background(await_end_of_input)
        in_background(announce, host, port)
        sys.argv = sys.argv[:1]
        app.main()


if __name__ == "__main__":
    main()
