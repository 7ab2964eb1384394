"""HTTP client of Segment's Public API: authorization, retries, rate limits and error messages."""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self, TypeVar

import httpx2
from pydantic import Field, SecretStr

from trail.core.errors import InputError, SettingError, UnavailableError
from trail.core.section import EDITABLE, Section
from trail.core.settings import Settings
from trail.core.text import one_line

T = TypeVar("T")

_HOSTS = {"us": "https://api.segmentapis.com", "eu": "https://eu1.api.segmentapis.com"}
# A page of 1,000 events is under 1 MiB.
_MAX_BYTES = 64 << 20
_FIRST_WAIT_S, _MAX_WAIT_S = 0.5, 60.0
# Transient statuses besides 5xx: request timeout, conflict, too early.
_TRANSIENT = (408, 409, 425)
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")
_WHOLE_SECONDS = re.compile(r"[0-9]{1,9}")

_REGION = "check that segment.region matches the workspace."
_REFUSALS = {
    401: (
        "The API token was not accepted.",
        f"Create a token as a Workspace Owner, and {_REGION}",
    ),
    403: ("The API token lacks permission.", f"Create a token as a Workspace Owner, and {_REGION}"),
    404: (
        "Segment has no audit trail for this workspace.",
        f"It requires the Business plan. If you have it, {_REGION}",
    ),
}

# Replaced by tests.
_sleep = time.sleep
_clock = time.monotonic
_random = secrets.SystemRandom()

_log = logging.getLogger("trail.segment")


class AnswerError(InputError):
    """The API refused a request; `status` is its HTTP status."""

    def __init__(self, status: int, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.status = status


class _FailedError(Exception):
    """A transient failure of one attempt; `wait_s` is the delay that the API asked for."""

    def __init__(self, words: str, wait_s: float | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.wait_s = wait_s


class SegmentSettings(Section):
    """Access to the workspace's Public API."""

    section: ClassVar[str] = "segment"
    token: SecretStr = Field(
        SecretStr(""),
        description="A Public API token; leave empty to disable polling.",
        title="Public API token",
        json_schema_extra=EDITABLE,
    )
    region: Literal["us", "eu"] = Field(
        "us",
        description="Region of the workspace.",
        title="Region",
        json_schema_extra=EDITABLE,
    )
    tokens: dict[str, SecretStr] = Field(
        {},
        description="Public API tokens of further workspaces, each under a name of your choice.",
        title="Public API tokens of further workspaces",
        json_schema_extra=EDITABLE,
    )
    regions: dict[str, Literal["us", "eu"]] = Field(
        {},
        description="Regions of these workspaces by name; by default the region of the first one.",
        title="Regions of further workspaces",
        json_schema_extra=EDITABLE,
    )
    url: str = Field("", description="URL of the API, if not the region's own.")
    every_minutes: float = Field(
        5,
        gt=0,
        le=1440,
        description="Polling interval in minutes.",
        title="Minutes between polls",
        json_schema_extra=EDITABLE,
    )
    backfill: bool = Field(
        True,
        description="Whether polls load the history and fill gaps; otherwise they request only "
        "new events.",
        title="Load the history and fill gaps",
        json_schema_extra=EDITABLE,
    )
    overlap_hours: float = Field(
        24, ge=0, le=2160, description="Hours that each request reaches back for late events."
    )
    page_events: int = Field(1000, ge=1, le=1000, description="Events per page.")
    timeout_s: float = Field(30, gt=0, le=300, description="Seconds to wait for a response.")
    patience_s: float = Field(
        90,
        gt=0,
        description="Seconds to retry a failing request before the poll fails; the next poll "
        "continues there.",
    )


class Api:
    """A client, used in a `with` statement; raises `SettingError` for an invalid token or URL."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.of(SegmentSettings)
        self._token = _token(self._settings)
        self._client = httpx2.Client(
            base_url=_address(self._settings),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/vnd.segment.v1+json",
                # zstd and brotli can expand to gigabytes before the size can be checked.
                "Accept-Encoding": "gzip",
            },
            timeout=self._settings.timeout_s,
            # A redirect would carry the token elsewhere.
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, path: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        """Return the body at *path*, parsed by *read*.

        A `ValueError` of *read* counts as a truncated response, which is requested again. Raises
        `AnswerError` for a refusal, `InputError` for an oversized response, and `UnavailableError`
        after `segment.patience_s` of failures.
        """
        began, tries = _clock(), 0
        while True:
            try:
                return read(self._answer(path, query, began + self._settings.patience_s))
            except _FailedError as failure:
                failed = failure
            except (ValueError, RecursionError):
                failed = _FailedError("truncated response")
            tries += 1
            wait_s = _backoff_s(tries) if failed.wait_s is None else failed.wait_s
            if _clock() - began + wait_s > self._settings.patience_s:
                raise _given_up(failed, tries, _clock() - began, wait_s)
            _log.info("Segment API: %s; retrying in %.1f s", failed.words, wait_s)
            _sleep(wait_s)

    def _answer(self, path: str, query: dict[str, str], until: float) -> bytes:
        """Return the body of a success; raises `_FailedError` for a transient failure."""
        try:
            with self._client.stream("GET", path, params=query) as response:
                body = _body(response, until)
        except httpx2.TimeoutException:
            limit = self._settings.timeout_s
            raise _FailedError(f"no response within {limit:g} s") from None
        except httpx2.ConnectError as error:
            reason = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or "unknown reason"
            raise _FailedError(f"connection failed ({self._clean(reason)})") from None
        except (httpx2.TransportError, httpx2.DecodingError):
            raise _FailedError("connection closed") from None
        status = response.status_code
        if response.is_success:
            return body
        if status == 429:
            wait_s = _retry_after_s(response)
            wait_s = _ms_before_next_s(body) if wait_s is None else wait_s
            raise _FailedError("rate limit reached (429)", wait_s)
        if status >= 500 or status in _TRANSIENT:
            raise _FailedError(f"status {status}", _retry_after_s(response))
        raise _refusal(status, path, self._clean(_error_text(body)))

    def _clean(self, text: str) -> str:
        """Return the API's *text* as one short line without the token."""
        return one_line(one_line(text, len(text)).replace(self._token, "…"))


def _token(settings: SegmentSettings) -> str:
    token = settings.token.get_secret_value().strip()
    if not token:
        raise SettingError("The API token is missing.", "Set segment.token.")
    # Otherwise the HTTP client would quote the token in an error.
    if not re.fullmatch(r"[!-~]+", token):
        raise SettingError(
            "The API token contains invalid characters.", "Copy it into segment.token again."
        )
    return token


def _address(settings: SegmentSettings) -> str:
    given = settings.url.strip()
    if not given:
        return _HOSTS[settings.region]
    try:
        url = httpx2.URL(given)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    safe = url.scheme == "https" or (url.scheme == "http" and _LOOPBACK.fullmatch(url.host))
    if not url.host or url.userinfo or not safe:
        raise SettingError(
            "Invalid segment.url: the token may only be sent over HTTPS.",
            "Use https:// and a host without a user name, or leave it empty.",
        )
    return given


def _body(response: httpx2.Response, until: float) -> bytes:
    if response.headers.get("content-encoding", "identity") not in ("identity", "gzip"):
        raise _FailedError("unexpected content encoding")
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > _MAX_BYTES:
            raise InputError(
                f"The Segment API returned more than {_MAX_BYTES >> 20} MiB.",
                "Reduce segment.page_events.",
            )
        # The client's timeout covers single reads, so a slow stream needs a deadline.
        if _clock() > until:
            raise _FailedError("response too slow")
    return b"".join(parts)


def _retry_after_s(response: httpx2.Response) -> float | None:
    message = response.headers.get("retry-after", "").strip()
    # Zero would retry without a pause.
    return max(_FIRST_WAIT_S, float(message)) if _WHOLE_SECONDS.fullmatch(message) else None


def _ms_before_next_s(body: bytes) -> float | None:
    for error in _errors(body):
        data = error.get("data")
        message = data.get("msBeforeNext") if isinstance(data, dict) else None
        if (
            isinstance(message, int | float)
            and not isinstance(message, bool)
            and 0 <= message < 1e12
        ):
            return max(_FIRST_WAIT_S, message / 1000)
    return None


def _error_text(body: bytes) -> str:
    """Return the API's own error message, or an empty string."""
    for error in _errors(body):
        words = [str(error[key]) for key in ("message", "field") if error.get(key)]
        if words:
            return " - ".join(words)
    return ""


def _errors(body: bytes) -> list[dict[str, Any]]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []
    errors = document.get("errors") if isinstance(document, dict) else None
    return (
        [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    )


def _refusal(status: int, path: str, detail: str) -> AnswerError:
    """Return the error for a permanent failure."""
    if status in _REFUSALS and (status != 404 or path == "/audit-events"):
        return AnswerError(status, *_REFUSALS[status])
    if 300 <= status < 400:
        return AnswerError(
            status,
            f"The Segment API responded with a redirect ({status}), which is not followed.",
            "Check segment.url.",
        )
    detail = f": {detail.rstrip('.')}." if detail else "."
    return AnswerError(
        status,
        f"The Segment API rejected the request ({status}){detail}",
        "Check the segment settings.",
    )


def _given_up(failed: _FailedError, tries: int, spent_s: float, wait_s: float) -> UnavailableError:
    count = "1 attempt" if tries == 1 else f"{tries} attempts"
    wait = f"{wait_s:.0f} s" if failed.wait_s is not None and wait_s >= 1 else "a few minutes"
    return UnavailableError(
        f"The Segment API failed {count} over {spent_s:.0f} s: {failed.words}.",
        f"Try again in {wait}.",
    )


def _backoff_s(tries: int) -> float:
    # Exponential backoff with full jitter.
    return _random.uniform(0, min(_MAX_WAIT_S, _FIRST_WAIT_S * 2 ** min(tries - 1, 10)))
