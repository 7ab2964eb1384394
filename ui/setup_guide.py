"""The setup guide: its steps above the page of the current one, Skip and Next.

It is shown on Connect until all steps are done or skipped, and on the pages of the other steps once
an owner has started it.
"""

import streamlit as st

from trail.accounts.users import User
from trail.core.errors import TrailError
from trail.events import store_status
from trail.runtime import process, setup_steps
from trail.runtime.setup_steps import Step
from ui import text, url_state
from ui.components.setup_steps import StepItem
from ui.components.setup_steps import setup_steps as draw_steps

# The page of each step, with its section.
_PLACES = {
    "events": (url_state.CONNECT, ""),
    "alerts": (url_state.ALERTS, "rules"),
    "colleagues": (url_state.ADMIN, "users"),
}
_BY_PAGE = {"connect": "events", "alerts": "alerts", "admin": "colleagues"}
_STARTED, _ERROR = "setup-started", "setup-error"


def draw(title: str, name: str) -> None:
    """Draw a *title* with the steps; *name* is the current one."""
    known = setup_steps.steps(process.current())
    if not any(step.state == "open" for step in known):
        st.session_state.pop(_STARTED, None)
        if title:
            st.title(title, anchor=False)
        return
    following = setup_steps.following(known, name)
    current = next((step for step in known if step.name == name), None)
    with st.container(horizontal=True, vertical_alignment="center", key="setup-guide"):
        if title:
            st.title(title, anchor=False, width="content")
        with st.container(width="stretch", key="setup-steps-row"):
            draw_steps([_item(step, at, name) for at, step in enumerate(known, 1)], "setup-steps")
        if current and current.state == "open":
            st.button("Skip for now", type="tertiary", on_click=_skip, args=(name,))
        label = f"Next: {following.title.lower()}" if following else "Finish"
        st.button(label, type="primary", key="setup-next", on_click=_open, args=(following,))
    if error := st.session_state.pop(_ERROR, ""):
        st.error(text.escape(error))


def draw_above(path: str, user: User) -> None:
    """Draw the open setup steps above the page *path*, or a link to where they begin."""
    if path == "connect":
        return
    if st.session_state.get(_STARTED) and path in _BY_PAGE and user.may("configure"):
        draw("", _BY_PAGE[path])
        return
    runtime = process.current()
    if runtime.demo:
        sentence = "<b>Demo workspace.</b> Its events are generated."
        key, label = "demo-banner", "Connect your workspace"
    elif not store_status.has_events(runtime.store):
        sentence = "<b>No events yet.</b>"
        key, label = "setup-banner", "Set up this workspace"
    else:
        return
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        if user.may("configure"):
            st.html(sentence, width="content")
            st.page_link(url_state.CONNECT, label=label)
        else:
            st.html(f"{sentence} An owner can connect the workspace.", width="content")


def _item(step: Step, number: int, current: str) -> StepItem:
    page, section = _PLACES.get(step.name, ("", ""))
    address = ""
    if page:
        address = url_state.address(page, url_state.current_filter(), section=section)
    return {
        "id": step.name,
        "address": address,
        "mark": "✓" if step.state == "done" else str(number),
        "title": step.title,
        "state": step.state,
        "current": step.name == current and step.state != "done",
    }


def _skip(name: str) -> None:
    from ui import setting_change  # imported late: it imports the page module, which draws this

    runtime = process.current()
    skipped = runtime.settings.setup.skipped
    try:
        setting_change.change(setup_steps.NAME, [*skipped, name])
    except TrailError as error:
        st.session_state[_ERROR] = str(error)
        return
    _open(setup_steps.following(setup_steps.steps(process.current()), name))


def _open(step: Step | None) -> None:
    """Open the page of *step*; without one, the setup has ended."""
    st.session_state[_STARTED] = step is not None
    page, section = _PLACES[step.name] if step else (url_state.EXPLORE, "")
    url_state.open_page(page, url_state.current_filter(), section=section)
