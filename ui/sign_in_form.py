"""The sign-in form, and the hand-over to the route that sets the cookie.

Separate because it is the only place that uses streamlit-authenticator, and only its form and its
check of a bcrypt hash: no cookie of it is ever written, nothing that it leaves in the session
state is believed.
"""

import base64
import hmac
import html
import secrets
from collections.abc import Callable
from typing import Any

import streamlit as st

from trail.access_log import log
from trail.accounts import passwords
from trail.accounts.login_throttle import Throttle, sentence
from trail.accounts.users import normal
from trail.core.errors import TrailError
from trail.runtime import process
from trail.web.auth import FINISH
from trail.web.guard import ADDRESS_HEADER, ENDED_HEADER, VISIT_HEADER
from ui import sign_in_oidc

MARK = (
    '<rect width="26" height="26" rx="6" fill="#3451C6"/><g fill="#FFFFFF">'
    '<rect x="6" y="7" width="14" height="2.4" rx="1.2"/>'
    '<rect x="6" y="12" width="10" height="2.4" rx="1.2"/>'
    '<rect x="6" y="17" width="6" height="2.4" rx="1.2"/></g>'
)
WRONG = "Sign-in failed: check the username and the password."
STALE = "This tab is too old to sign in from. Reload it and try again."
_KEY = "sign-in"
_FIELDS = {"Form name": "", "Username": "Username", "Password": "Password", "Login": "Sign in"}
# What the library leaves behind after a success; left there it would hide the form next time.
_LEFT_BEHIND = ("authentication_status", "name", "email", "roles", "username", "logout")
_MARKS = secrets.token_bytes(32)

_REDIRECT = """
export default function ({ data }) {
  const here = window.location.pathname + window.location.search;
  const next = (data.kept && window.sessionStorage.getItem(data.kept)) || here;
  const query = new URLSearchParams({ code: data.code, next });
  window.location.replace(data.path + "?" + query.toString());
}
"""

# The library's button is neither primary nor wide, and its empty heading would take up space.
_STYLE = """<style>
.st-key-sign-in-page { padding-top: max(0px, 12vh); }
.st-key-sign-in-page .stForm [data-testid="stElementContainer"]:has([data-testid="stHeading"]),
.st-key-sign-in-page [data-testid="stElementContainer"]:has(iframe) { display: none; }
.st-key-sign-in-page [data-testid="stElementContainer"]:has([data-testid="stFormSubmitButton"]),
.st-key-sign-in-page [data-testid="stFormSubmitButton"],
.st-key-sign-in-page [data-testid="stFormSubmitButton"] button { width: 100%; }
.st-key-sign-in-page [data-testid="stFormSubmitButton"] button { margin-top: 6px;
  background: FILL; border-color: FILL; color: INK; }
.st-key-sign-in-page [data-testid="stFormSubmitButton"] button:hover {
  background: color-mix(in srgb, FILL 88%, black); border-color: FILL; color: INK; }
.st-key-sign-in-page .stButton button { color: INK; }
.st-key-sign-in-page .brand { display: flex; align-items: center; gap: 9px; font-weight: 600;
  font-size: 16px; }
.st-key-sign-in-page .whose { color: FAINT; margin-top: -10px; }
.st-key-sign-in-page .note { color: FAINT; font-size: 12.5px; line-height: 1.45; }
</style>"""


class Checked:
    """The library's controller with what it lacks: a throttle, and one bcrypt for anybody.

    The library answers at once for a username that it does not know, which tells who exists; so
    the name that was typed is put into its credentials with a hash that no password has.
    """

    def __init__(
        self, controller: Any, credentials: dict[str, Any], address: str, throttle: Throttle
    ) -> None:
        self._controller, self._credentials = controller, credentials
        self._address, self._throttle = address, throttle
        self.refusal = ""
        self.username = ""

    def login(self, username: str = "", password: str = "", *_: Any, **__: Any) -> bool:
        """Check one submitted form; False with a `refusal`, or True with the `username`."""
        name = normal(username or "")[:64]
        if not name or not password:
            self.refusal = WRONG
            return False
        known = name in self._credentials["usernames"]
        if seconds := self._throttle.admit(name, self._address):
            self.refusal = sentence(seconds)
            self._note(name, "too many tries", known=known)
            return False
        self._credentials["usernames"].setdefault(
            name, {"email": "", "name": "", "password": passwords.decoy_hash(), "roles": []}
        )
        fits = passwords.fits(password)
        right = self._controller.login(name, password if fits else " ") and fits and known
        if not right:
            self._note(name, "wrong password", known=known)
            self.refusal = WRONG
            return False
        self._throttle.passed(name, self._address)
        self.username = name
        return True

    def _note(self, name: str, why: str, *, known: bool) -> None:
        # A password typed into the wrong box must not reach the log: of a name that nobody has,
        # only what tells two of them apart, under a key that this process forgets.
        mark = hmac.new(_MARKS, name.encode(), "sha256").hexdigest()[:12]
        log.note(
            "sign_in_refused",
            name if known else "",
            what=why,
            detail="" if known else f"unknown name {mark}",
            address=self._address,
            together=True,
        )


def show() -> None:
    """Draw the sign-in form; after a success, send the browser to the route with a code."""
    now = process.current()
    auth, workspace = now.settings.auth, now.settings.workspace
    whose = f"the workspace {workspace}" if workspace else "your workspace"
    st.html(_style())
    with (
        st.container(key=f"{_KEY}-page", horizontal_alignment="center"),
        st.container(width=380),
    ):
        st.html(f'<div class="brand">{_mark()}<span>Audit Trail</span></div>')
        st.title("Sign in", anchor=False)
        _say("whose", f"To see the trail of {'the demo workspace' if now.demo else whose}.")
        told = st.empty()
        if ended := now.sessions.said(st.context.headers.get(ENDED_HEADER, "")):
            told.info(ended)
        try:
            let_in = sign_in_oidc.offer(told) if auth.by_provider else None
            checked = _form() if auth.by_password else None
        except TrailError as problem:
            told.error(str(problem))
            return
        _say(
            "note",
            "You will come back to the page you asked for. "
            "Sign-ins and refusals are written to the access log.",
        )
        lost = "No account, or a lost password?" if auth.by_password else "No account?"
        _say("note", f"{lost} Ask an owner of this workspace.")
    if let_in:
        going = _hand_over(lambda visit: now.sessions.code_for(let_in[0], visit, let_in[1]))
    elif checked and (name := checked.username):
        going = _hand_over(lambda visit: now.sessions.code(name, visit, now.users.version(name)))
    else:
        if checked and checked.refusal:
            told.error(checked.refusal)
        return
    if not going:
        told.error(STALE)


def _form() -> Checked:
    # Imported in a script's run only: at any other time its cookie component is not registered.
    import streamlit_authenticator as stauth

    now = process.current()
    credentials = now.users.credentials()
    form = stauth.Authenticate(
        credentials,
        cookie_name=secrets.token_hex(16),  # a name that no request can carry
        cookie_key=secrets.token_hex(32),
        cookie_expiry_days=0,
        auto_hash=False,
        login_sleep_time=0,
    )
    address = st.context.headers.get(ADDRESS_HEADER, "unknown")
    checked = Checked(form.authentication_controller, credentials, address, now.throttle)
    form.authentication_controller = checked
    form.login(fields=_FIELDS, key=_KEY)
    for name in _LEFT_BEHIND:
        st.session_state.pop(name, None)
    return checked


def _hand_over(code_for: Callable[[str], str]) -> bool:
    """Send the browser to the route with a code; False where the browser cannot be told apart."""
    visit = st.context.headers.get(VISIT_HEADER, "")
    if not visit:
        return False
    kept = sign_in_oidc.KEPT if process.current().settings.auth.by_provider else ""
    mount = st.components.v2.component("trail_redirect", js=_REDIRECT)
    mount(data={"code": code_for(visit), "path": FINISH, "kept": kept}, key="trail-redirect")
    return True


def _say(kind: str, text: str) -> None:
    st.html(f'<div class="{kind}">{html.escape(text)}</div>')


def _mark() -> str:
    # As an image: Streamlit takes drawings out of HTML, and our media route needs a session.
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 26 26">{MARK}</svg>'
    data = base64.b64encode(drawing.encode()).decode()
    return f'<img alt="" width="26" height="26" src="data:image/svg+xml;base64,{data}">'


def _style() -> str:
    dark = st.context.theme.type == "dark"
    fill = st.get_option(f"theme.{'dark' if dark else 'light'}.primaryColor")
    inks = ("#0F1318", "#A0AAB7") if dark else ("#FFFFFF", "#5A6472")
    return _STYLE.replace("FILL", fill).replace("INK", inks[0]).replace("FAINT", inks[1])
