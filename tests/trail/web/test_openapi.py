"""The OpenAPI document: valid, complete, and with examples that its own schemas allow."""

from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from trail import VERSION
from trail.web import openapi, routes, schemas, unknown_routes
from trail.web.api_route import ApiRoute, Operation
from trail.web.json_errors import MEDIA_TYPE

DOCUMENT = openapi.document(routes.documented())


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_document_is_valid_and_has_the_version_of_the_product() -> None:
    openapi_spec_validator.validate(DOCUMENT)
    assert DOCUMENT["info"]["version"] == VERSION
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)


def test_every_route_is_described_except_that_of_commands() -> None:
    """A new route must be an `ApiRoute`."""
    described = {route.path for route in routes.documented()}
    every = {route.path for route in routes.all_routes(lambda *_: 0, lambda: "")}
    others = {path for path in every - described if not path.endswith("{path:path}")}
    assert described == set(DOCUMENT["paths"])
    assert others == {"/local/command", "/api", "/export"}


def test_every_operation_says_who_may_call_it() -> None:
    for name, operation in operations():
        assert operation["summary"].endswith("."), name
        needs_role = {"apiToken": []} in operation["security"]
        assert ("Requires the permission" in operation.get("description", "")) is needs_role, name


def test_examples_are_allowed_by_the_schemas() -> None:
    checked = 0
    for name, operation in operations():
        for item in operation["parameters"]:
            parameter = item
            if "$ref" in item:
                key = item["$ref"].rpartition("/")[2]
                parameter = DOCUMENT["components"]["parameters"][key]
            if "example" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])
                checked += 1
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                if "example" in content:
                    Draft202012Validator(content["schema"]).validate(content["example"])
                    checked += 1
        assert "200" in operation["responses"] or not operation["responses"].keys() & {"2XX"}, name
    Draft202012Validator(schemas.PROBLEM).validate(schemas.PROBLEM_EXAMPLE)
    assert checked > 100


async def _fail(_: object) -> None:
    raise RuntimeError("select * from secrets")


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_answered_with_the_supported_ones(method: str) -> None:
    app = Starlette(
        routes=[
            *(known := [ApiRoute("/x", _fail, Operation())]),
            *unknown_routes.routes(known),
            Route("/{path:path}", _fail, methods=[method]),
        ]
    )
    answer = TestClient(app).request(method, "/x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.headers["content-type"] == MEDIA_TYPE
    Draft202012Validator(schemas.PROBLEM).validate(answer.json())


def test_an_unexpected_error_is_answered_without_its_text() -> None:
    app = Starlette(routes=[ApiRoute("/x", _fail, Operation())])
    answer = TestClient(app, raise_server_exceptions=False).get("/x")
    assert answer.status_code == 500
    assert "secrets" not in answer.text
    Draft202012Validator(schemas.PROBLEM).validate(answer.json())
