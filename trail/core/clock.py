"""The present moment and conversions to UTC. Stored times are UTC without a zone."""

import datetime as dt


def utc_now() -> dt.datetime:
    """Return the present moment in UTC, without a zone."""
    return naive_utc(dt.datetime.now(dt.UTC))


def naive_utc(moment: dt.datetime) -> dt.datetime:
    """Return *moment* in UTC without a zone; one without a zone already is in UTC.

    Raises `OverflowError` beyond the years 1 to 9999.
    """
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def utc_text(moment: dt.datetime) -> str:
    """Return *moment* in ISO 8601 with `Z`; one without a zone is in UTC."""
    return f"{naive_utc(moment).isoformat()}Z"
