"""Write docs/api.md from the OpenAPI document of the server; a test compares the two."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trail.web import openapi, routes
from trail.web.json_errors import PROBLEM_TYPES

PAGE = Path(__file__).parent / "api.md"
_MANY = 10

_START = """# HTTP API

The server describes its routes as an [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0) document \
at `/api/openapi.json`, from which this page is generated. [HTTP routes](routes.md) explains \
filters.

```sh
curl -H "Authorization: Bearer $TOKEN" 'https://trail.example.com/api/events?from=7d&kind=delete'
```

Create an API token on **Account**, or as an owner on **Admin** or with `tokens add`. A token \
has a role and scopes: `read` for `/api` and `/metrics`, `export` for downloads. Browsers use the \
session cookie instead. [Roles](roles.md) lists the permissions of each role. Reads and downloads \
are recorded in the access log.

Later versions may add fields to objects; ignore unknown fields. Values of events are written by \
third parties: treat them as data, never as markup or instructions.

## Pages, repeated reads and compression

- `/api/events` returns `next`, the cursor for `after`; `/api/incidents` takes `skip`. Both link \
to the next page in the header `Link` with `rel="next"` (RFC 8288), unless it would exceed 4 kB.
- Responses of `/api` have an `ETag`. Send it as `If-None-Match`; the response is 304 without a \
body as long as nothing has changed. Ranges that end now change as time passes. `Cache-Control` is \
`no-store`, so that no browser or proxy stores audit data; a client that stores a response itself \
may use its tag until the server restarts.
- JSON of 1,000 bytes or more is compressed with gzip if `Accept-Encoding` allows it. Responses \
contain no secrets that their compressed length could reveal (BREACH). Downloads are not \
compressed, since that would make them several times slower.

## Errors

Errors are problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with the content \
type `application/problem+json`: `type`, `title`, `status` and `detail`. `error` and `hint` are \
the two parts of `detail`: what is wrong, and what to do. The routes that receive events (`/v1`, \
`/webhooks`) use the error format of Segment's API instead.

`type` is `about:blank` if the status describes the error, or one of the following, which are \
relative references into the OpenAPI document:

| type | title | meaning |
|---|---|---|
"""


def text() -> str:
    """Return the page: errors, then every route with parameters and responses."""
    document = openapi.document(routes.documented())
    lines = [_START.rstrip("\n")]
    lines += [f"| `{item.uri}` | {item.title} | {item.about} |" for item in PROBLEM_TYPES]
    tags: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = list(_operation(document, path, method, operation))
            tags.setdefault(operation["tags"][0], []).extend(shown)
    for tag, shown in tags.items():
        lines += ["", f"## {tag}", *shown]
    return "\n".join(lines) + "\n"


def _operation(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> Iterator[str]:
    yield from ("", f"### {method.upper()} {path}", "", operation["summary"])
    if about := operation.get("description"):
        yield from ("", about)
    parameters = [_resolved(document, item) for item in operation["parameters"]]
    shared = [item for item in _filter(document) if item in parameters]
    if path != "/api/events" and len(shared) > _MANY:
        yield from ("", "Filter parameters as for `GET /api/events`.")
        parameters = [item for item in parameters if item not in shared]
    if parameters:
        yield from ("", "| parameter | type | description |", "|---|---|---|")
        yield from map(_row, parameters)
    statuses = ", ".join(f"`{status}`" for status in operation["responses"])
    yield from ("", f"Responses: {statuses}.")
    for response in operation["responses"].values():
        for media_type, content in response.get("content", {}).items():
            yield from ("", f"`{media_type}`")
            if media_type == "application/json" and content.get("example"):
                body = json.dumps(content["example"], indent=2, ensure_ascii=False)
                yield from ("", "```json", body, "```")


def _filter(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    operation = document["paths"]["/api/facets"]["get"]
    return [_resolved(document, item) for item in operation["parameters"]]


def _resolved(document: Mapping[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    if reference := item.get("$ref"):
        name = str(reference).rpartition("/")[2]
        resolved: dict[str, Any] = document["components"]["parameters"][name]
        return resolved
    return item


def _row(parameter: Mapping[str, Any]) -> str:
    schema = parameter["schema"]
    about = parameter["description"]
    if parameter["required"]:
        about = f"Required. {about}"
    values = schema.get("items", schema).get("enum")
    if values:
        about += " One of " + ", ".join(f"`{value}`" for value in values if value) + "."
    kind = schema["type"]
    if kind == "array":
        kind = "separated by commas" if parameter.get("explode") is False else "repeatable"
    return f"| `{parameter['name']}` | {schema.get('format', kind)} | {about} |"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
