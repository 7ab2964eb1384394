"""The sources of events: state, counts, polling on demand, and backfill."""

import datetime as dt
from typing import Any

import streamlit as st

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Batch, Drop, Feed, Loader, Receiver
from trail.events import coverage, store_status
from trail.ingest import feeds, nodes, polling, source_health
from trail.ingest.nodes import NodeStatus
from trail.ingest.source_health import SourceHealth
from trail.runtime import startup
from trail.runtime.job import Health
from ui import source_text, text, url_state
from ui.audit import record_action
from ui.page import Context, acts


def draw(ctx: Context) -> None:
    """Draw a card per source, the configured ones first."""
    store, settings = ctx.runtime.store, ctx.runtime.settings
    counts = {row["loader"]: row for row in store_status.sources(store)}
    delays = {row["loader"]: row for row in coverage.lag(store, utc_now())}
    health = {source.name: source for source in source_health.sources(store, settings, utc_now())}
    jobs = {job.name: job for job in ctx.runtime.schedule.health()}
    known = registry.discover("loaders", "LOADER")
    polled = feeds.configured(settings)
    drawn = {*known, *(feed.name for feed in polled)}
    for name, simulated in health.items():
        if name not in drawn:
            _simulated(simulated, counts.get(name, {}), delays.get(name))
    loaders = known.values()
    sources = [loader for loader in loaders if isinstance(loader, Feed | Drop | Receiver)]
    sources += [feed for feed in polled if feeds.workspace_of(feed)]
    for source in sorted(sources, key=lambda item: (not item.configured(settings), item.rank)):
        name = source.name
        with st.container(border=True, key=f"source-{name}", gap="xsmall"):
            state = _state(source, health.get(name), jobs.get(name))
            title = health[name].title if name in health else source.title
            _source(
                ctx, source, title, state, counts.get(name, {}), jobs.get(name), delays.get(name)
            )
    _files(counts)
    _ingest_processes(nodes.nodes(store, settings))


def _ingest_processes(found: list[NodeStatus]) -> None:
    """Draw what waits at the processes that pass events on to this server, if there are any."""
    if not found:
        return
    with st.container(border=True, key="ingest-processes", gap="xxsmall"):
        st.subheader("Ingest processes", anchor=False)
        for node in found:
            st.text(source_text.ingest_process(node, utc_now(), url_state.timezone()))


def _simulated(health: SourceHealth, counts: dict[str, Any], delays: dict[str, Any] | None) -> None:
    with st.container(border=True, key=f"source-{health.name}", gap="xxsmall"):
        st.subheader(text.escape(health.title), anchor=False)
        now = dt.datetime.now(dt.UTC)
        st.text(source_text.sentence(health, now, url_state.timezone()))
        st.caption(text.escape(_counts(counts, delays)))


def _source(
    ctx: Context,
    source: Feed | Drop | Receiver,
    title: str,
    state: str,
    counts: dict[str, Any],
    job: Health | None,
    delays: dict[str, Any] | None,
) -> None:
    configured = source.configured(ctx.runtime.settings)
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left, st.container(gap="xxsmall"):
        st.subheader(text.escape(title), anchor=False)
        st.text(state)
        st.caption(text.escape(_counts(counts, delays)))
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if not configured:
            st.page_link(url_state.CONNECT, label="Set up")
        elif job and not isinstance(source, Receiver):
            st.button(
                "Poll now" if isinstance(source, Feed) else "Check now",
                key=f"now-{source.name}",
                disabled=job.running,
                on_click=_poll_now,
                args=(ctx, source.name),
            )
    if isinstance(source, Feed) and configured:
        _last_sweep(ctx, source)
        with st.expander("Backfill a date range"):
            _backfill_form(ctx, source)


@acts("configure")
def _poll_now(ctx: Context, name: str) -> None:
    record_action("polled", ctx.user, name, "now")
    ctx.runtime.schedule.run_now(name)


def _state(source: Feed | Drop | Receiver, health: SourceHealth | None, job: Health | None) -> str:
    if health is None:
        return f"○ Not configured: {source.setting} is empty."
    if job and job.running and job.share:
        return f"… Polling, {text.percent(job.share)} done."
    return source_text.sentence(health, dt.datetime.now(dt.UTC), url_state.timezone())


def _counts(counts: dict[str, Any], delays: dict[str, Any] | None) -> str:
    if not counts.get("read"):
        return "No records yet"
    linked = f" ({counts['linked']:,} linked to an earlier event)" if counts["linked"] else ""
    summary = (
        f"{text.count(counts['read'], 'record')} read = {counts['kept']:,} kept + "
        f"{counts['duplicates']:,} duplicates{linked} + {counts['quarantined']:,} quarantined"
    )
    if delays:
        median, p95 = (text.duration(max(delays[name], 0)) for name in ("p50_s", "p95_s"))
        summary += f" · delay in the last 7 days: median {median}, 95th percentile {p95}"
    return summary


def _last_sweep(ctx: Context, feed: Feed) -> None:
    sweep = polling.last_sweep(ctx.runtime.store, feed)
    if not sweep:
        return
    at, missed = sweep
    if missed is None:
        due = text.timestamp(at + dt.timedelta(days=7), url_state.timezone())
        st.caption(f"First weekly sweep due {due}")
    else:
        ago = text.ago(at, dt.datetime.now(dt.UTC))
        result = f"{text.count(missed, 'missed event')} recovered" if missed else "no gaps"
        st.caption(f"Weekly sweep of all retained days, {ago}: {result}")


def _backfill_form(ctx: Context, feed: Feed) -> None:
    today = utc_now().date()
    with st.form(f"again-{feed.name}", border=False):
        days = st.date_input(
            "Days (UTC)",
            (today - dt.timedelta(days=7), today),
            min_value=today - dt.timedelta(days=ctx.runtime.settings.store.retention_days),
            max_value=today,
            format="YYYY-MM-DD",
        )
        pressed = st.form_submit_button("Backfill")
    if pressed and isinstance(days, tuple) and len(days) == 2:
        _backfill(ctx, feed, *days)


@acts("configure")
def _backfill(ctx: Context, feed: Feed, first: dt.date, last: dt.date) -> None:
    end = dt.datetime.combine(last, dt.time()) + dt.timedelta(days=1)
    record_action("polled", ctx.user, feed.name, f"days {first} to {last}")
    bar = st.progress(0.0, "Polling")

    def show_progress(share: float, batch: Batch) -> None:
        bar.progress(share, f"{text.count(batch.read, 'record')} read")

    try:
        batch = polling.pull(
            startup.real_store(),
            ctx.runtime.settings,
            feed,
            utc_now(),
            since=dt.datetime.combine(first, dt.time()),
            until=min(end, utc_now()),
            progress=show_progress,
        )
    except TrailError as error:
        st.error(text.escape(str(error)))
        return
    bar.empty()
    if batch.error:
        st.error(text.escape(batch.error))
    st.success(
        f"{text.count(batch.read, 'record')} read: {batch.kept:,} kept, "
        f"{text.count(batch.duplicates, 'duplicate')}, {batch.quarantined:,} quarantined"
    )


def _files(counts: dict[str, dict[str, Any]]) -> None:
    loaders = [loader for loader in registry.of_kind(Loader) if loader.name in counts]
    if loaders:
        with st.container(border=True, gap="xxsmall"):
            st.subheader("Files loaded manually", anchor=False)
            for loader in loaders:
                st.caption(text.escape(f"{loader.title}: {_counts(counts[loader.name], None)}"))
