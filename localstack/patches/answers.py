"""What an HTTP API makes of a function's answer: headers renamed, headers mapped, a Content-Length of its own."""

from .patching import expect_functions, replace

# Headers of a function that the gateway renames. Whether an HTTP API does is told both ways: the less kind one is taken.
RENAMED = {"www-authenticate"}
# The gateway measures the body itself, that of a HEAD too, whatever the function says.
MEASURED = "content-length"


def renamed(headers):
    """The headers without those that the gateway puts elsewhere."""
    kept = {name: value for name, value in headers.items() if name.lower() != MEASURED}
    return {f"x-amzn-remapped-{name.lower()}" if name.lower() in RENAMED else name: value for name, value in kept.items()}


def mappings(integration, status):
    """The integration's response parameters for a status: pairs of what to do and with what.

    The API has them as a map, CloudFormation as a list of destinations and sources.
    """
    found = (integration.get("responseParameters") or {}).get(str(status)) or {}
    listed = found.get("ResponseParameters")
    if listed is None:
        return list(found.items())
    return [(entry["Destination"], entry["Source"]) for entry in listed]


def value_of(source, given):
    """What a source stands for: a header of the function's answer, or itself."""
    prefix = "$response.header."
    return given.get(source.removeprefix(prefix).lower()) if source.startswith(prefix) else source


def mapped(integration, status, headers, given, is_reserved):
    """The headers as the response parameters change them."""
    for destination, source in mappings(integration, status):
        action, _, place = destination.partition(":")
        name = place.removeprefix("header.")
        value = value_of(source, given)
        if not place.startswith("header.") or is_reserved(name):
            continue
        present = [other for other in headers if other.lower() == name.lower()]
        if action == "append" and present and value is not None:
            headers[present[0]] = f"{headers[present[0]]},{value}"
        elif action == "remove" or value is not None:
            for other in present:
                del headers[other]
            if action != "remove":
                headers[name] = value
    return headers


def patch(gateway):
    """Answers of functions as they leave an HTTP API."""
    expect_functions(gateway, "_is_reserved_header")

    def make(invoke):
        async def invoke_and_shape(integration, *args, **kwargs):
            status, headers, content = await invoke(integration, *args, **kwargs)
            given = {name.lower(): value for name, value in headers.items()}
            return status, mapped(integration, status, renamed(headers), given, gateway._is_reserved_header), content

        return invoke_and_shape

    replace(gateway, "_invoke_lambda_proxy", ("integration", "api_id", "stage", "path", "method"), make)
