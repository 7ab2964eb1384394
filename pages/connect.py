"""Connect: how real events come in, for a trail that has none yet and for one that has.

Tokens and keys are settings, never typed into a page: what is typed here could be read by others.
"""

from collections.abc import Callable
from functools import partial

import streamlit as st

from trail import registry
from trail.errors import TrailError
from trail.model import Drop, Feed, Receiver
from trail.queries import status
from trail.store import utc_now
from ui import source_check, text
from ui.page import Context, Page

_FILE = "python -m trail load FILE_OR_FOLDER"
_TRY = "python -m trail load --dry-run FILE_OR_FOLDER"


def render(ctx: Context) -> None:
    """Draw the page."""
    st.title("Connect", anchor=False)
    held = status.status(ctx.runtime.store)
    if ctx.runtime.demo:
        st.info(
            "This is the demo workspace. Its events are invented and kept in a database of their "
            "own. The first real event opens your own workspace instead.",
            icon=":material/info:",
        )
    else:
        st.text(f"{text.count(held['events'], 'event')} kept from {held['batches']:,} loads.")
    st.write(
        "Use at least the first way: it asks again for what was missed. The second brings events "
        "within a second and the details that the first one lacks. Each change is counted once."
    )
    for draw in (_ask, _send, _drop, _files):
        with st.container(border=True):
            draw(ctx)


def _ask(ctx: Context) -> None:
    st.header("1. Ask Segment", anchor=False)
    st.write(
        "A workspace owner makes a Public API token in Segment: Settings, Workspace settings, "
        "Access management, Tokens. Put it into `secrets.toml` (mode 600) beside the dashboard and "
        "start it again. The last 90 days come first, then every five minutes."
    )
    st.code('[segment]\ntoken = "..."\nregion = "us"  # or "eu"', language="toml")
    for feed in registry.of_kind(Feed):
        _test(ctx, feed, partial(source_check.of_feed, ctx.runtime.settings, feed))


def _send(ctx: Context) -> None:
    st.header("2. Let Segment send", anchor=False)
    st.write(
        "In Segment, forward the audit events to a source (Settings, Workspace settings, Audit "
        "forwarding), and give this source a Webhooks destination with a shared secret and this "
        "address, under the name by which Segment reaches you:"
    )
    st.code("https://YOUR-HOST/webhooks/segment", language=None)
    st.code('[push]\nwebhook_secrets = ["..."]\nwrite_keys = ["..."]', language="toml")
    st.write(
        "Turn batching off in the destination, or its signature proves only the first event of "
        "each request; the others are kept and marked as not proved. Libraries of Segment can "
        "send to `/v1/batch` with a write key."
    )
    for receiver in registry.of_kind(Receiver):
        _test(ctx, receiver, partial(source_check.of_receiver, ctx.runtime.settings, receiver))
    unproved = status.unproved(ctx.runtime.store, utc_now())
    if unproved:
        st.warning(
            f"{text.count(unproved, 'event')} of the last seven days came in a batch whose "
            "signature does not cover them. Turn batching off in the destination.",
            icon=":material/verified_user:",
        )


def _drop(ctx: Context) -> None:
    st.header("3. A folder or a bucket", anchor=False)
    st.write(
        "Files that are dropped into a folder load once and move to `done` or `failed`. A bucket "
        "that Segment's S3 destination fills is looked into every quarter of an hour."
    )
    st.code(
        '[folder]\npath = "data/inbox"\n\n[s3]\nurl = "s3://BUCKET/PREFIX"\nregion = "eu-west-1"',
        language="toml",
    )
    for drop in registry.of_kind(Drop):
        _test(ctx, drop, partial(source_check.of_drop, ctx.runtime.settings, drop))


def _files(_: Context) -> None:
    st.header("Or files by hand", anchor=False)
    st.write(
        "NDJSON, JSON arrays, pages of the Public API, CSV and Parquet, also packed with gzip or "
        "Zstandard. Run this where the dashboard runs:"
    )
    st.code(_FILE, language="bash")
    st.write("To see what would be kept, duplicate or refused before anything is written:")
    st.code(_TRY, language="bash")
    st.caption(
        "Loading the same file twice changes nothing. Records that cannot be read are kept in "
        "quarantine with their line and the reason."
    )


def _test(ctx: Context, source: Feed | Drop | Receiver, run: Callable[[], str]) -> None:
    configured = source.configured(ctx.runtime.settings)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            f"Test: {source.title}", key=f"test-{source.name}", disabled=not configured
        )
        if not configured:
            st.text("○ Not set up")
    if pressed:
        try:
            with st.spinner("Trying"):
                said = run()
            st.success(text.escape(said), icon=":material/check:")
        except TrailError as problem:
            st.error(text.escape(str(problem)), icon=":material/error:")


PAGE = Page("connect", "Connect", render, capability="configure", order=80)

if __name__ == "__main__":
    PAGE.run()
