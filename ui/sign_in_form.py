"""The sign-in form, which hands over to the route that sets the session cookie.

Of streamlit-authenticator, only the form and the bcrypt check are used. It sets no cookie, and its
session state is not trusted.
"""

import base64
import hmac
import html
import secrets
from pathlib import Path
from typing import Any

import streamlit as st

from trail.access_log import log
from trail.accounts import passwords
from trail.accounts.login_throttle import Throttle, wait_message
from trail.accounts.second_factors import SecondFactors
from trail.accounts.users_file import normalize_username
from trail.core.errors import TrailError
from trail.runtime import process
from trail.web.auth import FINISH
from trail.web.guard import ADDRESS_HEADER, ENDED_HEADER, VISIT_HEADER
from ui import sign_in_code, sign_in_oidc

MARK = (
    '<rect width="26" height="26" rx="6" fill="#3451C6"/><g fill="#FFFFFF">'
    '<rect x="6" y="7" width="14" height="2.4" rx="1.2"/>'
    '<rect x="6" y="12" width="10" height="2.4" rx="1.2"/>'
    '<rect x="6" y="17" width="6" height="2.4" rx="1.2"/></g>'
)
WRONG = "Sign-in failed: check the username and the password."
STALE = "This page has expired. Reload it and sign in again."
_KEY = "sign-in"
_FIELDS = {"Form name": "", "Username": "Username", "Password": "Password", "Login": "Sign in"}
# Session state of the library after a success, which would hide the form the next time.
_LIBRARY_STATE = ("authentication_status", "name", "email", "roles", "username", "logout")
_NAME_KEY = secrets.token_bytes(32)

_REDIRECT_SCRIPT = Path(__file__).with_name("sign_in_redirect.js").read_text(encoding="utf-8")

# Makes the library's button primary and wide, and hides its empty heading.
_STYLE = """<style>
.st-key-sign-in-page { padding-top: max(0px, 12vh); }
.st-key-sign-in-page .stForm [data-testid="stElementContainer"]:has([data-testid="stHeading"]) {
  display: none; }
.st-key-sign-in-page [data-testid="stElementContainer"]:has([data-testid="stFormSubmitButton"]),
.st-key-sign-in-page [data-testid="stFormSubmitButton"],
.st-key-sign-in-page [data-testid="stFormSubmitButton"] button { width: 100%; }
.st-key-sign-in-page [data-testid="stFormSubmitButton"] button { margin-top: 6px;
  background: FILL; border-color: FILL; color: INK; }
.st-key-sign-in-page [data-testid="stFormSubmitButton"] button:hover {
  background: color-mix(in srgb, FILL 88%, black); border-color: FILL; color: INK; }
.st-key-sign-in-page .stButton button[kind="primary"] { color: INK; }
.st-key-sign-in-page .brand { display: flex; align-items: center; gap: 9px; font-weight: 600;
  font-size: 16px; }
.st-key-sign-in-page .workspace { color: FAINT; margin-top: -10px; }
.st-key-sign-in-page .note { color: FAINT; font-size: 12.5px; line-height: 1.45; }
</style>"""


class SignInController:
    """The library's controller with a rate limit and one bcrypt for any username.

    The library answers immediately for unknown usernames, which would reveal the known ones, so the
    typed name is added to its credentials with a hash that no password matches.
    """

    def __init__(
        self,
        controller: Any,
        credentials: dict[str, Any],
        address: str,
        throttle: Throttle,
        protected: frozenset[str] | None = None,
    ) -> None:
        """With *protected* usernames, which have a second factor, wrong passwords need a code."""
        self._controller, self._credentials = controller, credentials
        self._address, self._throttle = address, throttle
        self._protected = protected or frozenset()
        self.refusal = ""
        self.username = ""
        self.held: sign_in_code.Held | None = None

    def login(self, username: str = "", password: str = "", *_: Any, **__: Any) -> bool:
        """Check a submitted form; set `username` and return True, or set `refusal`.

        If a code is required, `held` is set instead.
        """
        name = normalize_username(username or "")[:64]
        if not name or not password:
            self.refusal = WRONG
            return False
        known = name in self._credentials["usernames"]
        if seconds := self._throttle.admit(name, self._address):
            self.refusal = wait_message(seconds)
            self._record_refusal(name, "too many attempts", known=known)
            return False
        self._credentials["usernames"].setdefault(
            name, {"email": "", "name": "", "password": passwords.decoy_hash(), "roles": []}
        )
        hash_ = self._credentials["usernames"][name]["password"]
        form = passwords.form_to_check(password, hash_)
        fits = passwords.fits_bcrypt(form)
        if not (self._controller.login(name, form if fits else " ") and fits and known):
            self._record_refusal(name, "wrong password", known=known)
            self.refusal = WRONG
            if self._protected:
                self.held = sign_in_code.Held(name, has_password=False)
            return False
        if name in self._protected:
            self.held = sign_in_code.Held(name, has_password=True)
            return False
        self._throttle.record_success(name, self._address)
        self.username = name
        return True

    def _record_refusal(self, name: str, why: str, *, known: bool) -> None:
        # A password typed into the wrong field must not reach the log: of an unknown name, only a
        # keyed hash is recorded, which tells two names apart.
        digest = hmac.new(_NAME_KEY, name.encode(), "sha256").hexdigest()[:12]
        log.record(
            "sign_in_refused",
            name if known else "",
            what=why,
            detail="" if known else f"unknown name {digest}",
            address=self._address,
            merge=True,
        )


class _NoCookie:
    """Replaces the library's cookie: the session cookie is set by a route, out of its reach."""

    def get_cookie(self) -> None:
        """Return that the browser has none."""

    def set_cookie(self) -> None:
        """Set none."""


def show() -> None:
    """Draw the sign-in form; after a success, redirect to the route with a code."""
    runtime = process.current()
    auth = runtime.settings.auth
    workspace = (
        f"workspace {runtime.settings.workspace}" if runtime.settings.workspace else "workspace"
    )
    st.html(_style())
    with (
        st.container(key=f"{_KEY}-page", horizontal_alignment="center"),
        st.container(width=380),
    ):
        st.html(f'<div class="brand">{_mark()}<span>Audit Trail</span></div>')
        st.title("Sign in", anchor=False)
        target = "the demo workspace" if runtime.demo else f"the {workspace}"
        _paragraph("workspace", f"Audit trail of {target}")
        message = st.empty()
        if ended := runtime.sessions.ended_message(st.context.headers.get(ENDED_HEADER, "")):
            message.info(ended)
        try:
            if sign_in_code.is_held():
                name = sign_in_code.draw(message)
                provider_user = form = None
            else:
                provider_user = sign_in_oidc.draw(message) if auth.by_provider else None
                form = _form() if auth.by_password else None
                name = form.username if form else ""
            if form and form.held:
                sign_in_code.hold(form.held)
        except TrailError as error:
            message.error(str(error))
            return
        _paragraph(
            "note",
            "You return to the page you requested. Sign-ins and refusals are recorded in the "
            "access log.",
        )
        question = "No account or forgotten password?" if auth.by_password else "No account?"
        _paragraph("note", f"{question} Ask an owner of this workspace.")
    visit = st.context.headers.get(VISIT_HEADER, "")  # empty if the browser has no visit cookie
    code = ""
    if provider_user:
        user, proof = provider_user
        code = runtime.sessions.issue_provider_code(user, visit, proof)
    elif name:
        code = runtime.sessions.issue_code(name, visit, runtime.users.credentials_digest(name))
    elif form and form.refusal:
        message.error(form.refusal)
    if code and not visit:
        message.error(STALE)
    elif code:
        _redirect(code)


def _form() -> SignInController:
    # Imported during a script run only: its cookie component cannot be registered earlier.
    from streamlit_authenticator.controllers import AuthenticationController
    from streamlit_authenticator.views import Authenticate

    runtime = process.current()
    credentials = runtime.users.credentials()
    library = AuthenticationController(
        credentials, auto_hash=False, secret_key=secrets.token_hex(32)
    )
    address = st.context.headers.get(ADDRESS_HEADER, "unknown")
    accounts = SecondFactors(runtime.users, runtime.settings).accounts()
    protected = frozenset(user.username for user in runtime.users.all() if user.account in accounts)
    controller = SignInController(library, credentials, address, runtime.throttle, protected)
    # Without its constructor, which draws the cookie component: an iframe with inline scripts.
    form = Authenticate.__new__(Authenticate)
    form.path, form.attrs = None, {"login_sleep_time": 0}
    form.authentication_controller, form.cookie_controller = controller, _NoCookie()
    form.login(fields=_FIELDS, key=_KEY)
    for name in _LIBRARY_STATE:
        st.session_state.pop(name, None)
    return controller


def _redirect(code: str) -> None:
    """Redirect the browser to the route that exchanges *code* for the session cookie."""
    next_key = sign_in_oidc.NEXT_KEY if process.current().settings.auth.by_provider else ""
    redirect = st.components.v2.component("trail_redirect", js=_REDIRECT_SCRIPT)
    redirect(data={"code": code, "path": FINISH, "key": next_key}, key="trail-redirect")


def _paragraph(kind: str, text: str) -> None:
    st.html(f'<div class="{kind}">{html.escape(text)}</div>')


def _mark() -> str:
    # As an image: Streamlit removes SVG from HTML, and the media route needs a session.
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 26 26">{MARK}</svg>'
    data = base64.b64encode(drawing.encode()).decode()
    return f'<img alt="" width="26" height="26" src="data:image/svg+xml;base64,{data}">'


def _style() -> str:
    dark = st.context.theme.type == "dark"
    fill = st.get_option(f"theme.{'dark' if dark else 'light'}.primaryColor")
    inks = ("#0F1318", "#A0AAB7") if dark else ("#FFFFFF", "#5A6472")
    return _STYLE.replace("FILL", fill).replace("INK", inks[0]).replace("FAINT", inks[1])
