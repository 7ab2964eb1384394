"""The tiles of the Overview: a figure, its change, and a link to what it counts."""

from collections import Counter
from collections.abc import Callable, Sequence

from trail.core import text as core_text
from trail.events import counts, overview, timeline
from trail.events.periods import Change
from trail.findings import expiring
from trail.findings import queries as findings
from trail.incidents import grouping, queries
from trail.incidents import shown as incidents_shown
from trail.incidents.incident import Incident
from trail.storage.filters import Filter
from ui import text, url_state
from ui.components import tiles
from ui.components.tiles import Tile
from ui.overview import compared
from ui.overview.view import View


def draw(view: View) -> None:
    """Draw the tiles."""
    rows = [_counted(view), *(_active(view, *names) for names in _ACTORS), _incidents(view)]
    rows.append(_findings(view) if view.ctx.user.may("see_findings") else _failed(view))
    rows.append(_destructive(view))
    tiles.tiles(rows, "tiles")


_ACTORS = (("Active people", "user"), ("Active tokens", "token"))


def _counted(view: View) -> Tile:
    trend = view.complete([bar.count for bar, _ in view.bars])
    number = sum(bar.count for bar, _ in view.bars)
    name = view.noun.capitalize()
    return _compared(view, name, number, _count(view), view.counted, trend)


def _active(view: View, name: str, actor_type: str) -> Tile:
    active = overview.actors(view.store, view.counted, view.now, actor_type, view.grain)

    def number(filter_: Filter) -> int:
        return overview.active_actors(view.store, filter_, view.now, actor_type)

    chosen = view.counted.put("actor_type", actor_type, "include")
    tile = _compared(view, name, active.active, number, chosen, view.complete(active.by_bar))
    if active.new and view.has_earlier:
        tile["badge"] = f"{active.new:,} new"
        tile["hint"] = f"{active.new:,} without an earlier event. {tile['hint']}"
    return tile


def _destructive(view: View) -> Tile:
    return _of_events(view, "Destructive changes", overview.destructive(view.filter_))


def _failed(view: View) -> Tile:
    return _of_events(view, "Failed attempts", overview.failures(view.filter_))


def _of_events(view: View, name: str, chosen: Filter) -> Tile:
    bars = timeline.histogram(view.store, chosen, view.now, view.grain).bars
    trend = view.complete([bar.count for bar in bars])
    number = counts.count(view.store, chosen, view.now)
    return _compared(view, name, number, _count(view), chosen, trend)


def _incidents(view: View) -> Tile:
    numbers = queries.summary(view.store, view.filter_, view.now)
    open_ = queries.incidents(view.store, view.filter_, view.now, only_open=True)
    address = url_state.address(url_state.FAILURES, view.filter_, group=incidents_shown.OPEN)
    if view.is_blank:
        return _unknown(view, "Open incidents", numbers.open, address)
    new = sum(view.window.start <= row.first_at for row in open_ if view.window.start)
    return {
        **_blank("Open incidents", numbers.open),
        "address": address,
        "note": _by_class(open_) or f"{numbers.incidents:,} closed in this window",
        "badge": f"▲ {new:,} new" if new else "",
        "level": "high",
        "hint": f"{text.count(new, 'incident')} began in this window" if new else "",
    }


def _by_class(open_: Sequence[Incident]) -> str:
    """Return the numbers of open incidents of the most urgent class, and of the others."""
    numbers = Counter(row.class_ for row in open_)
    listed = [f"{numbers[class_]:,} {class_}" for class_ in grouping.CLASSES if numbers[class_]]
    if len(listed) > 2:
        first = next(class_ for class_ in grouping.CLASSES if numbers[class_])
        listed[1:] = [f"{len(open_) - numbers[first]:,} others"]
    return ", ".join(listed)


def _findings(view: View) -> Tile:
    queue = findings.queue(view.database, view.filter_, view.now)
    shown, waiting = queue.findings, queue.undecided
    soon = expiring.expiring(view.database, view.ctx.runtime.settings, view.now)
    note = f"{len(shown):,} in this window"
    if waiting:
        age = (view.now.date() - min(finding.day for finding in waiting)).days
        note = f"Oldest open for {core_text.count(age, 'day')}" if age else "All from today"
    return {
        **_blank("Findings to review", len(waiting)),
        "address": url_state.address(url_state.UNUSUAL, view.filter_),
        "note": note,
        "badge": f"◆ {soon.findings:,} expire{'s' * (soon.findings == 1)} soon"
        if soon.findings
        else "",
        "level": "medium",
        "hint": soon.text(),
    }


def _count(view: View) -> Callable[[Filter], int]:
    return lambda filter_: counts.count(view.store, filter_, view.now)


def _compared(
    view: View,
    name: str,
    number: int,
    count: Callable[[Filter], int],
    chosen: Filter,
    trend: list[int],
) -> Tile:
    """Return a tile whose *number* is that of the events *chosen*, with its change."""
    change = view.change(count, chosen)
    if view.missing:
        # What is counted is not what happened: neither the number nor its course is compared.
        return {
            **_unknown(view, name, number, view.explore(chosen)),
            "hint": _explained(change, view),
        }
    return {
        **_blank(name, number),
        "address": view.explore(chosen),
        "change": change.text,
        "note": compared.against(view, change),
        "hint": _explained(change, view),
        "trend": trend,
    }


def _unknown(view: View, name: str, number: int, address: str) -> Tile:
    """Return the hatched tile of a *number* that does not count all that happened."""
    return {
        **_blank(name, number),
        "value": "No data" if view.is_blank else f"{number:,}",
        "address": address,
        "note": view.missing,
        "unknown": True,
    }


def _explained(change: Change, view: View) -> str:
    if change.reason:
        return f"Not compared: {change.reason}"
    return f"{change.now:,} against {change.before:,}, {view.comparison.basis}, complete part only"


def _blank(name: str, number: int) -> Tile:
    return {
        "address": "",
        "name": name,
        "value": f"{number:,}",
        "delta": "",
        "tone": "",
        "note": "",
        "trend": [],
    }
