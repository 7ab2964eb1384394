"""`/mcp`: the Model Context Protocol over streamable HTTP, without sessions.

The tools call the routes of this server with the API token of the request, so that its role,
scopes, limits and access log apply as to any other request.
"""

from typing import Any

import anyio.to_thread
import httpx2
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from trail.web.api_route import JSON, ApiRoute, Content, Operation
from trail.web.json_errors import json_error

ADDRESS = "/mcp"
_MAX_BYTES = 65_536
_PASSED = ("authorization", "host")


class _Answer:
    """Answers one request as an ASGI app."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if not request.headers.get("authorization"):
            refusal = json_error(401, "An API token is required.", "An owner can create one.")
            await refusal(scope, receive, send)
            return
        # Imported with the first request: it takes a second, which would delay every start.
        manager_of = await anyio.to_thread.run_sync(_load)
        manager = manager_of(request)
        async with manager.run():
            await manager.handle_request(scope, receive, send)


def _load() -> Any:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

    from trail.runtime import mcp_tools

    def manager_of(request: Request) -> StreamableHTTPSessionManager:
        return StreamableHTTPSessionManager(
            mcp_tools.server(_fetch(request))._lowlevel_server,
            json_response=True,
            stateless=True,
            # The guard has already checked host and origin.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=_MAX_BYTES,
        )

    return manager_of


def _fetch(request: Request) -> Any:
    """Return a function that calls the routes of this server as the caller of *request*."""
    app, client = request.scope["app"], request.client
    address = (client.host, client.port) if client else ("unknown", 0)
    headers = {name: request.headers[name] for name in _PASSED if name in request.headers}

    async def fetch(path: str, pairs: Any) -> tuple[int, bytes]:
        transport = httpx2.ASGITransport(app, client=address)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as inside:
            answer = await inside.get(path, params=pairs, headers=headers)
        return answer.status_code, answer.content

    return fetch


_MESSAGE = {"type": "object", "description": "A message of JSON-RPC 2.0."}
ROUTES = [
    ApiRoute(
        ADDRESS,
        _Answer(),
        Operation(
            answer=Content(JSON, _MESSAGE),
            body=Content(JSON, _MESSAGE),
            other=(202, 406, 413, 415),
            purpose="Serve the Model Context Protocol: tools that read events, incidents, "
            "findings, actors and coverage with the role of the API token.",
            has_problems=False,
        ),
        methods=["POST"],
    )
]
