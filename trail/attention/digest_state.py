"""What a digest says about the data itself: gaps, sources, seals, and what needs attention."""

import datetime as dt
from zoneinfo import ZoneInfo

from trail.attention import items
from trail.attention.checked import checked
from trail.attention.digest_parts import Line, Section
from trail.attention.digest_period import Period
from trail.core import time_labels
from trail.core.clock import naive_utc
from trail.core.settings import Settings
from trail.core.text import count as counted
from trail.events import coverage
from trail.ingest import source_health
from trail.ingest.source_health import STATE_NAMES, SourceHealth
from trail.integrity import seal_status
from trail.storage.engine import Engine

_COVERAGE, _SOURCES, _SEALS = (
    f"/admin?section={name}" for name in ("coverage", "sources", "seals")
)
_LISTED = 5


def notices(engine: Engine, period: Period, now: dt.datetime, events: int) -> tuple[Line, ...]:
    """Return what is unknown or incomplete about *period*, which has so many *events*."""
    moment, zone = naive_utc(now), period.zone
    window = period.window(now)
    assert window.start and window.end
    result = []
    if not events:
        text = f"No events were collected in this {period.noun}."
        result.append(Line(text, _COVERAGE))
    elif moment < window.end:
        until = time_labels.short(moment, zone, now)
        result.append(Line(f"This {period.noun} is not over: figures until {until}.", period.path))
    end = min(window.end, moment)
    gaps = coverage.long_gaps(coverage.spans(engine, window.start, end))
    for gap in gaps[-_LISTED:]:
        first, last = (time_labels.short(at, zone, now) for at in (gap.start, gap.end))
        result.append(Line(f"Not collected from {first} to {last}.", _COVERAGE))
    if len(gaps) > _LISTED:
        more = counted(len(gaps) - _LISTED, "earlier gap")
        result.append(Line(f"{more} without collection.", _COVERAGE))
    known = coverage.known_until(engine, moment)
    has_end_gap = bool(gaps) and gaps[-1].end == end
    if events and known and known + coverage.LATE_AFTER_WITH_DAYS < end and not has_end_gap:
        result.append(Line(f"No data since {time_labels.short(known, zone, now)}.", _COVERAGE))
    return tuple(result)


def needs_attention(
    engine: Engine, settings: Settings, zone: ZoneInfo, now: dt.datetime, *, findings: bool
) -> Section:
    """Return what needs attention at *now* (aware), as the Overview lists it, most urgent first.

    Titles have times in *zone*. An empty list says what was checked, and what is unknown.
    """
    listed = items.items(engine, settings, now, findings=findings, zone=zone)
    empty = "" if listed else checked(engine, settings, now).text(zone, now)
    lines = [
        Line(
            empty or "All items",
            "/overview",
            "needs_attention",
            sum(item.count for item in listed),
            note="" if empty else f"open at {time_labels.short(naive_utc(now), zone, now)}",
        ),
        *(Line(item.title, item.path, note=item.reason) for item in listed),
    ]
    return Section("attention", "Needs attention", tuple(lines))


def sources(engine: Engine, settings: Settings, period: Period, now: dt.datetime) -> Section:
    """Return the health of each source of events at *now*; without sources no line."""
    health = source_health.sources(engine, settings, naive_utc(now))
    if not health:
        return Section("sources", "Sources", ())
    collecting = sum(source.state == "ok" for source in health)
    lines = [
        Line(
            "Collecting",
            _SOURCES,
            "sources_ok",
            collecting,
            note=f"of {counted(len(health), 'source')}",
        ),
        *(
            Line(
                f"{source.title}: {STATE_NAMES[source.state]}",
                _SOURCES,
                note=" · ".join(
                    part for part in (source.message, _last(source, period, now)) if part
                ),
            )
            for source in health
        ),
    ]
    return Section("sources", "Sources", tuple(lines))


def _last(source: SourceHealth, period: Period, now: dt.datetime) -> str:
    if source.last_event is None:
        return ""
    return f"last event {time_labels.short(source.last_event, period.zone, now)}"


def integrity(engine: Engine, period: Period, now: dt.datetime) -> Section:
    """Return up to which day the trail is sealed, and the result of the last verification."""
    seals = seal_status.status(engine)
    if seals.sealed_from is None or seals.sealed_to is None:
        line = Line("No sealed days yet", _SEALS, note="a day is sealed on the following day")
        return Section("integrity", "Audit trail integrity", (line,))
    first, last = (time_labels.full_day(day) for day in (seals.sealed_from, seals.sealed_to))
    sealed = Line(f"Sealed from {first} to {last}", _SEALS, note="UTC days")
    if seals.verified_at is None or seals.ok is None:
        verified = Line("Not verified yet", _SEALS)
    else:
        at = time_labels.short(seals.verified_at, period.zone, now)
        note = f"{counted(seals.checked_days, 'sealed day')} verified {at}"
        verified = Line("Problems", _SEALS, "integrity_problems", seals.problem_count, note=note)
    return Section("integrity", "Audit trail integrity", (verified, sealed))
