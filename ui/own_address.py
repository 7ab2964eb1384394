"""The address of this server, as the browser of the viewer reaches it."""

import streamlit as st

from trail.core.settings import Settings


def of(settings: Settings, path: str) -> str:
    """Return the address of *path*: at `forward.public_url`, else where this page is open."""
    base = settings.forward.public_url or st.context.url or ""
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0]}{path}" if rest else path
