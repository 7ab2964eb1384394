"""The routes that receive a file, uploaded by an owner in the browser, in parts.

Each part is written to disk, so that no file is held in memory and no request takes long.
"""

from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from trail.access_log import log
from trail.accounts.users import User
from trail.core.clock import utc_now
from trail.core.errors import InputError, TrailError
from trail.core.model import RefusedError
from trail.core.text import parse_integer
from trail.ingest import uploads
from trail.runtime import process
from trail.web.api_route import JSON, ApiRoute, Content, Operation, Parameter, Schema
from trail.web.bodies import read_body
from trail.web.guard import client_address, request_user
from trail.web.json_errors import explained, json_error

PATH = "/uploads"
_threads = anyio.CapacityLimiter(2)


async def begin(request: Request) -> Response:
    """Begin the upload of the file `name` of `size` bytes; return its `id` and the `part_bytes`."""

    def work(user: User) -> dict[str, Any]:
        settings, asked = process.current().settings, request.query_params
        size = parse_integer(asked.get("size", "")) or 0
        process.current().schedule.uploads.check_idle(user.username)
        upload = uploads.begin(settings, asked.get("name", ""), size, user.username, utc_now())
        return {"id": upload.upload_id, "part_bytes": uploads.PART_BYTES}

    return await _answer(request, work, 201)


async def append(request: Request) -> Response:
    """Receive the part of the file at `offset`; return how many bytes are `received`."""
    try:
        data = await read_body(request, uploads.PART_BYTES)
    except RefusedError:
        return json_error(413, "The part is too long.", f"Send {uploads.PART_BYTES:,} bytes.")
    except ClientDisconnect:
        return Response(b"", 400)

    def work(user: User) -> dict[str, Any]:
        runtime = process.current()
        upload = uploads.find(runtime.settings, request.path_params["upload_id"], user.username)
        offset = parse_integer(request.query_params.get("offset", ""))
        if offset is None or offset < 0:
            raise InputError("Invalid offset.", "Use a number of bytes.")
        received, has_completed = uploads.append(runtime.settings, upload, offset, data)
        if has_completed:
            log.record(
                "uploaded",
                user.username,
                user.role,
                what=upload.name,
                size=upload.size,
                address=client_address(request),
            )
            runtime.schedule.uploads.check(upload)
        return {"received": received, "size": upload.size}

    return await _answer(request, work, 200)


async def _answer(request: Request, work: Any, status: int) -> Response:
    """Answer with the result of *work* for the user; the guard has checked the role."""
    user = request_user(request)
    if user is None or not user.may("configure"):
        return json_error(403, "Your role has no access to this.", "Ask an owner.")
    try:
        body = await anyio.to_thread.run_sync(work, user, limiter=_threads)
    except TrailError as error:
        return explained(error)
    return JSONResponse(body, status, {"cache-control": "no-store"})


_TEXT: Schema = {"type": "string"}
_BYTES: Schema = {"type": "integer", "minimum": 0}


def _json(example: dict[str, object], **fields: Schema) -> Content:
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return Content(JSON, schema, example)


ROUTES = [
    ApiRoute(
        PATH,
        begin,
        Operation(
            (
                Parameter("name", "Name of the file.", _TEXT, "events.ndjson", is_required=True),
                Parameter("size", "Size of the file in bytes.", _BYTES, 1_000, is_required=True),
            ),
            _json(
                {"id": "4fQz7Kp2", "part_bytes": uploads.PART_BYTES}, id=_TEXT, part_bytes=_BYTES
            ),
            status=201,
        ),
        methods=["POST"],
    ),
    ApiRoute(
        PATH + "/{upload_id}",
        append,
        Operation(
            (
                Parameter(
                    *("upload_id", "The `id` of the upload.", _TEXT, "4fQz7Kp2"),
                    is_required=True,
                    place="path",
                ),
                Parameter("offset", "Offset of the part in bytes.", _BYTES, 0, is_required=True),
            ),
            _json({"received": 1_000, "size": 1_000}, received=_BYTES, size=_BYTES),
            body=Content("application/octet-stream", {"type": "string", "format": "binary"}),
            other=(413,),
        ),
        methods=["POST"],
    ),
]
