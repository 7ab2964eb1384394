"""The own second factor: set up with a QR code and a first code, or turned off."""

import html

import segno
import streamlit as st

from trail.accounts.login_throttle import wait_message
from trail.accounts.second_factors import address, new_secret
from trail.core.errors import InputError
from trail.runtime import process
from ui import shown_once, text
from ui.account import result
from ui.audit import client_address, record_action
from ui.page import Context, acting_user, factors

_CARD = "account-factor"
_SECRET, _CODE, _PASSWORD = f"{_CARD}-secret", f"{_CARD}-code", f"{_CARD}-password"


def draw(ctx: Context) -> None:
    """Draw whether there is one, and what can be done about it."""
    st.subheader("Second factor", anchor=False)
    result.draw(_CARD)
    shown_once.draw(_CARD)
    if ctx.user.account in factors().accounts():
        left = factors().codes_left(ctx.user.account)
        st.text(f"✓ On, {text.count(left, 'recovery code')} left")
        with st.form(f"{_CARD}-off", border=False):
            st.text_input("Current code", key=_CODE, autocomplete="one-time-code", max_chars=64)
            st.form_submit_button("Turn off", on_click=result.attempt, args=(_CARD, _turn_off))
        return
    if _SECRET not in st.session_state:
        st.text("○ Off: your password alone signs you in.")
        st.button("Set up", on_click=_begin)
        return
    _enrollment(ctx)


def _begin() -> None:
    st.session_state[_SECRET] = new_secret()


def _enrollment(ctx: Context) -> None:
    secret = str(st.session_state[_SECRET])
    workspace = ctx.runtime.settings.workspace
    image = segno.make(address(secret, ctx.user.username, workspace), error="m")
    source = image.svg_data_uri(scale=4, light="#fff", dark="#000")
    st.text("1. Scan this with an authenticator app, or enter the key by hand:")
    st.html(
        f'<img alt="QR code of the key below" width="180" height="180" src="{html.escape(source)}">'
    )
    st.code(secret, language=None)
    with st.form(f"{_CARD}-on", border=False):
        st.text_input(
            "2. Code that the app shows", key=_CODE, autocomplete="one-time-code", max_chars=64
        )
        st.text_input(
            "3. Your password", type="password", key=_PASSWORD, autocomplete="current-password"
        )
        st.form_submit_button("Turn on", on_click=result.attempt, args=(_CARD, _turn_on))


def _turn_on() -> str:
    """Store the factor of whoever is signed in, and show the recovery codes once."""
    user, runtime = acting_user(enrolling=True), process.current()
    code, password = str(st.session_state[_CODE]), str(st.session_state[_PASSWORD])
    st.session_state.update({_CODE: "", _PASSWORD: ""})
    # An open session of somebody else must not bind the account to another device.
    if seconds := runtime.throttle.admit(user.username, client_address()):
        raise InputError(wait_message(seconds))
    if not runtime.users.check(user.username, password):
        raise InputError("The current password is wrong.", "Try again.")
    runtime.throttle.record_success(user.username, client_address())
    second_factors = factors()
    codes = second_factors.enroll(user, str(st.session_state.get(_SECRET, "")), code)
    del st.session_state[_SECRET]
    record_action("factor_on", user, user.username)
    shown_once.keep(
        _CARD,
        "\n".join(codes),
        "Recovery codes, for when you cannot use the app. Each works once. Store them safely:",
    )
    return "The second factor is on"


def _turn_off() -> str:
    """Remove the factor of whoever is signed in, with a code of it."""
    user, runtime = acting_user(), process.current()
    code = str(st.session_state[_CODE])
    st.session_state[_CODE] = ""
    if seconds := runtime.throttle.admit(user.username, client_address()):
        raise InputError(wait_message(seconds))
    second_factors = factors()
    if not second_factors.check(user.account, code):
        raise InputError("This code is wrong.", "Enter the current code or a recovery code.")
    runtime.throttle.record_success(user.username, client_address())
    second_factors.remove(user.account)
    record_action("factor_off", user, user.username)
    return "The second factor is off"
