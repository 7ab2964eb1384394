"""What is connected to the event in the panel: failures and changes, comparison, related events.

Computed once the reader rests on an event, each part within seconds: a part that takes longer is
left out with a note.
"""

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from typing import Any

from trail.core import event_text
from trail.core.errors import OverloadError, StoppedError, UnavailableError
from trail.events import compare, target_events
from trail.findings import queries as findings
from trail.incidents import followed, incident_text, likely_causes
from trail.incidents import queries as incidents
from trail.incidents.incident import OPEN, Change, Incident
from trail.storage import query_timeout
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components.event_panel import (
    Around,
    AroundRow,
    ComparedEvents,
    ComparedField,
    PanelField,
    PanelMore,
)
from ui.explore import event_related
from ui.explore.event_fields import FINDING, INCIDENT, page_link
from ui.explore.event_links import EventLinks, Places
from ui.page import Context

PART_S = 3.0
FOLLOWED, BEFORE = "What followed", "What changed before"


def around_title(event: Mapping[str, Any]) -> str:
    """Return the title of the section about what happened before or after, or ''."""
    if event["unverified"] or event["future_dated"]:
        return ""
    if event["outcome"] == "failure":
        return BEFORE
    return FOLLOWED if followed.is_change(event) else ""


def sections(ctx: Context, filter_: Filter, event: dict[str, Any]) -> tuple[PanelMore, Places]:
    """Return what is connected to *event*, and the times of the events that it names."""
    return _Sections(ctx, filter_, event).compute()


class _Sections:
    def __init__(self, ctx: Context, filter_: Filter, event: dict[str, Any]) -> None:
        self._ctx, self._filter, self._event = ctx, filter_, event
        self._links = EventLinks(filter_)
        self._more: PanelMore = {"event_id": event["event_id"], "fields": (), "notes": {}}

    @functools.cached_property
    def _incident(self) -> Incident | None:
        if self._event["outcome"] != "failure":
            return None
        return incidents.incident_of(self._ctx.store, self._event, self._ctx.now)

    def compute(self) -> tuple[PanelMore, Places]:
        more = self._more
        notes: dict[str, str] = {}
        title = around_title(self._event)
        parts: list[tuple[str, Callable[[], None]]] = [("related", self._add_related)]
        parts.append(("fields", self._add_fields))
        if title:
            parts.append(("around", self._add_before if title == BEFORE else self._add_followed))
        parts.append(("compare", self._add_comparisons))
        for name, add in parts:
            try:
                with query_timeout.part(PART_S):
                    add()
            except (StoppedError, OverloadError):
                raise
            except UnavailableError:
                notes[name] = f"Not computed: it took longer than {PART_S:g} seconds."
        more["notes"] = notes
        return more, self._links.places

    def _add_fields(self) -> None:
        """Add links to the incident and the finding of the event."""
        ctx, event = self._ctx, self._event
        fields: list[PanelField] = []
        if incident := self._incident:
            fields.append(
                {
                    "label": INCIDENT,
                    "value": incident_text.target_label(incident),
                    "hint": self._incident_state(incident),
                    "href": self._incident_link(incident),
                }
            )
        finding = ctx.user.may("see_findings") and findings.finding_of(ctx.store, event)
        if finding:
            day = Filter(
                start=finding.day.isoformat(),
                end=(finding.day + dt.timedelta(days=1)).isoformat(),
                tz=self._filter.tz,
            )
            fields.append(
                {
                    "label": FINDING,
                    "value": findings.titles(
                        ctx.store, [finding], self._filter.zone, ctx.now, weekdays=True
                    )[finding.finding_id],
                    "hint": f"{finding.score} points, {finding.state}",
                    "href": page_link("unusual", day, finding=finding.finding_id, all="1"),
                }
            )
        self._more["fields"] = fields

    def _incident_state(self, incident: Incident) -> str:
        if incident.state == OPEN:
            return f"open for {incident_text.length_text(incident.duration_s)}"
        return incident_text.current_state(incident, self._ctx.now, self._filter.zone)

    def _incident_link(self, incident: Incident) -> str:
        window = url_state.with_range(
            self._filter, incident.first_at, incident.last_at + dt.timedelta(seconds=1)
        )
        return page_link("failures", window, incident=incident.incident_id)

    def _add_before(self) -> None:
        """Add the changes before the incident, with their evidence."""
        incident = self._incident
        changes: list[Change] = []
        if incident:
            found = likely_causes.changes_before(self._ctx.store, [incident])
            changes = found[incident.incident_id]
        rows: list[AroundRow] = [
            {
                "failed": False,
                "offset": _offset(dt.timedelta(seconds=-change.before_s)),
                "title": f"{change.action}: {change.target_name or change.target_id}, "
                f"by {change.actor}",
                "strength": change.strength,
                "note": _chance(change),
                "href": self._links.to_event(change.event_id, change.occurred_at),
                "event_id": change.event_id,
            }
            for change in changes
        ]
        self._more["around"] = self._around("Changes, 24 hours before the first failure", rows)
        if not rows:
            self._more["around"]["note"] = (
                "No recorded change of this target, or of what it refers to."
                if incident
                else "This event belongs to no incident."
            )

    def _add_followed(self) -> None:
        """Add the failures and changes of the 24 hours after the change."""
        ctx, event = self._ctx, self._event
        result = followed.followed(ctx.store, event, ctx.now)
        rows = [self._failure(failure) for failure in result.failures]
        rows += [self._change(row) for row in result.changes]
        around = self._around("Failures and changes, 24 hours after", rows)
        window = followed.window_after(event)
        assert window.start and window.end
        after = url_state.with_range(self._filter.cleared(), window.start, window.end)
        hidden = result.all_changes - len(result.changes)
        if hidden > 0:
            around["more"] = f"{text.count(hidden, 'more change')} in Explore"
            around["href"] = page_link("explore", after)
        if not result.failures:
            around["note"] = "No failure of this target began."
        if result.other_failures:
            most = "+" if result.other_failures >= followed.MAX_INCIDENTS else ""
            around["note"] = (
                f"{around['note']} {result.other_failures}{most} incidents began on other targets, "
                "without evidence of a connection."
            ).strip()
        self._more["around"] = around

    def _around(self, caption: str, rows: list[AroundRow]) -> Around:
        return {"caption": caption, "rows": rows, "note": "", "more": "", "href": ""}

    def _failure(self, failure: followed.Failure) -> AroundRow:
        incident, evidence = failure.incident, failure.evidence
        attempts = text.count(incident.attempts, "failed attempt")
        return {
            "failed": True,
            "offset": _offset(incident.first_at - self._event["occurred_at"]),
            "title": f"{incident_text.target_label(incident)} began to fail: {incident.action}",
            "strength": evidence.strength,
            "note": f"{_chance(evidence)} {attempts}, {self._incident_state(incident)}.",
            "href": self._incident_link(incident),
        }

    def _change(self, row: dict[str, Any]) -> AroundRow:
        where = "Same target" if row["same_target"] else "Other target"
        who = ", same actor" if row["actor_id"] == self._event["actor_id"] else ""
        return {
            "failed": False,
            "offset": _offset(row["occurred_at"] - self._event["occurred_at"]),
            "title": event_text.sentence(row).rstrip("."),
            "strength": "",
            "note": f"{where}{who}."
            if row["same_target"]
            else f"{where}{who}, no evidence of a connection.",
            "href": self._links.to_event(row["event_id"], row["occurred_at"]),
            "event_id": row["event_id"],
        }

    def _add_related(self) -> None:
        self._more["related"] = event_related.related(
            self._ctx.store, self._event, self._filter, self._links
        )

    def _add_comparisons(self) -> None:
        """Compare with the previous event of the target, and with the previous one of its kind."""
        engine, event, now = self._ctx.store, self._event, self._ctx.now
        previous = target_events.previous_event(engine, event, now)
        compared = [self._compared("Previous event", previous)] if previous else []
        if previous and previous["action"] != event["action"]:
            same = target_events.previous_event(engine, event, now, event["action"])
            if same:
                compared.append(self._compared(f"Previous {event['action']}", same))
        self._more["compare"] = compared

    def _compared(self, label: str, previous: dict[str, Any]) -> ComparedEvents:
        result = compare.compare(previous, self._event)
        zone = self._filter.zone
        same = result.total - result.changed_total
        return {
            "label": label,
            "before": f"Previous, {text.short_timestamp(previous['occurred_at'], zone)}",
            "after": f"This event, {text.short_timestamp(self._event['occurred_at'], zone)}",
            "href": self._links.to_event(previous["event_id"], previous["occurred_at"]),
            "event_id": previous["event_id"],
            "summary": f"{result.changed_total:,} of {text.count(result.total, 'field')} changed",
            "changed": [_compared_field(field) for field in result.changed],
            "unchanged": [_compared_field(field) for field in result.unchanged],
            "unchanged_label": text.count(same, "unchanged field"),
            "note": " ".join(filter(None, (result.note, _omitted(result)))),
        }


def _offset(delta: dt.timedelta) -> str:
    """Return a time difference, without seconds from ten minutes on: `+23 min`."""
    if abs(delta) < dt.timedelta(minutes=10):
        return text.time_offset(delta)
    minutes = int(delta / dt.timedelta(minutes=1))
    return text.time_offset(dt.timedelta(minutes=minutes)).removesuffix(" 0 s")


def _chance(change: Change) -> str:
    upstream = " The failed event only refers to the changed target." if change.upstream else ""
    return f"by chance {incident_text.chance_text(change.chance_days)}.{upstream}"


def _compared_field(field: compare.Field) -> ComparedField:
    return {"name": field.name, "before": field.before, "after": field.after}


def _omitted(result: compare.Comparison) -> str:
    omitted = result.total - len(result.changed) - len(result.unchanged)
    return f"{text.count(omitted, 'more field')} not listed." if omitted else ""
