"""The URL of this server as reached by the viewer's browser."""

import streamlit as st

from trail.core.settings import Settings


def of(settings: Settings, path: str) -> str:
    """Return the URL of *path*: below `forward.public_url`, or that of the open page."""
    base = settings.forward.public_url or st.context.url or ""
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0]}{path}" if rest else path
