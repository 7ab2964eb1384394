"""What happened in the period of a digest: changes, incidents, findings, people."""

import datetime as dt
from urllib.parse import urlencode

from trail.attention.digest_parts import Line, Section
from trail.attention.digest_period import Period
from trail.core import event_text, time_labels
from trail.core.text import count as counted
from trail.events import counts, overview, periods
from trail.events import people as actors
from trail.events.people import ActorActivity
from trail.events.periods import Comparison
from trail.findings import queries as unusual
from trail.incidents import incident_text
from trail.incidents import queries as failures
from trail.incidents import shown as incidents_shown
from trail.storage.engine import Engine
from trail.storage.filters import Filter

# Items of each list; the line above it has the number of all.
_LISTED = 5


def path(page: str, filter_: Filter, **names: str) -> str:
    """Return the path of *page* with *filter_* and the page parameters *names*."""
    return f"/{page}?{urlencode([*filter_.pairs(), *names.items()])}"


def activity(engine: Engine, filter_: Filter, now: dt.datetime, events: int) -> Section:
    """Return the changes in total and by category, and all *events*, against the earlier period."""
    compared = periods.compared(engine, filter_, now)
    changes = overview.changes(filter_)
    shown = overview.category_totals(engine, changes, now)
    current, before = (
        overview.category_totals(engine, periods.narrowed(changes, window), now)
        for window in (compared.current, compared.before)
    )

    def line(text: str, key: str, chosen: Filter, number: int, names: tuple[str, ...]) -> Line:
        change = compared.change(*(sum(part[name] for name in names) for part in (current, before)))
        return Line(text, path("explore", chosen), key, number, change.text)

    destroyed = overview.destructive(filter_)
    names = sorted({*shown, *before}, key=lambda name: (-shown[name], -before[name], name))
    lines = [
        line("Changes", "changes", changes, counts.count(engine, changes, now), tuple(names)),
        *(
            line(
                name,
                f"changes:{name}",
                changes.put("category", name, "include"),
                shown[name],
                (name,),
            )
            for name in names
        ),
        Line(
            "Destructive changes",
            path("explore", destroyed),
            "destructive",
            counts.count(engine, destroyed, now),
            compared.change(
                *(
                    counts.count(engine, periods.narrowed(destroyed, window), now)
                    for window in (compared.current, compared.before)
                )
            ).text,
        ),
        Line("All events", path("explore", filter_), "events", events),
    ]
    return Section("activity", "Changes", tuple(lines), _basis(compared, filter_, now))


def _basis(compared: Comparison, filter_: Filter, now: dt.datetime) -> str:
    """Return what the changes are against, or why there are none."""
    if compared.reason:
        return f"Not compared: {compared.reason[0].lower()}{compared.reason[1:]}."
    text = f"Compared with the {compared.basis}"
    if compared.running and compared.current and compared.current.end:
        end = time_labels.short(compared.current.end, filter_.zone, now)
        text += f", complete days until {end}"
    return f"{text}."


def incidents(engine: Engine, filter_: Filter, now: dt.datetime, noun: str) -> Section:
    """Return the incidents with attempts in the period, a *noun*, and those of them open."""
    compared = periods.compared(engine, filter_, now)
    numbers = failures.summary(engine, filter_, now)
    earlier = [
        failures.summary(engine, periods.narrowed(filter_, window), now).incidents
        for window in (compared.current, compared.before)
    ]
    opened = failures.incidents(engine, filter_, now, only_open=True, fold=True, rows=_LISTED)
    lines = [
        Line(
            "Incidents",
            path("failures", filter_),
            "incidents",
            numbers.incidents,
            compared.change(*earlier).text,
            f"from {counted(numbers.attempts, 'failed attempt')}",
        ),
        Line(
            "Open incidents",
            path("failures", filter_, group=incidents_shown.OPEN),
            "open_incidents",
            numbers.open,
            note=f"of those with failed attempts in this {noun}",
        ),
        *(
            Line(
                incident_text.headline(incident, now, filter_.zone),
                path("failures", filter_, incident=incident.incident_id),
                note=incident_text.status_text(incident, now, filter_.zone),
            )
            for incident in opened
        ),
    ]
    return Section("incidents", "Failures", tuple(lines))


def findings(engine: Engine, filter_: Filter, now: dt.datetime) -> Section:
    """Return the findings of the period that nobody has decided on, most points first."""
    queue = unusual.queue(engine, filter_, now)
    undecided = queue.undecided
    listed = undecided[:_LISTED]
    titles = unusual.titles(engine, listed, filter_.zone, None)
    lines = [
        Line(
            "Findings to review",
            path("unusual", filter_),
            "undecided_findings",
            len(undecided),
            note=f"of {counted(len(queue.findings), 'finding')}",
        ),
        *(
            Line(
                titles[item.finding_id],
                path("unusual", filter_, finding=item.finding_id),
                note=f"{item.score} points",
            )
            for item in listed
        ),
    ]
    return Section("findings", "Unusual", tuple(lines))


def people(engine: Engine, filter_: Filter, now: dt.datetime, period: Period) -> Section:
    """Return who was active, who for the first time, and for a week who was not any more."""
    everybody = actors.actor_activity(engine, filter_, now)
    new = sorted(
        (actor for actor in everybody if actor.state == "new"), key=lambda actor: -actor.changes
    )
    active = sum(actor.state == "active" for actor in everybody) + len(new)
    page, end = path("people", filter_), period.window(now).end
    lines = [
        Line("Active people and tokens", page, "active_actors", active),
        Line("New", page, "new_actors", len(new), note=f"first event in this {period.noun}"),
        *(_actor(actor, filter_, counted(actor.changes, "change")) for actor in new[:_LISTED]),
    ]
    if period.cadence == "weekly":
        # One day of silence says nothing about a person.
        dormant = sorted(
            (actor.last_at, actor.actor_id, actor)
            for actor in everybody
            if actor.state == "dormant" and actor.last_at and not actor.removed_at
        )[::-1]
        note = "active before, no event in this week, not removed"
        lines.append(Line("Dormant", page, "dormant_actors", len(dormant), note=note))
        for last_at, _, actor in dormant[:_LISTED]:
            last = time_labels.short(last_at, filter_.zone, now)
            later = "active again later, " if end and last_at >= end else ""
            lines.append(_actor(actor, filter_, f"{later}last event {last}"))
    return Section("people", "People and tokens", tuple(lines))


def _actor(actor: ActorActivity, filter_: Filter, note: str) -> Line:
    name = event_text.actor(
        {"actor_id": actor.actor_id, "actor_name": actor.name, "actor_email": actor.email}
    )
    return Line(name, path("people", filter_, who=actor.actor_id), note=note)
