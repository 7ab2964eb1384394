"""`/export.evidence.zip`: the evidence pack as a download."""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response

from trail.core.download_stats import Tally
from trail.core.errors import InputError
from trail.events import value_names
from trail.evidence import pack
from trail.evidence.period import ADDRESS
from trail.runtime import process
from trail.storage.filters import Filter
from trail.web import parameters
from trail.web.api_route import BYTES, ApiRoute, Content, Operation
from trail.web.certificate_export import sign_off_number
from trail.web.downloads import recorded
from trail.web.query_routes import export
from trail.web.streaming import Download


@export
def download(request: Request) -> Response:
    """Stream the evidence pack of the filter, or of `sign_off=NUMBER`."""
    runtime = process.current()
    pairs = request.query_params.multi_items()
    store, settings, now = runtime.store, runtime.settings, dt.datetime.now(dt.UTC)
    if any(name == "sign_off" for name, _ in pairs):
        if len(pairs) > 1:
            raise InputError("A sign-off has its own filter.", "Give sign_off alone.")
        prepared = pack.prepare_signed(store, settings, sign_off_number(request), now)
    else:
        filter_, _ = value_names.resolve(store, Filter.parse(pairs))
        prepared = pack.prepare(store, settings, filter_, now)
    tally = Tally()
    return Download(
        request,
        recorded(request, prepared.stream(tally), tally, prepared.period.filter, "zip", "evidence"),
        {"Content-Disposition": f'attachment; filename="{prepared.file_name()}"'},
        "application/zip",
    )


ROUTES = [
    ApiRoute(
        ADDRESS,
        download,
        Operation((*parameters.FILTER, parameters.SIGN_OFF), Content("application/zip", BYTES)),
    )
]
