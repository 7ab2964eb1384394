"""Pages and conditional requests of the API: links to the next page, and 304 if unchanged.

An entity tag is a digest of the response. Responses depend on the version of the data, the query,
the caller's permissions, and often on the current time, such as the end of a range; so only the tag
of the response itself is always correct. A repeated read takes its results from
`storage.shared_results` and transfers no body.
"""

import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

# Without a key, a caller with masked e-mails could guess addresses until the digest matches.
_KEY = secrets.token_bytes(32)
# Longer headers exceed the limits of clients and proxies.
_MAX_LINK = 4_096


def conditional(request: Request, response: Response) -> Response:
    """Return *response* with its entity tag, or 304 if the client has it already."""
    is_read = request.method in ("GET", "HEAD")
    if not is_read or response.status_code != 200 or response.media_type != "application/json":
        return response
    # Weak: the same response may be sent compressed.
    tag = f'W/"{hashlib.blake2b(response.body, key=_KEY, digest_size=16).hexdigest()}"'
    response.headers["etag"] = tag
    if not _matches(request.headers.get("if-none-match", ""), tag):
        return response
    kept = ("etag", "cache-control", "link")
    headers = {name: response.headers[name] for name in kept if name in response.headers}
    return Response(None, 304, headers)


def next_page(request: Request, changed: Mapping[str, str]) -> dict[str, str]:
    """Return the `Link` header for the page of *request* with *changed* parameters (RFC 8288)."""
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in changed]
    target = f"{request.url.path}?{urlencode([*pairs, *changed.items()])}"
    return {"link": f'<{target}>; rel="next"'} if len(target) <= _MAX_LINK else {}


def _matches(given: str, tag: str) -> bool:
    tags = [item.strip() for item in given.split(",")]
    return "*" in tags or tag in tags or tag.removeprefix("W/") in tags
