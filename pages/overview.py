"""Overview: activity, failures and integrity on one screen; every number links to its events."""

import datetime as dt
import time
from collections import Counter

import streamlit as st

from trail.core import catalogue
from trail.core.clock import naive_utc
from trail.events import counts, coverage, events, overview, store_status, timeline
from trail.findings import expiring, reviews
from trail.findings import queries as unusual
from trail.incidents import queries
from trail.integrity import seal_status
from trail.storage.database import Store
from trail.storage.filters import Filter
from ui import (
    charts,
    clock_warning,
    coverage_banner,
    event_feed,
    filter_bar,
    seal_text,
    text,
    url_state,
)
from ui.components import ranked_list, tiles
from ui.components.ranked_list import CategoryRow
from ui.overview import needs_attention
from ui.page import Context, Page

_ROWS = 7
_FAILURES, _UNUSUAL = "Failure incidents", "Unusual changes"


def render(ctx: Context) -> None:
    """Draw the page."""
    filter_ = url_state.current_filter().cleared()
    store, now = ctx.runtime.store, ctx.now
    started = time.perf_counter()
    changes = overview.changes(filter_)
    before = overview.period_before(store, filter_, now)
    window = timeline.bounded(store, filter_.window(now), now)
    total = counts.count(store, filter_, now)
    unverified = counts.unverified(store, filter_, now)
    changed = counts.count(store, changes, now)
    days = overview.days(store, changes, now)
    earlier = overview.days(store, overview.changes(before), now)
    elapsed_ms = (time.perf_counter() - started) * 1000

    filter_bar.head("Overview", changes, changed)
    filter_bar.caption(
        f"<b>{changed:,}</b> changes of {text.events_summary(total, unverified)} "
        f"· {elapsed_ms:.0f} ms",
        filter_,
        window,
        ", compared with the previous period",
    )
    for shortfall in seal_text.lost(ctx):
        st.error(text.escape(shortfall.text()), icon=":material/history:")
    clock_warning.show(ctx)
    coverage_banner.show_silence(ctx.runtime.store, now)
    assert window.start and window.end
    spans = coverage.spans(store, window.start, min(window.end, naive_utc(now)))
    coverage_banner.show_gaps(spans, filter_.zone)
    _expiring_findings(ctx)
    _tiles(ctx, store, filter_, before, now, days)

    left, right = st.columns([1.62, 1], gap="small")
    with left, st.container(border=True, key="activity", height="stretch"):
        _activity(filter_, days, earlier)
    with right, st.container(border=True, key="needs", height="stretch"):
        needs_attention.draw(store, filter_, now)
    left, right = st.columns([1.62, 1], gap="small")
    with left, st.container(border=True, key="destructive", height="stretch"):
        _destructive(store, filter_, now)
    with right, st.container(border=True, key="actors", height="stretch"):
        _most_active(store, filter_, now, changed)
    _routine(store, filter_, now)


def _tiles(
    ctx: Context,
    store: Store,
    filter_: Filter,
    before: Filter,
    now: dt.datetime,
    days: list[overview.Day],
) -> None:
    changes = overview.changes(filter_)
    by_day = [sum(day.by_category.values()) for day in days]
    changed_before = counts.count(store, overview.changes(before), now)
    links = {
        "Changes": _explore(changes),
        _FAILURES: url_state.address(url_state.FAILURES, filter_),
        _UNUSUAL: url_state.address(url_state.UNUSUAL, filter_),
    }
    rows = [_tile("Changes", sum(by_day), changed_before, f"{changed_before:,} before", by_day)]
    for name, actor_type in (("People", "user"), ("Tokens", "token")):
        active = overview.actors(store, changes, now, actor_type)
        note = f"{active.new:,} seen for the first time"
        rows.append(_tile(name, active.active, active.before, note, active.by_day))
        links[name] = _explore(changes.put("actor_type", actor_type, "include"))
    failing = queries.summary(store, filter_, now)
    failing_before = queries.summary(store, before, now)
    attempts = text.count(failing.attempts, "failed attempt")
    rows.append(
        _tile(
            _FAILURES,
            failing.incidents,
            failing_before.incidents,
            f"{failing.open:,} open, from {attempts}",
            [],
        )
    )
    if ctx.user.may("see_findings"):
        queue = unusual.queue(store, filter_, now)
        waiting = sum(finding.state == reviews.OPEN for finding in queue.findings)
        past = unusual.queue(store, before, now)
        note = f"{waiting:,} to review"
        rows.append(_tile(_UNUSUAL, len(queue.findings), len(past.findings), note, []))
    else:
        destroyed = counts.count(store, overview.destructive(filter_), now)
        destroyed_before = counts.count(store, overview.destructive(before), now)
        note = f"{destroyed_before:,} before"
        rows.append(_tile("Destructive changes", destroyed, destroyed_before, note, []))
        links["Destructive changes"] = _explore(overview.destructive(filter_))
    if rows[3]["delta"].startswith("+"):
        rows[3]["tone"] = "bad"
        rows[3]["delta"] = f"▲ {rows[3]['delta']}"
    rows.append(_integrity(ctx, now))

    for row in rows:
        row["address"] = links.get(row["name"], "")
    tiles.tiles(rows, "tiles")


def _expiring_findings(ctx: Context) -> None:
    """Draw a caption where open findings expire soon."""
    if not ctx.user.may("see_findings"):
        return
    soon = expiring.expiring(ctx.runtime.store, ctx.runtime.settings, ctx.now)
    if soon.findings:
        st.caption(f"▲ {soon.text()} Decide on them under Unusual or place a legal hold.")


def _tile(name: str, number: int, before: int, note: str, trend: list[int]) -> tiles.Tile:
    return {
        "address": "",
        "name": name,
        "value": f"{number:,}",
        "delta": text.percent_change(number, before),
        "tone": "",
        "note": note,
        "trend": trend,
    }


def _integrity(ctx: Context, now: dt.datetime) -> tiles.Tile:
    """Return the tile with the result of the last verification and the last arrival."""
    summary, lost = store_status.status(ctx.runtime.store), seal_text.lost(ctx)
    last_arrival, quarantined = summary["last_arrival"], summary["quarantined"]
    arrived = (
        "last arrival "
        + text.ago(dt.datetime.fromisoformat(last_arrival).replace(tzinfo=None), now)
        if last_arrival
        else "no events received"
    )
    sealed = seal_status.status(ctx.runtime.store)
    unverified = "Not verified yet" if sealed.sealed_to else "Not sealed yet"
    value = {True: "✓ Unchanged", False: "▲ Changed", None: unverified}[sealed.ok]
    if lost:
        value = "▲ Events missing"
    problems = f"{text.count(sealed.problem_count, 'problem')}, " if sealed.problem_count else ""
    quarantine = f", {text.count(quarantined, 'record')} in quarantine" if quarantined else ""
    return {
        "address": "",
        "name": "Audit trail integrity",
        "value": value,
        "delta": "",
        "tone": "bad" if sealed.problem_count or lost else "",
        "note": f"{problems}{arrived}{quarantine}",
        "trend": [],
    }


def _activity(filter_: Filter, days: list[overview.Day], earlier: list[overview.Day]) -> None:
    order = [*catalogue.CATEGORIES[:8], "Other"]

    def folded(day: overview.Day) -> dict[str, int]:
        counted: Counter[str] = Counter()
        for name, number in day.by_category.items():
            counted[name if name in order else "Other"] += number
        return dict(counted)

    shown = [(day.start, folded(day)) for day in days]
    totals = Counter[str]()
    for _, counted in shown:
        totals.update(counted)
    past = Counter[str]()
    for day in earlier:
        past.update(folded(day))

    def explore_days(start: dt.datetime, end: dt.datetime) -> None:
        span = url_state.with_range(overview.changes(filter_), start, end)
        url_state.open_page(url_state.EXPLORE, span)

    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.header("Activity by category", anchor=False, width="content")
        st.caption("Changes per day. Click a bar to see its events", width="content")
    chart, table = st.columns([1.25, 1], gap="small")
    with chart:
        charts.stacked_bars(shown, order, filter_.zone, "changes-by-day", explore_days)
    with table:
        rows: list[CategoryRow] = [
            {
                "value": name,
                "address": _category(name, filter_),
                "name": name,
                "square": text.category_color(name),
                "count": totals[name],
                "delta": text.percent_change(totals[name], past[name]),
                "trend": [counted.get(name, 0) for _, counted in shown],
            }
            for name in order
        ]
        ranked_list.category_table(rows, "categories")


def _category(name: str, filter_: Filter) -> str:
    """Return the address of the changes of a category in Explore."""
    changed = overview.changes(filter_)
    for one in catalogue.CATEGORIES[8:] if name == "Other" else [name]:
        changed = changed.put("category", one, "include")
    return _explore(changed)


def _destructive(store: Store, filter_: Filter, now: dt.datetime) -> None:
    chosen = overview.destructive(filter_)
    page = events.page(store, chosen, now, rows=_ROWS)
    number = counts.count(store, chosen, now)

    event_feed.draw(
        page.rows,
        chosen,
        "destructive-list",
        title="Destructive changes",
        note=f"{number:,} in this window",
        time=lambda at: text.short_timestamp(at, filter_.zone),
    )


def _most_active(store: Store, filter_: Filter, now: dt.datetime, changed: int) -> None:
    chosen = overview.changes(filter_).put("actor_type", "system", "exclude")
    top = counts.actors(store, chosen, now, _ROWS)

    ranked_list.bars(
        [
            {
                "value": actor.value,
                "address": _explore(overview.changes(filter_).put("actor", actor.value, "include")),
                "name": actor.label,
                "hint": "token" if actor.value.startswith("tokens/") else "",
                "count": actor.count,
                "share": f"{100 * actor.count / changed:.0f} %" if changed else "",
            }
            for actor in top
        ],
        "most-active",
        title="Most active",
        note="Share of all changes",
    )


def _routine(store: Store, filter_: Filter, now: dt.datetime) -> None:
    hidden = overview.routine(filter_)
    number = counts.count(store, hidden, now)
    if number:
        with st.container(horizontal=True, vertical_alignment="center", key="routine"):
            st.caption(
                f"{text.count(number, 'routine event')} (reads, checks, automated rules) "
                "not counted above.",
                width="content",
            )
            st.page_link(
                url_state.EXPLORE,
                label="Show routine events",
                query_params=url_state.query_params(hidden),
            )


def _explore(filter_: Filter) -> str:
    """Return the address of *filter_* in Explore."""
    return url_state.address(url_state.EXPLORE, filter_)


PAGE = Page("overview", "Overview", render, order=10, keeps=url_state.WINDOW_PARAMS)

if __name__ == "__main__":
    PAGE.run()
