"""Saved views as JSON, and the short links that `Share` makes.

A link leads to the page that it names, which checks the role again. Without a session it leads to
the sign-in form and back; the answer is the same for any link then, so that it reveals none.
"""

import html
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from trail.accounts import oidc
from trail.core.clock import utc_now
from trail.runtime import process
from trail.views import former_owners, saved_views, share_links
from trail.web import schemas
from trail.web.api_route import BYTES, ApiRoute, Content, Operation, Parameter
from trail.web.auth import LINK, LINK_SIGN_IN
from trail.web.guard import request_user
from trail.web.query_routes import query

_PRIVATE = {"cache-control": "no-store"}
# Link previews of chats show the title and the description, as nobody is signed in there.
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} - Audit Trail</title>
<meta property="og:site_name" content="Audit Trail">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{text}">
<meta name="color-scheme" content="light dark">{refresh}
<style>body {{ font: 14px/1.5 system-ui, sans-serif; margin: 12vh auto 0; max-width: 30rem;
padding: 0 1rem }} h1 {{ font-size: 1.35rem }}</style></head>
<body><main><h1>{title}</h1><p>{text}</p>
<p><a href="{address}">{action}</a></p></main></body></html>
"""


@query
def views(request: Request) -> Response:
    """Return the saved views of the caller: built-in, shared and the caller's own."""
    user, runtime = request_user(request), process.current()
    listed = saved_views.visible(runtime.store, user.account if user else "")
    listed = former_owners.marked(listed, runtime.users.accounts(), oidc.PREFIX)
    return JSONResponse({"views": [view.to_dict() for view in listed]}, headers=_PRIVATE)


@query
def follow(request: Request) -> Response:
    """Redirect a short link of `Share` to its page; without a session, to the sign-in form."""
    user, runtime = request_user(request), process.current()
    link_id = str(request.path_params["link_id"])
    if user is None:
        return _page(
            200,
            "Shared view",
            "Sign in to open this view of the audit trail.",
            f"..{LINK_SIGN_IN}{quote(link_id)}",
            "Sign in",
            forward=True,
        )
    try:
        days = runtime.settings.store.readable_days
        link = share_links.find(runtime.store, link_id, utc_now(), days)
    except share_links.ExpiredError as error:
        return _page(404, error.message.rstrip("."), error.hint, "../explore", "Open Explore")
    if not user.may(share_links.PAGES[link.page]):
        return _page(
            403, "No access", f"The role {user.role} has no access to this page.", "../", "Open"
        )
    return RedirectResponse(link.target, 303, _PRIVATE)


def _page(
    status: int, title: str, text: str, address: str, action: str, *, forward: bool = False
) -> Response:
    values = {"title": title, "text": text, "address": address, "action": action}
    escaped = {name: html.escape(value) for name, value in values.items()}
    refresh = (
        f'\n<meta http-equiv="refresh" content="0; url={escaped["address"]}">' if forward else ""
    )
    return HTMLResponse(_PAGE.format(**escaped, refresh=refresh), status, _PRIVATE)


_LINK_ID = Parameter(
    "link_id", "The ID of the link.", {"type": "string"}, "4fQz7Kp2", is_required=True, place="path"
)
ROUTES = [
    ApiRoute("/api/views", views, Operation(answer=schemas.VIEWS)),
    ApiRoute(
        LINK + "{link_id}",
        follow,
        # A page for people: it leads to the sign-in form, or reports an error.
        Operation((_LINK_ID,), Content("text/html; charset=utf-8", BYTES), other=(303, 403, 404)),
    ),
]
