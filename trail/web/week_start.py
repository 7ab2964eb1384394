"""On which day the weeks of whoever asks start."""

from starlette.requests import Request

from trail.runtime import process
from trail.storage.time_expressions import WEEK_STARTS
from trail.storage.week_start import week_start

_BY_PARAMETER = {str(day): day for day in WEEK_STARTS}


def request_week_start(request: Request) -> int:
    """Return the parameter `week` of *request* (Monday is 0) if it is valid.

    Else as on the pages: by the setting, or by the first language that the client accepts.
    """
    given = _BY_PARAMETER.get(request.query_params.get("week", ""))
    if given is not None:
        return given
    language = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0]
    return week_start(process.current().settings.week_start, language.strip())
