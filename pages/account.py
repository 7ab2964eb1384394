"""Account: the signed-in user, with their password, second factor, sessions and API tokens."""

import streamlit as st

from trail.accounts import oidc
from trail.core.clock import naive_utc
from trail.web.auth import SIGN_OUT
from ui import text, tokens_list, url_state
from ui.account import password_card, second_factor_card, sessions_card
from ui.page import ACCOUNT, OWN_ACCOUNT, Context, Page, factors

_CARD_WIDTH = 420

# A plain HTML form: the browser sends a POST to the route that clears the cookie.
_SIGN_OUT = (
    f'<form method="post" action="{SIGN_OUT}"><button type="submit" '
    'class="trail-sign-out">Sign out</button></form>'
    "<style>.trail-sign-out { font: inherit; color: inherit; background: transparent; "
    "border: 1px solid color-mix(in srgb, currentColor 35%, transparent); "
    "border-radius: 6px; padding: 6px 14px; cursor: pointer; }</style>"
)


def render(ctx: Context) -> None:
    """Draw the cards."""
    st.title("Account", anchor=False)
    user = ctx.user
    end = f"\nYour access ends {_end(ctx)}" if user.ends_at else ""
    st.text(f"{user.name}\nUsername {user.username}, role {user.role}{end}")
    st.html(_SIGN_OUT)
    if factors().is_missing(user):
        st.info("Your role requires a second factor. Set it up to continue.")
        with st.container(border=True, gap="small", width=_CARD_WIDTH):
            second_factor_card.draw(ctx)
        return
    with st.grid(2, min_column_width=_CARD_WIDTH, gap="small"):
        with st.container(border=True, gap="small", height="stretch"):
            sessions_card.draw(ctx)
        if not oidc.is_provider_user(user):
            with st.container(border=True, gap="small", height="stretch"):
                password_card.draw(ctx)
            with st.container(border=True, gap="small", height="stretch"):
                second_factor_card.draw(ctx)
            with st.container(border=True, gap="small", height="stretch"):
                st.subheader("API tokens", anchor=False)
                tokens_list.draw_own(ctx)


def _end(ctx: Context) -> str:
    assert ctx.user.ends_at
    return text.timestamp(naive_utc(ctx.user.ends_at), url_state.timezone())


PAGE = Page(ACCOUNT, "Account and sign-out", render, OWN_ACCOUNT, order=95, is_personal=True)

if __name__ == "__main__":
    PAGE.run()
