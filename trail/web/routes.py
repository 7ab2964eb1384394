"""Every HTTP route of the product except Streamlit's own."""

from collections.abc import Callable

from starlette.routing import Route

from trail.core import registry
from trail.core.model import Receiver
from trail.runtime import process
from trail.web import (
    access_log_export,
    api,
    attention_route,
    auth,
    certificate_export,
    command_route,
    detail_routes,
    evidence_export,
    health,
    invitation,
    mcp_route,
    metrics,
    new_events_route,
    openapi,
    push,
    time_route,
    unknown_routes,
    uploads,
    views,
)
from trail.web.api_route import ApiRoute


def receivers() -> list[ApiRoute]:
    """Return the routes of the receivers, which event senders call."""
    return push.routes(registry.of_kind(Receiver), lambda: process.current().intake)


def documented() -> list[ApiRoute]:
    """Return the routes with declarations: all that clients may use."""
    return [*PAGES_AND_API, *receivers()]


# Answered to browsers and API clients.
PAGES_AND_API: tuple[ApiRoute, ...] = (
    *auth.ROUTES,
    *invitation.ROUTES,
    *api.ROUTES,
    *detail_routes.ROUTES,
    *attention_route.ROUTES,
    *views.ROUTES,
    *health.ROUTES,
    *access_log_export.ROUTES,
    *evidence_export.ROUTES,
    *certificate_export.ROUTES,
    *metrics.ROUTES,
    *time_route.ROUTES,
    *new_events_route.ROUTES,
    *uploads.ROUTES,
    *mcp_route.ROUTES,
    openapi.route(documented),
)


def all_routes(run: command_route.Run, token: Callable[[], str]) -> list[Route]:
    """Return all routes; *run* and *token* are those of `command_route.route`."""
    others = unknown_routes.routes(documented())
    return [*documented(), command_route.route(run, token), *others]
