"""Which groups of the facet panel each user has opened and closed."""

import streamlit as st

from trail.accounts.preferences import Preferences
from trail.runtime import process
from ui.page import current_user

_NAME, _KEY = "facets", "facet-folds"


def is_open(field: str) -> bool | None:
    """Return whether the user opened or closed the group of *field*; None for neither."""
    value = _folds().get(field)
    return value if isinstance(value, bool) else None


def remember(field: str, *, is_open: bool) -> None:
    """Keep that the group of *field* is open, or is not, for this session and later ones."""
    folds = {**_folds(), field: is_open}
    st.session_state[_KEY] = folds
    if user := current_user():
        Preferences(process.current().store).put(user.account, _NAME, folds)


def _folds() -> dict[str, object]:
    if _KEY not in st.session_state:
        user = current_user()
        saved = Preferences(process.current().store).get(user.account, _NAME) if user else None
        st.session_state[_KEY] = saved if isinstance(saved, dict) else {}
    folds: dict[str, object] = st.session_state[_KEY]
    return folds
