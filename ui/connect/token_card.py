"""Connect by a token of the Public API: enter, test, and watch the history arrive."""

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
from trail.runtime import configuration, process
from trail.runtime.job import Health
from ui import setting_change, text, url_state
from ui.audit import record_action
from ui.page import Context, acting_user

_REGIONS = {"us": "US", "eu": "EU"}
_PROGRESS_S = 2.0


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
        editing = not token.is_set or st.session_state.get(self._key("replacing"), False)
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.header("Public API token", anchor=False, width="content")
            if token.is_set:
                st.badge("Connected", icon=":material/check:", color="green")
        st.caption("Brings the history and fills any gap. Start here: it needs no open port.")
        if editing and not token.fixed_by:
            self._form(is_new=not token.is_set)
        else:
            self._connected(setting_change.origin(token), fixed=bool(token.fixed_by))
        if error := st.session_state.pop(self._key("error"), ""):
            st.error(text.escape(error))
        if result := st.session_state.get(self._key("result")):
            _available(*result)
        if token.is_set:
            _progress(self.feed)

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
                list(_REGIONS),
                default=region.value,
                required=True,
                format_func=_REGIONS.__getitem__,
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
            st.button("Test", key=self._key("test"), on_click=self._test)
            if not fixed:
                st.button("Replace", key=self._key("replace"), on_click=self._replace)
                st.button("Disconnect", key=self._key("disconnect"), on_click=self._disconnect)

    def _connect(self) -> None:
        """Test the token and store it only if Segment accepts it."""
        token = str(st.session_state[self._key("token")]).strip()
        region = st.session_state[self._key("region")]
        st.session_state[self._key("token")] = ""
        if not token:
            st.session_state[self._key("error")] = "Enter a token."
            return
        given = {"token": SecretStr(token), "region": region}
        if self._ask(self._settings(given)):
            try:
                if region != configuration.describe(self._name("region")).value:
                    setting_change.change(self._name("region"), region)
                setting_change.change(self._name("token"), token)
            except TrailError as error:
                st.session_state[self._key("error")] = str(error)
            else:
                st.session_state[self._key("replacing")] = False

    def _test(self) -> None:
        self._ask(self.ctx.runtime.settings)

    def _ask(self, settings: Settings) -> bool:
        """Ask Segment what there is, and keep the result or the error; return whether it works."""
        began, now = time.monotonic(), utc_now()
        st.session_state.pop(self._key("result"), None)
        try:
            record_action("tested", acting_user("configure"), f"source {self.feed.name}")
            found = self.feed.available(settings, now)
        except TrailError as error:
            st.session_state[self._key("error")] = str(error)
            return False
        st.session_state[self._key("result")] = (found, now, time.monotonic() - began)
        return True

    def _replace(self) -> None:
        st.session_state[self._key("replacing")] = True

    def _disconnect(self) -> None:
        st.session_state.pop(self._key("result"), None)
        try:
            setting_change.reset(self._name("token"))
        except TrailError as error:
            st.session_state[self._key("error")] = str(error)

    def _settings(self, given: dict[str, Any]) -> Settings:
        settings, section = self.ctx.runtime.settings, self.feed.section
        patience = {"patience_s": 10.0}
        changed = settings.of(section).model_copy(update=given | patience)
        return settings.model_copy(update={section.section: changed})

    def _name(self, setting: str) -> str:
        return f"{self.feed.section.section}.{setting}"

    def _key(self, name: str) -> str:
        return f"connect-{self.feed.name}-{name}"


def _available(found: Available, at: dt.datetime, seconds: float) -> None:
    zone = url_state.timezone()
    oldest = text.timestamp(found.oldest, zone) if found.oldest else "None yet"
    more = "" if found.is_exact else " or more"
    with st.container(border=True, gap="xxsmall"):
        took = f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
        st.text(f"✓ Token works: tested {text.timestamp(at, zone)}, {took}")
        st.text(f"Workspace: {found.workspace_name}")
        st.text(f"Oldest event available: {oldest}")
        st.text(f"Events in the last 24 hours: {found.last_day:,}{more}")


def _progress(feed: Feed) -> None:
    """Draw how far the history is loaded, kept up to date while it is."""
    job = _job(feed)
    is_loading = bool(job and (job.running or job.succeeded_at is None) and not job.error)
    st.fragment(_loading, run_every=_PROGRESS_S if is_loading else None)(feed)


def _job(feed: Feed) -> Health | None:
    # Asked for again, since the first event replaces the demo's runtime.
    jobs = process.current().schedule.health()
    return next((job for job in jobs if job.name == feed.name), None)


def _loading(feed: Feed) -> None:
    job = _job(feed)
    if job is None:
        return
    if job.running and job.last_at and 0 < job.share < 1:
        elapsed = (utc_now() - job.last_at).total_seconds()
        left = text.duration(elapsed * (1 - job.share) / job.share)
        st.progress(job.share, f"Loading the history: {job.share:.0%}, about {left} left")
        st.caption("The newest events come first. You can leave this page.")
    elif job.error:
        st.error(text.escape(job.error))
    elif job.succeeded_at is None:
        st.caption("Loading the history…")
    else:
        ago = text.ago(job.succeeded_at, dt.datetime.now(dt.UTC))
        st.caption(f"History loaded. Last poll {ago}.")
