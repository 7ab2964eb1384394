"""Routes that declare their parameters and responses, for the OpenAPI document and the docs.

An unexpected error of such a route is answered with 500; `unknown_routes` answers other methods.
"""

import inspect
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from trail.web.json_errors import json_error

Schema = Mapping[str, Any]

_log = logging.getLogger("trail.web")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query string or the path; *example* is a valid value.

    With *is_list*, one parameter contains several values, separated by commas; otherwise a schema
    of type `array` means that the parameter can be repeated.
    """

    name: str
    about: str
    schema: Schema
    example: object = None
    is_required: bool = False
    is_list: bool = False
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a request or response: media type, schema and example."""

    media_type: str
    schema: Schema
    example: object = None


JSON = "application/json"
# Credentials of an operation other than the name of a header: see `Operation`.
NOBODY, METRICS_TOKEN, WRITE_KEY = "nobody", "metricsToken", "writeKey"
BYTES: Schema = {"type": "string", "format": "binary"}


@dataclass(frozen=True, slots=True)
class Operation:
    """The declaration of a route: parameters, bodies, the success status, and its own statuses.

    `purpose` is by default the first sentence of the endpoint's docstring. Statuses that every
    route can return, such as 405, are not listed. `credentials` names what is required in place of
    a session or an API token. Without `has_problems`, errors have the form of the sender's
    protocol.
    """

    parameters: tuple[Parameter, ...] = ()
    answer: Content | None = None
    status: int = 200
    other: tuple[int, ...] = ()
    body: Content | None = None
    purpose: str = ""
    credentials: str = ""
    has_problems: bool = True


class ApiRoute(Route):
    """A route with its *operation*; unhandled errors are answered as problem details."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        operation: Operation,
        *,
        methods: Iterable[str] = ("GET",),
    ) -> None:
        super().__init__(path, endpoint, methods=list(methods))
        self.operation = operation

    @property
    def purpose(self) -> str:
        """Return what the route does, in one or two sentences."""
        return self.operation.purpose or (inspect.getdoc(self.endpoint) or "").partition("\n\n")[0]

    @property
    def details(self) -> str:
        """Return the rest of the endpoint's docstring after `purpose`."""
        if self.operation.purpose:
            return ""
        return (inspect.getdoc(self.endpoint) or "").partition("\n\n")[2].replace("\n", " ")

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; an unexpected error with 500."""
        has_started = False

        async def noting(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await super().handle(scope, receive, noting)
        except HTTPException:
            raise
        except Exception:
            if not has_started:
                error_id = secrets.token_hex(4)
                _log.error("Error %s in %s", error_id, self.path)
                hint = f"See the server log, error id {error_id}."
                await json_error(500, "Internal error.", hint)(scope, receive, send)
            raise


def title_of(status: int) -> str:
    """Return the standard phrase of an HTTP status."""
    return HTTPStatus(status).phrase
