"""Connect: how real events come in, for a trail that has none yet and for one that has."""

import streamlit as st

from trail.queries import status
from ui import words
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
            "own. The first file that you load opens your own workspace instead.",
            icon=":material/info:",
        )
    else:
        st.text(f"{words.number(held['events'], 'event')} kept from {held['batches']:,} loads.")
    for name, draw in (("From files", _files), ("From a bucket", _bucket), ("Later", _later)):
        with st.container(border=True):
            st.header(name, anchor=False)
            draw()


def _files() -> None:
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


def _bucket() -> None:
    st.write(
        "In Segment, open Settings, Workspace settings, Audit forwarding, and forward the audit "
        "events to a source that has an S3 destination. Copy the bucket's folder here, and load "
        "it whole:"
    )
    st.code("python -m trail load segment-logs/", language="bash")


def _later() -> None:
    st.write(
        "A Public API token and a webhook let events come in by themselves. This release does not "
        "have them yet; until then, load files on a schedule."
    )


PAGE = Page("connect", "Connect", render, roles=frozenset({"owner"}), order=80)

if __name__ == "__main__":
    PAGE.run()
