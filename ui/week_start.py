"""On which day the weeks of the viewer start."""

import streamlit as st

from trail.runtime import process
from trail.storage import week_start as weeks


def week_start() -> int:
    """Return the first day of the viewer's week; Monday is 0. See `trail.storage.week_start`."""
    return weeks.week_start(process.current().settings.week_start, st.context.locale)
