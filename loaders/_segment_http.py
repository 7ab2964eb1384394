"""Asking Segment's Public API: the same question again until its answer is good or patience ends.

Separate because what goes wrong on the way (limits, answers cut short, resets) is one idea, and
what the answers say is another.
"""

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
from trail.core.settings import Section, Settings

T = TypeVar("T")

_HOSTS = {"us": "https://api.segmentapis.com", "eu": "https://eu1.api.segmentapis.com"}
# A page of 1,000 events is under 1 MiB; whatever is this long is something else.
_LONGEST = 64 << 20
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
# Besides 5xx: a timeout, a conflict and "too early" pass by themselves.
_PASSING = (408, 409, 425)
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")
_WHOLE_SECONDS = re.compile(r"[0-9]{1,9}")

_REGION = "check that segment.region is the workspace's."
_REFUSALS = {
    401: (
        "The API token is not accepted.",
        f"Make a new one as a Workspace Owner, and {_REGION}",
    ),
    403: ("The API token may not read this.", f"Make one as a Workspace Owner, and {_REGION}"),
    404: (
        "Segment has no audit trail for this workspace.",
        f"It belongs to the Business plan. If you have that, {_REGION}",
    ),
}

# Tests put a clock of their own in place of these.
_sleep = time.sleep
_clock = time.monotonic
_random = secrets.SystemRandom()

_log = logging.getLogger("trail.segment")


class AnswerError(InputError):
    """The API answered that it will not do what it was asked; `status` is its HTTP status."""

    def __init__(self, status: int, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.status = status


class _FailedError(Exception):
    """One try that came to nothing and may pass; `wait_s` is how long the API wants to be left."""

    def __init__(self, words: str, wait_s: float | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.wait_s = wait_s


class SegmentSettings(Section):
    """Access to the workspace's Public API."""

    section: ClassVar[str] = "segment"
    token: SecretStr = Field(
        SecretStr(""), description="A Public API token; leave empty to disable polling."
    )
    region: Literal["us", "eu"] = Field("us", description="Region of the workspace.")
    url: str = Field("", description="URL of the API, if not the region's own.")
    every_minutes: float = Field(5, gt=0, le=1440, description="Polling interval in minutes.")
    overlap_hours: float = Field(
        24, ge=0, le=2160, description="Hours that each request reaches back for late events."
    )
    page_events: int = Field(1000, ge=1, le=1000, description="Events per page.")
    timeout_s: float = Field(30, gt=0, le=300, description="Seconds to wait for a response.")
    patience_s: float = Field(
        600, gt=0, description="Seconds to retry a failing request before giving up."
    )


class Api:
    """A connection to the workspace's Public API, for use in a `with` statement.

    Raises `SettingError` when token or address cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.of(SegmentSettings)
        self._token = _token(self._settings)
        self._client = httpx2.Client(
            base_url=_address(self._settings),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/vnd.segment.v1+json",
                # A bit of zstd or brotli can unpack to gigabytes before it can be counted.
                "Accept-Encoding": "gzip",
            },
            timeout=self._settings.timeout_s,
            # The token must not travel to where a redirect points.
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        """Return the connection itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        self._client.close()

    def get(self, path: str, query: dict[str, str], read: Callable[[str], T]) -> T:
        """Return what *read* makes of the text at *path*.

        *read* raises `ValueError` when the text is not whole, and the same is asked again. Raises
        `AnswerError` when the API refuses, `InputError` when the answer is too long, and
        `UnavailableError` when `segment.patience_s` goes by without a good answer.
        """
        began, tries = _clock(), 0
        while True:
            try:
                return read(self._answer(path, query, began + self._settings.patience_s))
            except _FailedError as failure:
                failed = failure
            except (ValueError, RecursionError):
                failed = _FailedError("its answer was not whole")
            tries += 1
            wait_s = _backoff_s(tries) if failed.wait_s is None else failed.wait_s
            if _clock() - began + wait_s > self._settings.patience_s:
                raise _given_up(failed, tries, _clock() - began, wait_s)
            _log.info("Segment's API: %s; asking again in %.1f s", failed.words, wait_s)
            _sleep(wait_s)

    def _answer(self, path: str, query: dict[str, str], until: float) -> str:
        """Return the body of one good answer; raises `_FailedError` for what may pass."""
        try:
            with self._client.stream("GET", path, params=query) as response:
                body = _body(response, until)
        except httpx2.TimeoutException:
            limit = self._settings.timeout_s
            raise _FailedError(f"it did not answer within {limit:g} s") from None
        except httpx2.ConnectError as error:
            reason = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or "no reason is known"
            raise _FailedError(f"it cannot be reached ({self._clean(reason)})") from None
        except (httpx2.TransportError, httpx2.DecodingError):
            raise _FailedError("its answer broke off") from None
        status = response.status_code
        if response.is_success:
            return body.decode()
        if status == 429:
            wait_s = _retry_after_s(response)
            wait_s = _ms_before_next_s(body) if wait_s is None else wait_s
            raise _FailedError("it was asked too often (429)", wait_s)
        if status >= 500 or status in _PASSING:
            raise _FailedError(f"it answered {status}", _retry_after_s(response))
        raise _refusal(status, path, self._clean(_said(body)))

    def _clean(self, words: str) -> str:
        """Return *words* of another's as one short line in which the token cannot stand."""
        line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
        return line.replace(self._token, "…")[:300]


def _token(settings: SegmentSettings) -> str:
    token = settings.token.get_secret_value().strip()
    if not token:
        raise SettingError("There is no API token.", "Set segment.token.")
    # Anything else would come back inside an error about a header, for all to read.
    if not re.fullmatch(r"[!-~]+", token):
        raise SettingError(
            "The API token has characters that no token has.", "Copy it into segment.token again."
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
            "segment.url cannot be used: the token may only go to an https address.",
            "Give https://, a host, and no user name; or leave it empty.",
        )
    return given


def _body(response: httpx2.Response, until: float) -> bytes:
    if response.headers.get("content-encoding", "identity") not in ("identity", "gzip"):
        raise _FailedError("its answer was packed in a way that was not asked for")
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > _LONGEST:
            raise InputError(
                f"Segment's API answered with more than {_LONGEST >> 20} MiB.",
                "Set segment.page_events to a smaller number.",
            )
        # Bytes that drip never run into the client's own limit, which counts each pause anew.
        if _clock() > until:
            raise _FailedError("its answer did not end")
    return b"".join(parts)


def _retry_after_s(response: httpx2.Response) -> float | None:
    said = response.headers.get("retry-after", "").strip()
    # Zero would be asking without a pause for as long as it is said.
    return max(_FIRST_WAIT_S, float(said)) if _WHOLE_SECONDS.fullmatch(said) else None


def _ms_before_next_s(body: bytes) -> float | None:
    for error in _errors(body):
        data = error.get("data")
        said = data.get("msBeforeNext") if isinstance(data, dict) else None
        if isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < 1e12:
            return max(_FIRST_WAIT_S, said / 1000)
    return None


def _said(body: bytes) -> str:
    """Return what the API says is wrong, in its own words; empty when it says nothing."""
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


def _refusal(status: int, path: str, said: str) -> AnswerError:
    """Return the error for a status that asking again does not change."""
    if status in _REFUSALS and (status != 404 or path == "/audit-events"):
        return AnswerError(status, *_REFUSALS[status])
    if 300 <= status < 400:
        return AnswerError(
            status,
            f"Segment's API answered with a redirect ({status}), which is not followed.",
            "Check segment.url.",
        )
    words = f": {said.rstrip('.')}." if said else "."
    return AnswerError(
        status,
        f"Segment's API refused what it was asked ({status}){words}",
        "Check the section segment of the settings.",
    )


def _given_up(failed: _FailedError, tries: int, spent_s: float, wait_s: float) -> UnavailableError:
    count = "1 try" if tries == 1 else f"{tries} tries"
    wait = f"{wait_s:.0f} s" if failed.wait_s is not None and wait_s >= 1 else "a few minutes"
    return UnavailableError(
        f"Segment's API gave no good answer in {count} over {spent_s:.0f} s: {failed.words}.",
        f"Try again in {wait}.",
    )


def _backoff_s(tries: int) -> float:
    # Full jitter: many who failed together do not come back together.
    return _random.uniform(0, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(tries - 1, 10)))
