"""Your own second factor: set up with a QR code and a first code, or turned off."""

import html

import segno
import streamlit as st

from trail.accounts.second_factors import address, new_secret
from ui import shown_once, text
from ui.account import confirmation, result
from ui.audit import client_address, record_action
from ui.page import Context, acting_user, factors

_CARD = "account-factor"
_SECRET, _CODE, _PASSWORD = f"{_CARD}-secret", f"{_CARD}-code", f"{_CARD}-password"


def draw(ctx: Context) -> None:
    """Draw the state of the second factor and the actions for it."""
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
        st.text("○ Off: you sign in with your password alone.")
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
    st.text("1. Scan this QR code with an authenticator app, or enter the key manually:")
    st.html(
        f'<img alt="QR code of the key below" width="180" height="180" src="{html.escape(source)}">'
    )
    st.code(secret, language=None)
    with st.form(f"{_CARD}-on", border=False):
        st.text_input("2. Code from the app", key=_CODE, autocomplete="one-time-code", max_chars=64)
        st.text_input(
            "3. Your password", type="password", key=_PASSWORD, autocomplete="current-password"
        )
        st.form_submit_button("Turn on", on_click=result.attempt, args=(_CARD, _turn_on))


def _turn_on() -> str:
    """Store the signed-in user's factor and show the recovery codes once."""
    user = acting_user(enrolling=True)
    code, password = confirmation.taken(_CODE), confirmation.taken(_PASSWORD)
    # Nobody at an unattended session may bind the account to another device.
    confirmation.confirmation().check_password(user, password, client_address())
    second_factors = factors()
    codes = second_factors.enroll(user, str(st.session_state.get(_SECRET, "")), code)
    del st.session_state[_SECRET]
    record_action("factor_on", user, user.username)
    shown_once.keep(
        _CARD,
        "\n".join(codes),
        "Recovery codes, for when you cannot use the app. Each works once. Store them safely:",
    )
    return "Second factor turned on"


def _turn_off() -> str:
    """Remove the signed-in user's factor after checking one of its codes."""
    user = acting_user()
    confirmation.confirmation().check_code(user, confirmation.taken(_CODE), client_address())
    second_factors = factors()
    second_factors.remove(user.account)
    record_action("factor_off", user, user.username)
    return "Second factor turned off"
