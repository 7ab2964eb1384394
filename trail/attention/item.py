"""One thing that needs attention. All times are UTC without zone."""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Literal

from trail.core.clock import utc_text
from trail.core.text import count
from trail.triage.records import Kind

Urgency = Literal["now", "soon", "later"]
Action = Literal["assign", "decide", "hold", "open"]

# The most urgent first.
URGENCIES: tuple[Urgency, ...] = ("now", "soon", "later")
# What comes first among equally urgent ones: what makes everything else unsure, then what fails.
KINDS: tuple[Kind, ...] = (
    "integrity", "settings", "source", "incident", "finding", "delivery", "retention", "quarantine",
    "gap",
)  # fmt: skip
# Rows of a kind; the others are one row.
MOST = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that needs attention; `title` and `reason` are plain text that may be hostile.

    `subject` names it for `trail.triage`; it is empty for the row that stands for the further ones
    of a kind, of which `count` says how many. `since` is when it began, or None. `path` is the path
    and query of the page that decides, `action` what is done there or here, `action_label` its
    button. `assignee` is a user name or empty; `muted_until` is set only while it is muted. `tz` is
    the zone of the times in the title, empty if it has none.
    """

    subject: str
    kind: Kind
    urgency: Urgency
    title: str
    reason: str
    since: dt.datetime | None
    path: str
    action: Action = "open"
    action_label: str = "Open"
    assignee: str = ""
    muted_until: dt.datetime | None = None
    count: int = 1
    tz: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the item as in JSON output, with times as ISO 8601 in UTC."""
        values = asdict(self)
        for name in ("since", "muted_until"):
            values[name] = utc_text(values[name]) if values[name] else None
        return values


_NOUNS: dict[Kind, tuple[str, str]] = {
    "integrity": ("further integrity problem", ""),
    "settings": ("further problem of stored settings", "further problems of stored settings"),
    "source": ("further source with a problem", "further sources with a problem"),
    "incident": ("further open incident", ""),
    "finding": ("further finding to review", "further findings to review"),
    "delivery": ("further destination with a problem", "further destinations with a problem"),
    "retention": ("further expiring finding", ""),
    "quarantine": ("further loader with refused records", "further loaders with refused records"),
    "gap": ("further collection gap", ""),
}
_PAGES: dict[Kind, str] = {
    "integrity": "/admin?section=seals",
    "settings": "/admin?section=settings",
    "source": "/admin?section=sources",
    "incident": "/failures",
    "finding": "/unusual",
    "delivery": "/alerts?section=destinations",
    "retention": "/unusual",
    "quarantine": "/admin?section=quarantine",
    "gap": "/admin?section=coverage",
}


def page_of(kind: Kind) -> str:
    """Return the path and query of the page that lists everything of *kind*."""
    return _PAGES[kind]


def rest(kind: Kind, left: list[Item]) -> Item:
    """Return the row that stands for *left*, the further items of *kind*, most urgent first."""
    singular, plural = _NOUNS[kind]
    than = "Older or less severe" if kind == "finding" else "Less urgent"
    return Item(
        subject="",
        kind=kind,
        urgency=left[0].urgency,
        title=count(len(left), singular, plural),
        reason=f"{than} than the {MOST} listed",
        since=None,
        path=_PAGES[kind],
        count=len(left),
    )
