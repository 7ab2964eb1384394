"""Connect through files on the server: a watched folder, a bucket, and single loads."""

import streamlit as st

from trail.core import registry
from trail.core.model import Drop
from ui import source_check
from ui.page import Context


def draw(ctx: Context) -> None:
    """Draw the files that the server reads automatically, and the command for single loads."""
    with st.expander("Files on the server"):
        st.text("Load files once; with --dry-run, nothing is stored:")
        st.code("python -m trail load --dry-run FILE_OR_FOLDER", language="bash")
        _watched(ctx)


def _watched(ctx: Context) -> None:
    st.text("Watch a folder, or a bucket that is filled by Segment's S3 destination:")
    st.code(
        '[folder]\npath = "data/inbox"\n\n[s3]\nurl = "s3://BUCKET/PREFIX"\nregion = "eu-west-1"',
        language="toml",
    )
    for drop in registry.of_kind(Drop):
        _test(ctx, drop)


def _test(ctx: Context, drop: Drop) -> None:
    configured = drop.configured(ctx.runtime.settings)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(f"Test: {drop.title}", key=f"test-{drop.name}", disabled=not configured)
        if not configured:
            st.text("○ Not configured")
    if pressed:
        source_check.draw(ctx, drop)
