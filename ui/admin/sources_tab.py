"""Where events come from: how each source is doing, in words, and what can be asked of it."""

import datetime as dt
from typing import Any

import streamlit as st

from trail import boot, coverage, pulling, registry
from trail.errors import TrailError
from trail.jobs.model import Health
from trail.model import Batch, Drop, Feed, Loader, Receiver
from trail.queries import status
from trail.store import utc_now
from ui import text, url_state
from ui.page import Context

_SETTING = {
    "segment_api": "segment.token",
    "webhook": "push.webhook_secrets",
    "tracking_api": "push.write_keys",
    "folder": "folder.path",
    "s3": "s3.url",
}


def draw(ctx: Context) -> None:
    """Draw a row for each source, those that are set up first."""
    store, now = ctx.runtime.store, utc_now()
    known = {row["loader"]: row for row in status.sources(store)}
    late = {row["loader"]: row for row in coverage.lag(store, now)}
    health = {each.name: each for each in ctx.runtime.schedule.health()}
    sources = [each for each in registry.discover("loaders", "LOADER").values() if _is_source(each)]
    sources.sort(key=lambda each: (not each.configured(ctx.runtime.settings), each.title))
    for source in sources:
        row = known.get(source.name, {})
        job = health.get(source.name)
        with st.container(border=True, key=f"source-{source.name}", gap="xsmall"):
            _source(ctx, source, row, job, late.get(source.name))
    _files(known)


def _is_source(loader: object) -> bool:
    return isinstance(loader, Feed | Drop | Receiver)


def _source(
    ctx: Context,
    source: Feed | Drop | Receiver,
    row: dict[str, Any],
    job: Health | None,
    late: dict[str, object] | None,
) -> None:
    configured = source.configured(ctx.runtime.settings)
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left, st.container(gap="xxsmall"):
        st.subheader(source.title, anchor=False)
        st.text(_condition(source, configured, row, job))
        st.caption(text.escape(_numbers(row, late)))
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if job and configured and not isinstance(source, Receiver):
            label = "Ask now" if isinstance(source, Feed) else "Look now"
            st.button(
                label,
                key=f"now-{source.name}",
                disabled=job.running,
                on_click=ctx.runtime.schedule.run_now,
                args=(source.name,),
            )
        elif not configured:
            st.page_link(url_state.CONNECT, label="Set it up")
    if isinstance(source, Feed) and configured:
        _sweep(ctx, source)
        _again(ctx, source)


def _condition(
    source: Feed | Drop | Receiver, configured: bool, row: dict[str, Any], job: Health | None
) -> str:
    if not configured:
        return f"○ Not set up: {_SETTING.get(source.name, source.name)} is empty."
    if isinstance(source, Receiver):
        last = row.get("last_kept_at")
        now = dt.datetime.now(dt.UTC)
        return (
            f"✓ Listening. Last event {text.ago(last, now)}."
            if last
            else "◆ Listening. Nothing has come yet."
        )
    return _doing(job) if job else "… Starts with the server."


def _doing(job: Health) -> str:
    if job.running and job.share:
        return f"… Asking now, {job.share:.0%} done."
    if job.error:
        return f"▲ Failing: {job.error}"
    if job.good_at:
        return f"✓ Well. {job.said}, {text.ago(job.good_at, dt.datetime.now(dt.UTC))}."
    return "… The first look is still to come."


def _numbers(row: dict[str, Any], late: dict[str, object] | None) -> str:
    if not row.get("read"):
        return "No records yet"
    linked = f" ({row['linked']:,} other reports of a kept change)" if row["linked"] else ""
    told = (
        f"{text.count(row['read'], 'record')} read = {row['kept']:,} kept + "
        f"{row['duplicates']:,} duplicates{linked} + {row['quarantined']:,} quarantined"
    )
    if late:
        half, most = float(str(late["p50_s"])), float(str(late["p95_s"]))
        told += (
            f" · half of the last week's events came within {text.duration(max(half, 0))}, "
            f"95 % within {text.duration(max(most, 0))}"
        )
    return told


def _sweep(ctx: Context, feed: Feed) -> None:
    found = pulling.last_sweep(ctx.runtime.store, feed)
    if not found:
        return
    at, missed = found
    now = dt.datetime.now(dt.UTC)
    if missed is None:
        due = text.timestamp(at + dt.timedelta(days=7), url_state.timezone())
        st.caption(f"The first weekly sweep is due {due}")
    elif missed:
        st.caption(
            f"The sweep of all kept days, {text.ago(at, now)}, found "
            f"{text.count(missed, 'event')} that asks had missed"
        )
    else:
        st.caption(f"The sweep of all kept days, {text.ago(at, now)}, found nothing missing")


def _again(ctx: Context, feed: Feed) -> None:
    with st.expander("Ask again for some days"):
        today = utc_now().date()
        oldest = today - dt.timedelta(days=ctx.runtime.settings.store.retention_days)
        with st.form(f"again-{feed.name}", border=False):
            days = st.date_input(
                "Days (UTC)",
                (today - dt.timedelta(days=7), today),
                min_value=oldest,
                max_value=today,
                format="YYYY-MM-DD",
            )
            pressed = st.form_submit_button("Ask")
        if pressed and isinstance(days, tuple) and len(days) == 2:
            _ask_again(ctx, feed, days[0], days[1])


def _ask_again(ctx: Context, feed: Feed, first: dt.date, last: dt.date) -> None:
    start = dt.datetime.combine(first, dt.time())
    end = min(dt.datetime.combine(last, dt.time()) + dt.timedelta(days=1), utc_now())
    bar = st.progress(0.0, "Asking")

    def progress(share: float, batch: Batch) -> None:
        bar.progress(share, f"{batch.read:,} read")

    try:
        batch = pulling.pull(
            boot.real_store(),
            ctx.runtime.settings,
            feed,
            utc_now(),
            since=start,
            until=end,
            progress=progress,
        )
    except TrailError as problem:
        st.error(text.escape(str(problem)))
        return
    bar.empty()
    if batch.error:
        st.error(text.escape(batch.error))
    st.success(
        f"{text.count(batch.read, 'record')} read: {batch.kept:,} kept, "
        f"{batch.duplicates:,} known already, {batch.quarantined:,} quarantined"
    )


def _files(known: dict[str, dict[str, Any]]) -> None:
    loaders = registry.of_kind(Loader)
    rows = [known[loader.name] for loader in loaders if loader.name in known]
    if not rows:
        return
    with st.container(border=True, gap="xxsmall"):
        st.subheader("Files loaded by hand", anchor=False)
        for row in rows:
            title = next(each.title for each in loaders if each.name == row["loader"])
            st.caption(text.escape(f"{title}: {_numbers(row, None)}"))
