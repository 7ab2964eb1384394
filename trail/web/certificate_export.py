"""`/export.certificate.{html,pdf,json}`: the certificate of a sign-off as a download."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.evidence import certificate, certificate_html, certificate_pdf
from trail.evidence.certificate import ADDRESS
from trail.findings import sign_offs
from trail.findings.sign_offs import Signoff
from trail.runtime import process, startup
from trail.web import parameters
from trail.web.api_route import BYTES, ApiRoute, Content, Operation, Schema
from trail.web.downloads import recorded
from trail.web.query_routes import export
from trail.web.streaming import Download


def sign_off_number(request: Request) -> int:
    """Return the parameter `sign_off`; raises `InputError` for anything but a number."""
    text = request.query_params.get("sign_off", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError(f"{text[:40]!r} is not the number of a sign-off.", "Use sign_off=1.")
    return int(text)


def _json(signed: Signoff, workspace: str) -> bytes:
    document = certificate.document(signed, workspace)
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _html(signed: Signoff, workspace: str) -> bytes:
    return certificate_html.page(signed, workspace).encode()


_MAKERS: dict[str, tuple[str, Callable[[Signoff, str], bytes]]] = {
    "html": ("text/html; charset=utf-8", _html),
    "pdf": ("application/pdf", certificate_pdf.page),
    "json": ("application/json", _json),
}


def _download(request: Request, file_format: str) -> Response:
    runtime = process.current()
    number = sign_off_number(request)
    with startup.reading_store().snapshot() as engine:
        signed = sign_offs.require(engine, number, dt.datetime.now(dt.UTC))
        workspace = certificate.workspace_of(engine, runtime.settings)
    media_type, make = _MAKERS[file_format]
    content, tally = make(signed, workspace), Tally()
    name = f"sign-off-{number}.{file_format}"
    return Download(
        request,
        recorded(request, iter([content]), tally, f"sign-off {number}", file_format, "certificate"),
        {"Content-Disposition": f'attachment; filename="{name}"'},
        media_type,
    )


def _operation(name: str, title: str, schema: Schema) -> Operation:
    purpose = f"Return the certificate of `sign_off=NUMBER` as {title}."
    content = Content(_MAKERS[name][0], schema)
    return Operation((replace(parameters.SIGN_OFF, is_required=True),), content, purpose=purpose)


ROUTES = [
    ApiRoute(
        f"{ADDRESS}.{name}",
        export(partial(_download, file_format=name)),
        _operation(name, title, schema),
    )
    for name, title, schema in (
        ("html", "a page to print", BYTES),
        ("pdf", "PDF", BYTES),
        ("json", "JSON", {"type": "object"}),
    )
]
