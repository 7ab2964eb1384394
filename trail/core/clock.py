"""The present moment and conversions to UTC. Stored times are UTC without a zone."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import ParamSpec, TypeVar
from zoneinfo import ZoneInfo

P = ParamSpec("P")
T = TypeVar("T")

_shift: ContextVar[dt.timedelta] = ContextVar("shift", default=dt.timedelta())


def utc_now() -> dt.datetime:
    """Return the present moment in UTC, without a zone; inside `running_from`, its moment."""
    return naive_utc(dt.datetime.now(dt.UTC)) + _shift.get()


@contextlib.contextmanager
def running_from(moment: dt.datetime) -> Iterator[None]:
    """Let `utc_now` run from *moment* (UTC, without zone) in this context.

    For the past of the demo workspace only, which is lived through once with the real code.
    """
    token = _shift.set(moment - naive_utc(dt.datetime.now(dt.UTC)))
    try:
        yield
    finally:
        _shift.reset(token)


def carried(job: Callable[P, T]) -> Callable[P, T]:
    """Return *job* so that `utc_now` in it is as in this context, whichever thread runs it."""
    shift = _shift.get()
    if not shift:
        return job

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        token = _shift.set(shift)
        try:
            return job(*args, **kwargs)
        finally:
            _shift.reset(token)

    return run


def naive_utc(moment: dt.datetime) -> dt.datetime:
    """Return *moment* in UTC without a zone; one without a zone already is in UTC.

    Raises `OverflowError` beyond the years 1 to 9999.
    """
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def shifted(moment: dt.datetime, by: dt.timedelta) -> dt.datetime:
    """Return *moment* (without a zone) moved *by*, at most to the first or last possible time."""
    with contextlib.suppress(OverflowError):
        return moment + by
    return dt.datetime.min if by < dt.timedelta() else dt.datetime.max  # noqa: DTZ901 - UTC


def utc_text(moment: dt.datetime) -> str:
    """Return *moment* in ISO 8601 with `Z`; one without a zone is in UTC."""
    return f"{naive_utc(moment).isoformat()}Z"


def local_text(at: dt.datetime, zone: ZoneInfo) -> str:
    """Return a UTC time without a zone in *zone*: `Mon 23 Nov 2026, 14:32:08`."""
    local = at.replace(tzinfo=dt.UTC).astimezone(zone)
    return f"{local:%a} {local.day} {local:%b} {local.year}, {local:%H:%M:%S}"


def utc_offset(at: dt.datetime) -> str:
    """Return the UTC offset of an aware time: `UTC+1`, `UTC+5:30`, `UTC`."""
    delta = at.utcoffset() or dt.timedelta()
    minutes = int(delta.total_seconds() // 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"
