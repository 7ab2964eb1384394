"""The watermark: which events were aggregated, which days were scored, and by which formulas."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from trail.core import catalogue
from trail.findings import risks, rule_toggles
from trail.findings.detector import Detector
from trail.storage import cursors
from trail.storage.connection import Cursor
from trail.storage.engine import Engine

_SOURCE = "findings"
# Increment when scoring changes, so that all stored days are scored again.
_SCORING = 6


@dataclass(frozen=True, slots=True)
class Watermark:
    """State of the last refresh; all fields are text, empty before the first one.

    `version` of the formulas, newest `ingested` time aggregated, last day scored (`until`), and the
    first day ever recorded (`opened`), which is kept after its events are removed.
    """

    version: str = ""
    ingested: str = ""
    until: str = ""
    opened: str = ""


def read(cursor: Cursor) -> Watermark:
    """Return the watermark of the last refresh."""
    return _parsed(cursors.read(cursor, _SOURCE))


def write(cursor: Cursor, watermark: Watermark) -> None:
    """Store *watermark*."""
    cursors.put(cursor, _SOURCE, json.dumps(asdict(watermark)))


def opened(engine: Engine) -> dt.date | None:
    """Return the first day (UTC) with any recorded event, or None."""
    text = _parsed(cursors.get(engine, _SOURCE)).opened
    return dt.date.fromisoformat(text) if text else None


def _parsed(text: str) -> Watermark:
    return Watermark(**json.loads(text)) if text else Watermark()


def version(cursor: Cursor, detectors: Iterable[Detector]) -> str:
    """Return a hash of the formulas, risks, expected activity and enabled rules."""
    parts = [
        str(_SCORING),
        catalogue.VERSION,
        str(risks.version(cursor)),
        *(f"{detector.name} {detector.sql}" for detector in detectors),
        *(str(row) for row in cursor.execute(_EXPECTED).fetchall()),
        *sorted(rule_toggles.enabled_names(cursor)),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


_EXPECTED = "select actor_id, action, since, until from taught order by all"
