"""Read the body of a request up to a limit."""

from starlette.requests import Request

from trail.core.model import RefusedError
from trail.core.text import parse_integer


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body; raises `RefusedError` (413) before reading more than *limit* bytes."""
    declared = request.headers.get("content-length", "")
    if (parse_integer(declared) or 0) > limit:
        raise RefusedError(413, reason="the body is too long")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise RefusedError(413, reason="the body is too long")
        parts.append(part)
    return b"".join(parts)
