"""Shared by the SIEM documents of events (`ocsf`, `ecs`, `cef`).

A row has `names.MESSAGE_COLUMNS`; its times are naive UTC, or ISO 8601 text as in the outbox. Any
value may be missing or malformed, since events are untrusted text.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from trail.core.clock import naive_utc

Row = Mapping[str, Any]

VENDOR, PRODUCT, SOFTWARE = "Twilio", "Segment", "segment-audit-trail"
DATASET = "segment.audit"
_EPOCH = naive_utc(dt.datetime.fromtimestamp(0, dt.UTC))
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is not an event: an alert, finding, incident, seal, digest or test.

    `at` is naive UTC, `severity` info, warning or critical, `link` a URL or empty.
    """

    kind: str
    uid: str
    at: dt.datetime
    title: str
    text: str
    severity: str
    link: str = ""

    @property
    def is_detection(self) -> bool:
        """Return whether the message reports something to investigate."""
        return self.kind in ("alert", "finding", "incident")


def moment(row: Row, *names: str) -> dt.datetime:
    """Return the first valid time among the fields *names* of *row* (naive UTC), or the epoch."""
    for name in names:
        value = row.get(name)
        try:
            found = (
                value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
            )
            return naive_utc(found)
        except (ValueError, OverflowError):
            continue
    return _EPOCH


def milliseconds(time: dt.datetime) -> int:
    """Return *time* (naive UTC) in milliseconds since the Unix epoch, rounded down."""
    return (time - _EPOCH) // _MICROSECOND // 1000


def text(row: Row, name: str) -> str:
    """Return a field as text, empty if missing; a lone surrogate becomes U+FFFD."""
    return clean("" if row.get(name) is None else str(row[name]))


def clean(value: str) -> str:
    """Return *value* with lone surrogates, which UTF-8 cannot encode, replaced by U+FFFD."""
    return (
        value
        if value.isascii()
        else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def risk(row: Row) -> int:
    """Return the risk from 0 to 10; 0 if missing."""
    value = row.get("risk")
    return min(max(value, 0), 10) if isinstance(value, int) else 0


def present(**fields: Any) -> dict[str, Any]:
    """Return *fields* without empty ones; False and 0 are kept."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [])}


def line(document: Mapping[str, Any]) -> bytes:
    """Return *document* as one line of JSON without a line break."""
    return orjson.dumps(document)
