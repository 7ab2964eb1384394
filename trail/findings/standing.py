"""Where the findings stand: what was folded and judged last, and by which formulas.

Separate because a refresh writes it, and the budget asks since when there is anything.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from trail import catalogue, marks
from trail.findings import risks, switches
from trail.findings.detector import Detector
from trail.store import Cursor, Engine

_SOURCE = "findings"
# Raised when the scoring itself changes, so that what is kept is judged anew.
_SCORING = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the last refresh stood; all texts, empty before the first one.

    `version` of the formulas, the newest `ingested` time folded, the last day judged (`until`),
    and the first day ever seen (`opened`), which outlasts its events.
    """

    version: str = ""
    ingested: str = ""
    until: str = ""
    opened: str = ""


def read(cursor: Cursor) -> Standing:
    """Return where the last refresh stood."""
    return _parsed(marks.read(cursor, _SOURCE))


def write(cursor: Cursor, standing: Standing) -> None:
    """Keep *standing*."""
    marks.put(cursor, _SOURCE, json.dumps(asdict(standing)))


def opened(engine: Engine) -> dt.date | None:
    """Return the first day (UTC) of which any event was ever seen, or None."""
    text = _parsed(marks.get(engine, _SOURCE)).opened
    return dt.date.fromisoformat(text) if text else None


def _parsed(text: str) -> Standing:
    return Standing(**json.loads(text)) if text else Standing()


def version(cursor: Cursor, known: Iterable[Detector]) -> str:
    """Return what scores depend on besides the events: formulas, risks, lessons, switches."""
    parts = [
        str(_SCORING),
        catalogue.VERSION,
        str(risks.version(cursor)),
        *(f"{each.name} {each.sql}" for each in known),
        *(str(row) for row in cursor.execute(_TAUGHT).fetchall()),
        *sorted(switches.on(cursor)),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


_TAUGHT = "select actor_id, action, since, until from taught order by all"
