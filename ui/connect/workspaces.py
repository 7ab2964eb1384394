"""Further workspaces, each polled with its own token: the list, and a form to add one."""

import streamlit as st
from pydantic import SecretStr

from trail.core import settings as core_settings
from trail.core.clock import utc_now
from trail.core.errors import InputError, TrailError
from trail.core.model import Feed
from trail.ingest import feeds, source_health
from trail.runtime import process
from trail.storage import workspaces
from ui import setting_change, source_text, text, url_state
from ui.audit import record_action
from ui.connect import backfill_progress
from ui.page import acting_user

REGIONS = {"us": "US", "eu": "EU"}
_RESULT = "workspaces-result"


def draw(feed: Feed) -> None:
    """Draw the further workspaces of *feed* and a form to add one."""
    runtime = process.current()
    for name in sorted(feed.more(runtime.settings)):
        _workspace(feed, name)
    if result := st.session_state.pop(_RESULT, None):
        show, message = result
        show(text.escape(message))
    with st.expander("Add a workspace"), st.form(_key(feed, "form"), border=False):
        st.text_input(
            "Name of the workspace", key=_key(feed, "name"), max_chars=40, autocomplete="off"
        )
        st.text_input(
            "Token of the workspace",
            type="password",
            key=_key(feed, "token"),
            placeholder="sgp_…",
            autocomplete="off",
        )
        st.segmented_control(
            "Region of the workspace",
            list(REGIONS),
            default="us",
            required=True,
            format_func=REGIONS.__getitem__,
            key=_key(feed, "region"),
        )
        st.form_submit_button("Add workspace", on_click=_add, args=(feed,))


def _workspace(feed: Feed, name: str) -> None:
    runtime, own = process.current(), feeds.of_workspace(feed, name)
    health = {
        source.name: source
        for source in source_health.sources(runtime.store, runtime.settings, utc_now())
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap="xxsmall", width="stretch"):
            label = workspaces.of_sources(runtime.store).get(own.name, name)
            st.markdown(f"**{text.escape(label)}**")
            if label != name:
                st.caption(text.escape(f"Token {name}"))
            if own.name in health:
                now = runtime.store.now()
                st.text(source_text.sentence(health[own.name], now, url_state.timezone()))
        if not core_settings.fixed_by(_setting(feed, "tokens", name)):
            st.button(
                "Remove", key=_key(feed, f"remove-{name}"), on_click=_remove, args=(feed, name)
            )
    backfill_progress.draw(own)


def _add(feed: Feed) -> None:
    """Test the token and store it only if Segment accepts it."""
    name = str(st.session_state[_key(feed, "name")]).strip()
    token = str(st.session_state[_key(feed, "token")]).strip()
    region = st.session_state[_key(feed, "region")]
    st.session_state[_key(feed, "token")] = ""
    try:
        result = st.success, _added(feed, name, token, region)
    except TrailError as error:
        result = st.error, str(error)
    st.session_state[_RESULT] = result


def _added(feed: Feed, name: str, token: str, region: str) -> str:
    settings = process.current().settings
    tokens, regions = _setting(feed, "tokens", name), _setting(feed, "regions", name)
    if not token or not core_settings.is_editable(tokens):
        raise InputError("Enter a name and a token.", "Use letters, digits, - and _ in the name.")
    if name in feed.more(settings):
        raise InputError(f"The workspace {name} already exists.", "Remove it first.")
    section = settings.of(feed.section)
    own = section.model_copy(update={"token": SecretStr(token), "region": region})
    tested = settings.model_copy(update={section.section: own})
    record_action("tested", acting_user("configure"), f"source {feed.name}:{name}")
    found = feed.available(tested, utc_now())
    setting_change.change(regions, region)
    setting_change.change(tokens, token)
    return f"Workspace {found.workspace_name} added: {found.last_day:,} events in the last 24 hours"


def _remove(feed: Feed, name: str) -> None:
    try:
        setting_change.reset(_setting(feed, "tokens", name))
        setting_change.reset(_setting(feed, "regions", name))
    except TrailError as error:
        st.session_state[_RESULT] = st.error, str(error)


def _setting(feed: Feed, setting: str, name: str) -> str:
    return f"{feed.section.section}.{setting}.{name}"


def _key(feed: Feed, name: str) -> str:
    return f"workspaces-{feed.name}-{name}"
