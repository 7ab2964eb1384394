"""The gate that every page passes: who asks, may they, and what they read when it goes wrong.

Separate from navigation because Streamlit can run a page file without it: hiding a page protects
nothing, this does.
"""

import functools
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from trail.accounts.roles import who_may
from trail.accounts.sessions import session_user
from trail.accounts.users import User
from trail.core import registry
from trail.core.errors import TrailError
from trail.runtime import process, startup
from trail.runtime.process import Runtime
from trail.storage import query_timeout
from trail.storage.database import Store
from ui import sign_in_form, text, url_state
from ui.audit import record_page_view

_log = logging.getLogger("trail.ui")


@dataclass
class Context:
    """What a page is given: who looks, and what the process shares."""

    user: User
    runtime: Runtime

    @property
    def store(self) -> Store:
        """Return the store that the address names: the trail, or an archived month of it."""
        return startup.store_of(url_state.param("archive"))


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its address, its title, what draws it, and the capability that it needs.

    `roles` follows from that; naming roles instead is for pages of tests only.
    """

    path: str
    title: str
    render: Callable[[Context], None]
    capability: str = "explore"
    roles: frozenset[str] = frozenset()
    order: int = 50
    icon: str = ""

    def __post_init__(self) -> None:
        """Take the roles from the one table, by what the page needs."""
        if not self.roles:
            object.__setattr__(self, "roles", who_may(self.capability))

    def allows(self, user: User) -> bool:
        """Return whether the user's role may see this page."""
        return user.role in self.roles

    def run(self) -> None:
        """Draw the page for who may see it; the sign-in form for nobody."""
        user = current_user()
        if user is None:
            sign_in_form.show()
            return
        if not self.allows(user):
            record_page_view("page_refused", user, self.path)
            st.info(f"{self.title} is not open to the role {user.role}. An owner can change that.")
            return
        url_state.open_requested_page()
        record_page_view("viewed", user, self.path)
        try:
            _banner(self, user)
            ctx = Context(user, process.current())
            with query_timeout.within(ctx.runtime.settings.limits.query_seconds):
                self.render(ctx)
        except TrailError as problem:
            _log.info("page %s: %s", self.path, problem)
            st.error(text.escape(str(problem)))
        except Exception:  # the last resort, so that no trace reaches the screen
            error_id = secrets.token_hex(4)
            _log.exception("error %s on page %s", error_id, self.path)
            st.error(
                f"This page could not be drawn. Reload it; if it happens again, give an owner "
                f"the error id {error_id}."
            )


def _banner(page: Page, user: User) -> None:
    """Say on every page that the demo is shown, and to an owner where to connect the real one."""
    if not process.current().demo or page.path == "connect":
        return
    with st.container(horizontal=True, vertical_alignment="center", key="demo-banner"):
        st.html("<b>Demo workspace.</b> Its events are invented.", width="content")
        if user.may("configure"):
            st.page_link(url_state.CONNECT, label="Connect your own")


def current_user() -> User | None:
    """Return who looks at this page, looked up now; session state has no say in it."""
    message = st.user.to_dict()
    sid_hash = message.get("sid")
    if not isinstance(sid_hash, str) or not sid_hash:
        return None
    now = process.current()
    user = session_user(now.sessions, now.users, sid_hash, touch=False)  # a run may start by itself
    return user if user and user.username == message.get("username") else None


@functools.cache
def discover_pages() -> dict[str, Page]:
    """Return every page by module name, in the order of the menu."""
    pages: dict[str, Page] = registry.discover("pages", "PAGE")
    return dict(sorted(pages.items(), key=lambda item: (item[1].order, item[1].title)))
