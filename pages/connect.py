"""Connect: how to set up polling, the webhook and file drops, and how to test each.

Tokens and keys are settings and are never entered on a page.
"""

import streamlit as st

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Drop, Feed, Receiver
from trail.events import store_status
from trail.ingest import quarantine
from ui import source_check, text
from ui.audit import record_action
from ui.page import Context, Page


def render(ctx: Context) -> None:
    """Draw the page."""
    st.title("Connect", anchor=False)
    if ctx.runtime.demo:
        st.info(
            "This is the demo workspace with generated events in a separate database. Your "
            "workspace is shown as soon as its first event is stored.",
            icon=":material/info:",
        )
    else:
        totals = store_status.status(ctx.runtime.store)
        events = text.count(totals["events"], "event")
        batches = text.count(totals["batches"], "batch", "batches")
        st.text(f"{events} stored, {batches} loaded")
    st.write(
        "Start with polling: it loads the history and fills gaps. Add the webhook to receive "
        "events within seconds and with details that polling lacks. An event that arrives from "
        "several sources is counted once."
    )
    for draw in (_polling, _webhook, _file_drop, _manual):
        with st.container(border=True):
            draw(ctx)


def _polling(ctx: Context) -> None:
    st.header("1. Polling", anchor=False)
    st.write(
        "In Segment, a workspace owner creates a Public API token: Settings → Workspace settings → "
        "Access management → Tokens. Add it to `secrets.toml` (mode 600) beside the dashboard and "
        "restart the server. The last 90 days are loaded first, then new events every five minutes."
    )
    st.code('[segment]\ntoken = "..."\nregion = "us"  # or "eu"', language="toml")
    for feed in registry.of_kind(Feed):
        _test(ctx, feed)


def _webhook(ctx: Context) -> None:
    st.header("2. Webhook", anchor=False)
    st.write(
        "In Segment, forward audit events to a source (Settings → Workspace settings → Audit "
        "forwarding). Add a Webhooks destination to this source with a shared secret and this "
        "address, with the host name of this server:"
    )
    st.code("https://YOUR-HOST/webhooks/segment", language=None)
    st.code('[push]\nwebhook_secrets = ["..."]\nwrite_keys = ["..."]', language="toml")
    st.write(
        "In a batch, the signature proves only the first event. The others are kept as unverified, "
        "or quarantined with `push.accept_unverified = false`. To turn batching off: "
        f"{quarantine.BATCHING_OFF} Segment libraries can send to `/v1/batch` with a write key."
    )
    for receiver in registry.of_kind(Receiver):
        _test(ctx, receiver)
    unverified = store_status.unverified_events(ctx.runtime.store, utc_now())
    if unverified:
        st.warning(
            f"{text.count(unverified, 'event')} of the last 7 days arrived in a batch whose "
            f"signature does not cover them. {quarantine.BATCHING_OFF} With "
            "`push.accept_unverified = false`, such events are quarantined.",
            icon=":material/verified_user:",
        )


def _file_drop(ctx: Context) -> None:
    st.header("3. File drop", anchor=False)
    st.write(
        "Files in the folder are loaded once and moved to `done` or `failed`. A bucket that is "
        "filled by Segment's S3 destination is checked every 15 minutes."
    )
    st.code(
        '[folder]\npath = "data/inbox"\n\n[s3]\nurl = "s3://BUCKET/PREFIX"\nregion = "eu-west-1"',
        language="toml",
    )
    for drop in registry.of_kind(Drop):
        _test(ctx, drop)


def _manual(_: Context) -> None:
    st.header("Load files manually", anchor=False)
    st.write(
        "NDJSON, JSON arrays, Public API pages, CSV and Parquet, also compressed with gzip or "
        "Zstandard. Run on the server:"
    )
    st.code("python -m trail load FILE_OR_FOLDER", language="bash")
    st.write("Dry run, which stores nothing and counts new, duplicate and quarantined records:")
    st.code("python -m trail load --dry-run FILE_OR_FOLDER", language="bash")
    st.caption(
        "Loading a file again adds no duplicates. Records that cannot be read are quarantined with "
        "their line and the reason."
    )


def _test(ctx: Context, source: Feed | Drop | Receiver) -> None:
    configured = source.configured(ctx.runtime.settings)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            f"Test: {source.title}", key=f"test-{source.name}", disabled=not configured
        )
        if not configured:
            st.text("○ Not configured")
    if pressed:
        record_action("tested", ctx.user, f"source {source.name}")
        try:
            with st.spinner("Testing"):
                result = source_check.check(ctx.runtime.settings, source)
            st.success(text.escape(result), icon=":material/check:")
        except TrailError as error:
            st.error(text.escape(str(error)), icon=":material/error:")


PAGE = Page("connect", "Connect", render, capability="configure", order=80)

if __name__ == "__main__":
    PAGE.run()
