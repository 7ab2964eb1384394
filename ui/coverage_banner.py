"""What pages say about missing data: since when there is none, and when it was not collected."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import streamlit as st

from trail.core.clock import naive_utc, utc_now
from trail.events import coverage, covering_groups
from trail.events.coverage import Span
from trail.ingest import source_health
from trail.ingest.source_health import SourceHealth
from trail.storage import cold_tier, tiers, workspaces
from trail.storage.duckdb import Store
from trail.storage.filters import Filter, Window
from ui import known_time, source_text, text, url_state
from ui.page import Context

MIN_GAP, long_gaps = coverage.MIN_GAP, coverage.long_gaps
_LISTED = 3


def show(ctx: Context, filter_: Filter | None = None) -> None:
    """Draw the banner that says since when there is no data or a source fails, if so, and why.

    Of several workspaces, only those that *filter_* chooses count.
    """
    store, zone = ctx.runtime.store, url_state.timezone()
    belongs = covering_groups.members(store, (filter_ or Filter()).choice("workspace"))
    sources = source_health.sources(store, ctx.runtime.settings, naive_utc(ctx.now))
    health = [source for source in sources if belongs(source.name)]
    known = known_time.known(store, ctx.now, filter_)
    may_connect = ctx.user.may("configure")
    troubled = [source for source in health if source.state in ("failing", "silent")]
    failing = bool(source_health.failing(health))
    covered = any(source.state == "ok" and source.covers_time for source in health)
    if known.until and known.is_late and not covered:
        why = _why(health, known.until, zone, may_connect=may_connect)
        message = f"{known.no_data_since(known.until, zone)}. {why}"
    elif known.until is None and health:
        message = f"{known_time.NO_DATA_YET}. {_why(health, None, zone, may_connect=may_connect)}"
    elif troubled:
        others = " Other sources are collecting." if covered else ""
        message = f"{_sentences(troubled, None, zone)}{others}"
    else:
        return
    level = "failing" if failing else "late" if health else "files"
    with st.container(horizontal=True, vertical_alignment="center", key=f"coverage-banner-{level}"):
        st.text(f"{'▲' if failing else '◆' if health else '○'} {message}", width="content")
        if may_connect:
            target, label = (
                (url_state.ADMIN, "Sources") if health else (url_state.CONNECT, "Connect")
            )
            query = {"section": "sources"} if health else {}
            st.page_link(target, label=label, query_params=query)


def show_none(ctx: Context, filter_: Filter, sentence: str) -> None:
    """Draw the *sentence* that a window has nothing, as good news only where that is known."""
    missing = missing_in(ctx, filter_)
    if missing:
        st.info(text.escape(f"{sentence} {missing}"), icon=":material/help:")
    else:
        st.info(sentence, icon=":material/check:")


def missing_in(ctx: Context, filter_: Filter) -> str:
    """Return since when the window of *filter_* has no data, as a sentence; else nothing."""
    known = known_time.known(ctx.store, ctx.now, filter_)
    end = filter_.window(ctx.now).end
    if known.until is None:
        return f"{known_time.NO_DATA_YET}: what happened is not known."
    if not known.is_late or (end and end <= known.until):
        return ""
    return f"{known.no_data_since(known.until, filter_.zone)}: what happened is not known."


def _why(
    health: Sequence[SourceHealth],
    known_until: dt.datetime | None,
    zone: ZoneInfo,
    *,
    may_connect: bool,
) -> str:
    """Return the cause of missing data, and what to do about it."""
    if any(source.state in ("failing", "silent") for source in health):
        return _sentences(health, known_until, zone)
    if not health:
        who = "" if may_connect else "an owner can "
        return f"Events come from loaded files: {who}load newer ones, or connect a source."
    reasons = {
        "ok": "no newer file has arrived",
        "never": "no event received yet",
        "off": "not configured any more",
    }
    known = [f"{source.title}: {reasons[source.state]}." for source in health]
    return f"{' '.join(known)} What happened is not known."


def _sentences(health: Sequence[SourceHealth], said: dt.datetime | None, zone: ZoneInfo) -> str:
    """Return a sentence for each source that fails or is silent, with its reason.

    Since when is left out if it is *said*.
    """
    sentences = []
    for source in health:
        if source.state in ("failing", "silent"):
            known = replace(source, since=None) if source.since == said else source
            state = source_text.state(known, zone)
            sentences.append(
                f"{source.title}: {state[0].lower()}{state[1:]}. {source.message}".rstrip()
            )
    return " ".join(sentences)


def not_collected(gap: Span, zone: ZoneInfo) -> str:
    """Return the sentence for a gap: `Not collected Tue 24 Nov 02:00–02:40`."""
    return f"Not collected {_range(gap, zone)}"


def show_missing_archive(ctx: Context, window: Window) -> None:
    """Draw which archived files of *window* are missing, if any."""
    if files := cold_tier.missing(ctx.runtime.store, window):
        st.warning(
            text.escape(cold_tier.missing_text(files, ctx.runtime.store.archive)),
            icon=":material/warning:",
        )
    if problem := tiers.cluster_problem(ctx.runtime.store):
        st.warning(
            text.escape(f"{problem} Until then this server reads the archive, which takes longer."),
            icon=":material/warning:",
        )


def show_gaps(spans: Sequence[Span], zone: ZoneInfo) -> None:
    """Draw a caption that names the latest coverage gaps of a window, if it has any.

    Without one that lasts until now, which is in the banner.
    """
    now = utc_now()
    gaps = [gap for gap in long_gaps(spans) if now - gap.end >= MIN_GAP]
    if not gaps:
        return
    ranges = ", ".join(_range(gap, zone) for gap in gaps[-_LISTED:])
    earlier = f" and {len(gaps) - _LISTED:,} earlier" if len(gaps) > _LISTED else ""
    # Of several workspaces, others were collecting in a part of the gaps.
    why = "" if any(gap.missing for gap in gaps) else "No source was collecting, so e"
    st.caption(
        text.escape(f"▲ Not collected: {ranges}{earlier}. {why or 'E'}vents may be missing.")
    )


def _range(gap: Span, zone: ZoneInfo) -> str:
    """Return the time of *gap*, with the workspaces that were not collected if others were."""
    listed = f" ({', '.join(gap.missing)})" if gap.missing else ""
    return text.time_range(gap.start, gap.end, zone) + listed


def show_source_gaps(store: Store, window: Window, spans: Sequence[Span], filter_: Filter) -> None:
    """Draw a caption for each source with gaps in *window* in which another one was collecting.

    Of several workspaces, only those that *filter_* chooses count.
    """
    belongs = covering_groups.members(store, filter_.choice("workspace"))
    assert window.start and window.end
    whole = [(gap.start, gap.end) for gap in spans if gap.state == "gap"]
    for source, gaps in coverage.source_gaps(store, window.start, window.end).items():
        own = [gap for gap in gaps if gap[1] - gap[0] >= MIN_GAP and gap not in whole]
        if own and belongs(source):
            st.caption(
                text.escape(
                    f"▲ {source_gaps_text(store, source, own, filter_.zone)}, other sources were."
                )
            )


def source_gaps_text(
    store: Store, source: str, gaps: Sequence[tuple[dt.datetime, dt.datetime]], zone: ZoneInfo
) -> str:
    """Return when *source* was not collecting: its latest gaps, and the number of earlier ones."""
    title = text.collected_by(source, workspaces.of_sources(store))
    ranges = ", ".join(text.time_range(start, end, zone) for start, end in gaps[-_LISTED:])
    earlier = f" and {len(gaps) - _LISTED:,} earlier times" if len(gaps) > _LISTED else ""
    return f"{title} was not collecting {ranges}{earlier}"
