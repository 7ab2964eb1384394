"""The backfill progress of a feed, with a bar for each day and a pause button."""

import datetime as dt

import streamlit as st

from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Feed
from trail.events import timeline
from trail.ingest import feeds, polling
from trail.runtime import process
from trail.runtime.job import Health
from trail.storage import workspaces
from trail.storage.filters import Filter
from ui import setting_change, text, url_state

_REFRESH_S = 2.0
_ENOUGH = 0.02  # share of the history needed for an estimate of the rest
_ERROR = "backfill-error"


def draw(feed: Feed) -> None:
    """Draw the progress of *feed*, refreshed while its history is loading."""
    st.fragment(_draw, run_every=_REFRESH_S if _is_loading(feed) else None)(feed)
    if error := st.session_state.pop(_ERROR, ""):
        st.error(text.escape(error))


def _job(feed: Feed) -> Health | None:
    # Fetched again, since the first event replaces the demo's runtime.
    jobs = process.current().schedule.health()
    return next((job for job in jobs if job.name == feed.name), None)


def _is_loading(feed: Feed) -> bool:
    job = _job(feed)
    is_polling = bool(job and (job.running or job.succeeded_at is None) and not job.error)
    return is_polling and feed.fills_gaps(process.current().settings)


def _draw(feed: Feed) -> None:
    runtime, job = process.current(), _job(feed)
    if job is None:
        return
    # The line of a further workspace has the error already.
    if job.error and not feeds.workspace_of(feed):
        st.error(text.escape(job.error))
    now = utc_now()
    loaded = polling.backfill(runtime.store, runtime.settings, feed, now)
    runs = feed.fills_gaps(runtime.settings)
    days = runtime.settings.store.retention_days
    with st.container(border=True, gap="xsmall"):
        if loaded.share >= 1 or runtime.demo:
            st.markdown(f"**Backfill, {text.count(days, 'day')}**")
            st.caption(_polled(job, is_empty=runtime.demo))
        else:
            share = max(loaded.share, job.share if job.running else 0.0)
            _loading(feed, share, loaded.reached, job, runs=runs)
    # One switch for all workspaces.
    if loaded.share < 1 and not feeds.workspace_of(feed):
        _switch(feed, runs=runs)


def _polled(job: Health, *, is_empty: bool) -> str:
    if job.succeeded_at:
        ago = text.ago(job.succeeded_at, dt.datetime.now(dt.UTC))
        return f"No events yet. Last poll {ago}." if is_empty else f"Loaded. Last poll {ago}."
    return "Requesting the newest events…"


def _loading(feed: Feed, share: float, reached: dt.datetime, job: Health, *, runs: bool) -> None:
    runtime, zone = process.current(), url_state.timezone()
    days = runtime.settings.store.retention_days
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.markdown(f"**Backfill, {text.count(days, 'day')}**", width="content")
        st.markdown(f"**{share:.0%}**", width="content")
    st.progress(share)
    filter_ = _of_workspace(feed, Filter(start=f"{days}d", tz=url_state.timezone_name()))
    bars = timeline.histogram(runtime.store, filter_, runtime.store.now(), dt.timedelta(days=1))
    stored = sum(bar.count for bar in bars.bars)
    parts = [text.count(stored, "event")]
    if stored and share >= _ENOUGH:
        parts = [f"{stored:,} of about {text.count(_rounded(stored / share), 'event')}"]
    parts.append(f"loaded back to {text.day(reached.date(), zone)}")
    if not runs:
        parts.append("paused")
    elif job.last_at and job.running and job.share >= _ENOUGH:
        left = (utc_now() - job.last_at).total_seconds() * (1 - job.share) / job.share
        parts.append(f"about {text.duration(left)} left")
    st.caption(" · ".join(parts))
    counts = [bar.count for bar in reversed(bars.bars)]
    _bars(counts)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for label in (
            text.day(bars.bars[-1].start.date(), zone),
            "Newest first",
            text.day(bars.bars[0].start.date(), zone),
        ):
            st.caption(label, width="content")


def _of_workspace(feed: Feed, filter_: Filter) -> Filter:
    """Return *filter_* for the events of the workspace that *feed* polls.

    The first workspace includes events without a workspace, such as those of files.
    """
    known = workspaces.by_source(process.current().store)
    own = known.get(feed.name, feed.name)
    if feeds.workspace_of(feed):
        return filter_.put("workspace", own, "include")
    for other in {*known.values()} - {own}:
        filter_ = filter_.put("workspace", other, "exclude")
    return filter_


def _bars(counts: list[int]) -> None:
    """Draw a bar for each of *counts*; the markup consists of numbers only."""
    most = max(counts, default=0) or 1
    bars = "".join(
        f'<i style="height:{max(4, round(100 * count / most)) if count else 0}%"></i>'
        for count in counts
    )
    loaded = sum(map(bool, counts))
    label = f"Events by day: {loaded:,} of {len(counts):,} days have events"
    st.html(f'<div class="trail-bars" role="img" aria-label="{label}">{bars}</div>')


def _rounded(number: float) -> int:
    """Return *number* to three significant digits, since it is an estimate."""
    digits = max(0, len(str(int(number))) - 3)
    return int(round(number, -digits))


def _switch(feed: Feed, *, runs: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Pause backfill" if runs else "Resume backfill",
            key=f"backfill-{feed.name}",
            on_click=_set,
            args=(feed, not runs),
        )
        note = "Continues after a restart." if runs else "New events are still polled."
        st.caption(f"{note} You can leave this page.")


def _set(feed: Feed, runs: bool) -> None:
    try:
        setting_change.change(f"{feed.section.section}.backfill", runs)
    except TrailError as error:
        st.session_state[_ERROR] = str(error)
