"""Connect with a Public API token: enter it, test it, and watch the history arrive."""

import dataclasses
import datetime as dt
import time
from typing import Any

import streamlit as st
from pydantic import SecretStr

from trail.core import registry
from trail.core.clock import utc_now
from trail.core.errors import TrailError
from trail.core.model import Available, Feed
from trail.core.settings import Settings
from trail.runtime import configuration
from trail.storage import workspaces as workspace_names
from ui import setting_change, text, url_state
from ui.audit import record_action
from ui.connect import backfill_progress, workspaces
from ui.page import Context, acting_user


def draw(ctx: Context) -> None:
    """Draw the card of each feed."""
    for feed in registry.of_kind(Feed):
        _Card(ctx, feed).draw()


@dataclasses.dataclass(frozen=True)
class _Card:
    ctx: Context
    feed: Feed

    def draw(self) -> None:
        token = configuration.describe(self._name("token"))
        editing = not token.is_set or self._state.get("replacing", False)
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.header("Public API token", anchor=False, width="content")
            if token.is_set:
                st.badge("Connected", icon=":material/check:", color="green")
        st.caption("Loads the history and fills gaps. Start here: no open port is needed.")
        if editing and not token.fixed_by:
            self._form(is_new=not token.is_set)
        else:
            self._connected(setting_change.origin(token), fixed=bool(token.fixed_by))
        if error := self._state.pop("error", ""):
            st.error(text.escape(error))
        if result := self._state.get("result"):
            self._available(*result)
        if token.is_set:
            names = workspace_names.of_sources(self.ctx.runtime.store)
            if name := names.get(self.feed.name):
                st.markdown(f"**{text.escape(name)}**")
            backfill_progress.draw(self.feed)
            workspaces.draw(self.feed)

    @property
    def _state(self) -> dict[str, Any]:
        """Return the state of the card: replacing, error, result.

        A slow callback reads it once at its start: if another button is pressed meanwhile,
        Streamlit ends the callback at its next access to the session state.
        """
        state: dict[str, Any] = st.session_state.setdefault(self._key("state"), {})
        return state

    def _form(self, *, is_new: bool) -> None:
        with st.form(self._key("form"), border=False):
            st.text_input(
                "Token",
                type="password",
                key=self._key("token"),
                placeholder="sgp_…",
                autocomplete="off",
                help="Encrypted at rest and never shown again.",
            )
            region = configuration.describe(self._name("region"))
            st.segmented_control(
                "Region",
                list(workspaces.REGIONS),
                default=region.value,
                required=True,
                format_func=workspaces.REGIONS.__getitem__,
                key=self._key("region"),
                disabled=bool(region.fixed_by),
            )
            st.form_submit_button(
                "Connect" if is_new else "Replace", type="primary", on_click=self._connect
            )
        st.caption("Segment: Settings → Workspace settings → Access management → Tokens")

    def _connected(self, origin: str, *, fixed: bool) -> None:
        st.text(f"Token ••••••••  {origin}")
        with st.container(horizontal=True):
            if not self._state.get("result"):
                st.button("Test", key=self._key("test"), on_click=self._test)
            if not fixed:
                st.button("Replace", key=self._key("replace"), on_click=self._replace)
                st.button("Disconnect", key=self._key("disconnect"), on_click=self._disconnect)

    def _connect(self) -> None:
        """Test the token and store it only if Segment accepts it."""
        token = str(st.session_state[self._key("token")]).strip()
        region = st.session_state[self._key("region")]
        st.session_state[self._key("token")] = ""
        state = self._state
        if not token:
            state["error"] = "Enter a token."
            return
        given = {"token": SecretStr(token), "region": region}
        if self._ask(self._settings(given), state):
            try:
                if region != configuration.describe(self._name("region")).value:
                    setting_change.change(self._name("region"), region)
                setting_change.change(self._name("token"), token)
            except TrailError as error:
                state["error"] = str(error)
            else:
                state["replacing"] = False

    def _test(self) -> None:
        self._ask(self.ctx.runtime.settings, self._state)

    def _ask(self, settings: Settings, state: dict[str, Any]) -> bool:
        """Query Segment for available events; keep the result or error, return the success."""
        began, now = time.monotonic(), utc_now()
        state.pop("result", None)
        try:
            record_action("tested", acting_user("configure"), f"source {self.feed.name}")
            found = self.feed.available(settings, now)
        except TrailError as error:
            state["error"] = str(error)
            return False
        state["result"] = (found, now, time.monotonic() - began)
        return True

    def _replace(self) -> None:
        self._state["replacing"] = True

    def _disconnect(self) -> None:
        state = self._state
        state.pop("result", None)
        try:
            setting_change.reset(self._name("token"))
        except TrailError as error:
            state["error"] = str(error)

    def _available(self, found: Available, at: dt.datetime, seconds: float) -> None:
        zone = url_state.timezone()
        took = f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
        last_day = f"{found.last_day:,}" if found.is_exact else f"{found.last_day:,} or more"
        facts = {
            "Workspace": found.workspace_name,
            "Oldest event available": (
                text.timestamp(found.oldest, zone) if found.oldest else "None yet"
            ),
            "Events in the last 24 hours": last_day,
        }
        with st.container(border=True, gap="xsmall", key=self._key("facts")):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown("**✓ Token works**", width="content")
                st.caption(f"tested {text.timestamp(at, zone)}, {took}", width="stretch")
                st.button("Test again", key=self._key("test-again"), on_click=self._test)
            for name, value in facts.items():
                with st.container(horizontal=True, horizontal_alignment="distribute"):
                    st.caption(name, width="content")
                    st.text(value, width="content")

    def _settings(self, given: dict[str, Any]) -> Settings:
        settings, section = self.ctx.runtime.settings, self.feed.section
        patience = {"patience_s": 10.0}
        changed = settings.of(section).model_copy(update=given | patience)
        return settings.model_copy(update={section.section: changed})

    def _name(self, setting: str) -> str:
        return f"{self.feed.section.section}.{setting}"

    def _key(self, name: str) -> str:
        return f"connect-{self.feed.name}-{name}"
