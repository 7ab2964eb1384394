"""Responses to unknown paths (404) and unsupported methods (405).

Otherwise Streamlit would answer them with its page and status 200.
"""

from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trail.web.api_route import ApiRoute
from trail.web.json_errors import NOT_FOUND, json_error

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
_BELOW = ("/api", "/api/{path:path}", "/export", "/export.{path:path}", "/v1/{path:path}")


def routes(known: Iterable[ApiRoute]) -> list[Route]:
    """Return routes to place after the *known* ones, which answer all other requests."""
    methods: dict[str, set[str]] = {}
    for route in known:
        methods.setdefault(route.path, set()).update(route.methods or ())
    refused = [
        Route(path, _refusal(allowed), methods=_METHODS) for path, allowed in methods.items()
    ]
    return [*refused, *(Route(path, _unknown, methods=_METHODS) for path in _BELOW)]


def _refusal(allowed: set[str]) -> Callable[[Request], Any]:
    async def refuse(request: Request) -> Response:
        refusal = json_error(
            405, f"{request.method} is not supported here.", "See the Allow header."
        )
        refusal.headers["allow"] = ", ".join(sorted(allowed))
        return refusal

    return refuse


async def _unknown(_: Request) -> Response:
    return json_error(*NOT_FOUND)
