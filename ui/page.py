"""The access check of every page, its context, and its error messages.

Separate from navigation because Streamlit can run a page file without it: a page that is hidden
from the menu is not protected.
"""

import contextlib
import copy
import datetime as dt
import functools
import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

import streamlit as st

from trail.accounts.roles import needed_by_filter, who_may
from trail.accounts.second_factors import SecondFactors
from trail.accounts.users import User
from trail.core import registry
from trail.core.errors import InputError, OverloadError, TrailError
from trail.runtime import process, startup
from trail.runtime.process import Runtime
from trail.storage import query_timeout, shared_results
from trail.storage.duckdb import Store
from trail.storage.query_timeout import QueryScope
from trail.web import email_masks
from ui import script_run, setup_guide, sign_in_form, text, unreadable_notice
from ui.audit import record_page_view
from ui.session import current_user as current_user  # noqa: PLC0414 - re-exported for pages

_log = logging.getLogger("trail.ui")

_PATH = "page-path"
OWN_ACCOUNT, ACCOUNT = "explore", "account"

P = ParamSpec("P")


@dataclass
class Context:
    """The user of a page, and what the process shares."""

    user: User
    runtime: Runtime
    entered: bool = False
    """Whether the user has just come from another page."""

    @property
    def store(self) -> Store:
        """Return the store for reading, with the archived days."""
        return startup.reading_store()

    @functools.cached_property
    def now(self) -> dt.datetime:
        """Return the moment (aware) that this page run shows, shared with others; see `Store.now`.

        One moment for all stores, so that their windows agree.
        """
        return self.runtime.store.now()


@dataclass(frozen=True, slots=True)
class Page:
    """One page: address, title, render function, and the capability that it requires.

    `roles` is derived from the capability; only tests set it. The menu keeps the URL parameters
    `keeps` of the previous page. A page that `has_search` shows search errors in its search box. A
    page that is not `is_listed` is missing from the menu; other pages link to it. An `is_personal`
    page is in the menu below the user's name.
    """

    path: str
    title: str
    render: Callable[[Context], None]
    capability: str = "explore"
    roles: frozenset[str] = frozenset()
    order: int = 50
    icon: str = ""
    keeps: tuple[str, ...] = ()
    has_search: bool = False
    is_listed: bool = True
    is_personal: bool = False

    def __post_init__(self) -> None:
        """Set the roles that have the capability."""
        if not self.roles:
            object.__setattr__(self, "roles", who_may(self.capability))

    def allows(self, user: User) -> bool:
        """Return whether the user's role may see this page."""
        return user.role in self.roles

    def run(self) -> None:
        """Draw the page if the user may see it, else the refusal or the sign-in form."""
        user = current_user()
        if user is None:
            sign_in_form.show()
            return
        if not self.allows(user):
            record_page_view("page_refused", user, self.path)
            st.info(f"The role {user.role} has no access to {self.title}. Ask an owner.")
            return
        if self.path != ACCOUNT and factors().is_missing(user):
            st.info("Your role requires a second factor. Set it up to continue.")
            st.page_link(f"../pages/{ACCOUNT}.py", label="Set up a second factor")
            return
        record_page_view("viewed", user, self.path)
        entered = st.session_state.get(_PATH) != self.path
        st.session_state[_PATH] = self.path
        with explaining(self.path, self), turn(user):
            setup_guide.draw_above(self.path, user)
            unreadable_notice.draw(has_search=self.has_search)
            _leave_out_findings(user)
            _leave_out_searches(user)
            self.render(Context(user, process.current(), entered))


def _leave_out_findings(user: User) -> None:
    """Remove a choice of findings from the URL where the user may not see findings."""
    needed = needed_by_filter(st.query_params)
    if needed and not user.may(needed):
        del st.query_params["findings"]
        st.info("Your role has no access to unusual changes: the filter by finding is left out.")


def _leave_out_searches(user: User) -> None:
    """Remove searches for texts and e-mails from the URL if e-mails are masked."""
    if not email_masks.is_masked(user):
        return
    asked = [
        name
        for name in st.query_params
        if any(email_masks.leads_to_emails(name, v) for v in st.query_params.get_all(name))
    ]
    for name in asked:
        del st.query_params[name]
    if asked:
        st.info(email_masks.NO_SEARCH)


@contextlib.contextmanager
def explaining(place: str, page: Page | None = None) -> Iterator[None]:
    """Show an error of the block as a message, never as a traceback; *place* is for the log.

    For a whole *page*, a link leads to it without the parameters that it cannot show.
    """
    try:
        yield
    except OverloadError as error:
        _log.info("page %s: %s", place, error)
        st.warning(text.escape(str(error)), icon=":material/hourglass:")
        st.button("Try again", key=f"try-again-{place}")
    except TrailError as error:
        _log.info("page %s: %s", place, error)
        if page and isinstance(error, InputError):
            st.title(page.title, anchor=False)
        st.error(text.escape(str(error)))
        if page:
            path = f"../pages/{page.path}.py"
            st.page_link(path, label=f"Open {page.title} without filters")
    except Exception:
        error_id = secrets.token_hex(4)
        _log.exception("error %s on page %s", error_id, place)
        st.error(
            "Internal error. Reload the page. If it fails again, send an owner the error id "
            f"{error_id}, which is in the server log."
        )


@contextlib.contextmanager
def turn(user: User) -> Iterator[None]:
    """Run the block as a request of *user*: in turn with others, and with the query timeout.

    A run that is superseded by a newer one of its tab, or whose tab was closed, ends: its query is
    interrupted. Nothing more happens if the block is inside of another.
    """
    if query_timeout.current():
        yield
        return
    runtime = process.current()
    seconds = runtime.settings.limits.query_seconds
    scope = QueryScope(seconds, seconds * 2, script_run.superseded())
    slot = runtime.shares.requests.slot(user.username, scope)
    with scope.entered(), slot, shared_results.within():
        yield


def session_hash() -> str:
    """Return the hash of the session of this run, or an empty string."""
    sid_hash = script_run.identity().get("sid")
    return sid_hash if isinstance(sid_hash, str) else ""


def factors() -> SecondFactors:
    """Return the second factors of this server."""
    runtime = process.current()
    return SecondFactors(runtime.users, runtime.settings)


def acting_user(capability: str = OWN_ACCOUNT, *, enrolling: bool = False) -> User:
    """Return the user of the session if permitted; the default *capability* is one of all roles.

    Callbacks must call this first, since they can run without the check of their page. Raises
    `InputError` for other users, and for users who must set up a second factor unless *enrolling*.
    """
    user = current_user()
    if user is None or not user.may(capability):
        raise InputError("Your role does not allow this.", "Ask an owner.")
    if not enrolling and factors().is_missing(user):
        raise InputError("Set up a second factor first.", "Open Account.")
    return user


def acts(
    capability: str,
) -> Callable[[Callable[Concatenate[Context, P], None]], Callable[Concatenate[Context, P], None]]:
    """Return a decorator for callbacks, which get the context as their first argument.

    The callback runs only if the user has *capability* at that time. Otherwise, or if the callback
    raises a `TrailError`, the error is shown.
    """

    def decorate(
        callback: Callable[Concatenate[Context, P], None],
    ) -> Callable[Concatenate[Context, P], None]:
        @functools.wraps(callback)
        def checked(ctx: Context, /, *args: P.args, **given: P.kwargs) -> None:
            try:
                current = copy.copy(ctx)  # with the time shown on screen
                current.user = acting_user(capability)
                callback(current, *args, **given)
            except TrailError as error:
                st.toast(text.escape(str(error)), duration="long", icon=":material/error:")

        return checked

    return decorate


@functools.cache
def discover_pages() -> dict[str, Page]:
    """Return all pages by module name, in menu order."""
    pages: dict[str, Page] = registry.discover("pages", "PAGE")
    return dict(sorted(pages.items(), key=lambda item: (item[1].order, item[1].title)))
