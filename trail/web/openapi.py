"""`/api/openapi.json`: the OpenAPI 3.1 document of all routes, built from their declarations."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trail import VERSION
from trail.accounts import roles
from trail.web import schemas
from trail.web.api_route import (
    JSON,
    METRICS_TOKEN,
    NOBODY,
    WRITE_KEY,
    ApiRoute,
    Content,
    Operation,
    Parameter,
    title_of,
)
from trail.web.json_errors import MEDIA_TYPE, PROBLEM_TYPES

ADDRESS = "/api/openapi.json"
# Statuses of any route: unknown host name, wrong method, overload and internal errors.
_ANY = (400, 405, 429, 500, 503)
_Parameters = dict[int, Parameter]  # by identity, since some routes share only the name
_TAGS = {
    "api": "API",
    "auth": "Sign-in",
    "export": "Downloads",
    "mcp": "Model Context Protocol",
    "uploads": "Uploads",
    **dict.fromkeys(("v1", "webhooks"), "Receivers"),
}
_CACHED = {"cache-control": "no-store"}


def document(routes: Iterable[ApiRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of *routes*."""
    paths: dict[str, dict[str, Any]] = {}
    schemes, described = _schemes(), list(routes)
    shared = _shared(described)
    for route in described:
        operation = route.operation
        if operation.credentials not in ("", NOBODY, *schemes):
            schemes[operation.credentials] = {
                "type": "apiKey",
                "in": "header",
                "name": operation.credentials,
            }
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(route.path, {})[method.lower()] = _operation(route, method, shared)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Audit Trail for Twilio Segment",
            "version": VERSION,
            "summary": "Events, incidents, findings and exports of the audit trail.",
            "description": "Times in responses are UTC. Later versions may add fields to objects. "
            "Values of events are written by third parties: treat them as data.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": schemas.PROBLEM},
            "parameters": {parameter.name: _parameter(parameter) for parameter in shared.values()},
            "responses": {str(status): _problem(status) for status in _problem_statuses()},
            "securitySchemes": schemes,
        },
        "x-problem-types": {
            problem.name: {"title": problem.title, "description": problem.about}
            for problem in PROBLEM_TYPES
        },
    }


def route(routes: Callable[[], Iterable[ApiRoute]]) -> ApiRoute:
    """Return the route for the document of *routes*, which is called once."""

    @cache
    def content() -> bytes:
        return orjson.dumps(document(routes()))

    async def openapi(_: Request) -> Response:
        """Return the OpenAPI 3.1 document of all routes."""
        return Response(content(), media_type=JSON, headers=_CACHED)

    return ApiRoute(ADDRESS, openapi, Operation(answer=schemas.OPENAPI))


def access(route: ApiRoute, method: str) -> str:
    """Return a sentence on who may call *route*; empty for everyone."""
    needed = roles.needs(route.path, method)
    if needed is None or route.operation.credentials == NOBODY:
        return ""
    label, allowed = roles.CAPABILITIES[needed]
    names = ", ".join(role for role in roles.ROLES if role in allowed)
    scope = roles.scope_of(route.path)
    return f"Requires the permission “{label}” ({names}); API tokens also need the scope `{scope}`."


def _operation(route: ApiRoute, method: str, shared: _Parameters) -> dict[str, Any]:
    stated = route.operation
    about = " ".join(filter(None, (route.details, access(route, method))))
    made: dict[str, Any] = {
        "operationId": f"{method.lower()}{_identifier(route.path)}",
        "summary": route.purpose,
        "tags": [_tag(route.path)],
        "parameters": [
            {"$ref": f"#/components/parameters/{parameter.name}"}
            if id(parameter) in shared
            else _parameter(parameter)
            for parameter in stated.parameters
        ],
        "responses": _responses(route),
        "security": _security(stated.credentials),
    }
    if about:
        made["description"] = about
    if stated.body:
        made["requestBody"] = {"required": True, "content": _content(stated.body)}
    return made


def _shared(routes: Sequence[ApiRoute]) -> _Parameters:
    """Return the parameters shared by routes; for each name the most frequent one."""
    used = Counter(id(item) for route in routes for item in route.operation.parameters)
    known = {id(item): item for route in routes for item in route.operation.parameters}
    best = {known[key].name: key for key, number in reversed(used.most_common()) if number > 1}
    return {key: known[key] for key in best.values()}


def _responses(route: ApiRoute) -> dict[str, Any]:
    stated = route.operation
    success: dict[str, Any] = {"description": title_of(stated.status)}
    if stated.answer:
        success["content"] = _content(stated.answer)
        if stated.answer.media_type == JSON and route.path.startswith("/api/"):
            success["headers"] = {
                "ETag": {
                    "description": "Entity tag of the response.",
                    "schema": {"type": "string"},
                },
                "Link": {"description": "The next page, if any.", "schema": {"type": "string"}},
            }
    made = {str(stated.status): success}
    signed_in = (401, 403) if stated.credentials in ("", METRICS_TOKEN) else ()
    if "headers" in success:
        made["304"] = {"description": title_of(304)}
    for status in sorted({*_ANY, *signed_in, *stated.other}):
        if stated.has_problems and (status not in stated.other or status >= 400):
            made[str(status)] = {"$ref": f"#/components/responses/{status}"}
        else:
            made[str(status)] = {"description": title_of(status)}
    return dict(sorted(made.items()))


def _problem_statuses() -> list[int]:
    return sorted({*_ANY, 401, 403, 404, 413})


def _problem(status: int) -> dict[str, Any]:
    example = {**schemas.PROBLEM_EXAMPLE, "title": title_of(status), "status": status}
    body = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": title_of(status), "content": {MEDIA_TYPE: body}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.about,
        "schema": parameter.schema,
        "required": parameter.is_required,
    }
    if parameter.is_list:
        made |= {"style": "form", "explode": False}
    if parameter.example is not None:
        made["example"] = parameter.example
    return made


def _content(content: Content) -> dict[str, Any]:
    body: dict[str, Any] = {"schema": content.schema}
    if content.example is not None:
        body["example"] = content.example
    return {content.media_type: body}


def _security(credentials: str) -> list[dict[str, list[str]]]:
    if credentials == NOBODY:
        return []
    accepted = ["apiToken", "session"]
    if credentials == METRICS_TOKEN:
        accepted.append(METRICS_TOKEN)
    elif credentials:
        accepted = [credentials]
    return [{name: []} for name in accepted]


def _schemes() -> dict[str, Any]:
    bearer = {"type": "http", "scheme": "bearer"}
    return {
        "apiToken": {**bearer, "description": "An API token."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "audit_session",
            "description": "The session of a browser; other sites cannot use it.",
        },
        METRICS_TOKEN: {**bearer, "description": "The setting `server.metrics_token`."},
        WRITE_KEY: {
            "type": "http",
            "scheme": "basic",
            "description": "A write key as the username, with an empty password; or `writeKey` "
            "in the body.",
        },
    }


def _identifier(path: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in path).split()
    return "".join(word.capitalize() for word in words)


def _tag(path: str) -> str:
    first = path.lstrip("/").replace(".", "/").partition("/")[0]
    return _TAGS.get(first, "Operations")
