"""Users: who can sign in, invitations, and changes by owners."""

import datetime as dt
from collections.abc import Callable

import streamlit as st

from trail.access_log import log
from trail.accounts import invitations, roles
from trail.accounts.invitations import Invitation
from trail.accounts.user_entry import MAX_DAYS
from trail.accounts.users import User, end_after
from trail.core.clock import naive_utc
from trail.core.errors import TrailError
from trail.web.invitation import ADDRESS
from ui import own_activity, own_address, shown_once, tables, text, url_state
from ui.admin import user_changes
from ui.page import Context, factors

_LINK, _RESULT = "users-link", "users-result"
_CARD_WIDTH = 420
_INVITED = "✉ Invited"


def draw(ctx: Context) -> None:
    """Draw the list of users, the invitation form, and the changes to one user."""
    users, pending = ctx.runtime.users.all(), user_changes.open_invitations().all()
    with st.container(border=True, gap="xsmall"):
        st.subheader("Users", anchor=False)
        _list(ctx, users, pending)
    shown_once.draw(_LINK)
    if result := st.session_state.pop(_RESULT, None):
        (st.success if result[0] else st.error)(text.escape(result[1]))
    if not ctx.runtime.settings.auth.by_password:
        return
    with st.grid(2, min_column_width=_CARD_WIDTH, gap="small"):
        with st.container(border=True, gap="small", height="stretch"):
            st.subheader("Invite a user", anchor=False)
            _invite(ctx)
        with st.container(border=True, gap="small", height="stretch"):
            st.subheader("Change a user", anchor=False)
            _change(ctx, users, pending)


def _list(ctx: Context, users: list[User], pending: list[Invitation]) -> None:
    signed_in = log.last_times(ctx.runtime.store, "signed_in")
    zone, now = url_state.timezone(), dt.datetime.now(dt.UTC)
    protected = factors().accounts()
    resets = {item.username for item in pending if item.account}
    rows = [
        {
            "Username": user.username,
            "Name": user.name,
            "Role": user.role.capitalize(),
            "State": _state(user, now, reset=user.username in resets),
            "Second factor": "✓ On" if user.account in protected else "– Off",
            "Access ends": _end(user.ends_at),
            "Last sign-in": text.timestamp(signed_in[user.username], zone)
            if user.username in signed_in
            else "Never",
            "Segment actors": ", ".join(user.actors) or "Not linked",
        }
        for user in users
    ]
    rows += [
        {
            "Username": item.username,
            "Name": item.name,
            "Role": item.role.capitalize(),
            "State": f"{_INVITED} until {_day(item.until)}",
            "Second factor": "– Off",
            "Access ends": _end(dt.datetime.fromisoformat(item.ends_at) if item.ends_at else None),
            "Last sign-in": "Never",
            "Segment actors": "Not linked",
        }
        for item in pending
        if not item.account
    ]
    if rows:
        tables.draw({name: [row[name] for row in rows] for name in rows[0]}, "Users")
    if unlinked := [user.username for user in users if user.may("decide") and not user.actors]:
        st.text(
            f"▲ {text.count(len(unlinked), 'reviewing account')} without a linked actor: "
            f"{', '.join(unlinked)}. Without a link, {own_activity.UNLINKED}."
        )
    if ctx.runtime.settings.auth.by_provider:
        st.caption(
            "Users of the identity provider are not listed: the provider assigns their roles. "
            f"Its claim `{ctx.runtime.settings.auth.oidc_actor_claim}` links them to actors; "
            f"without it, {own_activity.UNLINKED}."
        )


def _state(user: User, now: dt.datetime, *, reset: bool) -> str:
    if user.disabled:
        return "○ Disabled"
    if not user.is_active(now):
        return "○ Access ended"
    return f"{_INVITED} to set a password" if reset else "✓ Active"


def _end(at: dt.datetime | None) -> str:
    return text.timestamp(naive_utc(at), url_state.timezone()) if at else "Never"


def _day(at: str) -> str:
    zone = url_state.timezone()
    return text.day(dt.datetime.fromisoformat(at).astimezone(zone).date(), zone)


def _invite(ctx: Context) -> None:
    with st.form("users-invite", border=False):
        st.text_input("Username", key="users-invite-username", max_chars=64, autocomplete="off")
        st.text_input("Name", key="users-invite-name", max_chars=100, autocomplete="off")
        _access_fields("users-invite", "reviewer", 0)
        st.form_submit_button(
            "Create invitation link", type="primary", on_click=_attempt, args=(lambda: _send(ctx),)
        )
    st.caption(
        f"The link works once, for {invitations.DAYS} days. Whoever opens it sets the password."
    )


def _access_fields(key: str, role: str, days: int) -> None:
    st.session_state.setdefault(f"{key}-role", role)
    st.session_state.setdefault(f"{key}-days", days)
    st.selectbox("Role", roles.ROLES, format_func=str.capitalize, key=f"{key}-role")
    st.number_input(
        "Days of access from now (0: unlimited)",
        min_value=0,
        max_value=MAX_DAYS,
        key=f"{key}-days",
        help="Auditor access must have an end.",
    )


def _send(ctx: Context) -> str:
    values = {
        name: st.session_state[f"users-invite-{name}"]
        for name in ("username", "name", "role", "days")
    }
    secret = user_changes.invite(**values)
    st.session_state.update({"users-invite-username": "", "users-invite-name": ""})
    _show_link(ctx, secret, f"Send this link to {values['name'] or values['username']}:")
    return ""


def _show_link(ctx: Context, secret: str, about: str) -> None:
    shown_once.keep(_LINK, own_address.of(ctx.runtime.settings, f"{ADDRESS}#{secret}"), about)


def _change(ctx: Context, users: list[User], pending: list[Invitation]) -> None:
    by_name = {user.username: user for user in users}
    invited = {item.username: item for item in pending}
    names = sorted(by_name.keys() | invited.keys())
    username = st.selectbox(
        "User", names, index=None, placeholder="Choose a user", key="users-change"
    )
    if username is None:
        st.caption("Change role, end of access or Segment actors; disable, reset or remove.")
        return
    if user := by_name.get(username):
        _access_form(user)
        _actors_form(user)
    with st.container(horizontal=True):
        if user:
            _button(
                "Enable" if user.disabled else "Disable",
                lambda: _disable(username, disabled=not user.disabled),
            )
            if user.username != ctx.user.username:
                with st.popover("Reset"):
                    st.text(
                        "The password stops working, all sessions end, and the user's API tokens "
                        "are revoked. You get a link for the user to set a new password."
                    )
                    _button("Reset user", lambda: _reset(ctx, username))
            if user.account in factors().accounts() and user.username != ctx.user.username:
                _button("Reset second factor", lambda: _reset_factor(username))
            with st.popover("Remove"):
                st.text("The user can no longer sign in. Their access-log entries are kept.")
                _button("Remove user", lambda: _remove(username))
        if username in invited:
            _button("Revoke invitation", lambda: _revoke(username))


def _access_form(user: User) -> None:
    now = dt.datetime.now(dt.UTC)
    left = max(0, (user.ends_at - now).days + 1) if user.ends_at else 0
    # Keyed by the current access, so that the fields show it after a change by anyone.
    key = f"users-access-{user.username}-{user.role}-{left}"
    with st.form(key, border=False):
        _access_fields(key, user.role, left)
        st.form_submit_button(
            "Save access", on_click=_attempt, args=(lambda: _save_access(user, key, left),)
        )


def _save_access(user: User, key: str, left: int) -> str:
    role, days = st.session_state[f"{key}-role"], st.session_state[f"{key}-days"]
    now = dt.datetime.now(dt.UTC)
    end = user.ends_at if days == left else end_after(days, now)
    if (role, end) == (user.role, user.ends_at):
        return "Nothing changed"
    user_changes.set_access(user, role, end)
    return f"{user.username} now has the role {role}" + (
        f", access ends {_end(end)}" if end else ""
    )


def _actors_form(user: User) -> None:
    linked = ", ".join(user.actors)
    # Keyed by the current value, so that the field shows it after a change by anyone.
    key = f"users-actors-{user.username}-{linked}"
    st.session_state.setdefault(key, linked)
    with st.form(f"{key}-form", border=False):
        st.text_input(
            "Segment actor IDs, separated by commas",
            placeholder="users/abc123",
            key=key,
            help="Users cannot review the activity of their linked actors.",
        )
        st.form_submit_button("Save link", on_click=_attempt, args=(lambda: _link(user, key),))


def _link(user: User, key: str) -> str:
    actors = [part for part in st.session_state[key].replace(",", " ").split() if part]
    user_changes.link(user, actors)
    return f"{user.username} is linked to {', '.join(actors) or 'no actor'}"


def _disable(username: str, *, disabled: bool) -> str:
    user_changes.set_disabled(username, disabled=disabled)
    return f"{username} {'can no longer sign in' if disabled else 'can sign in again'}"


def _reset(ctx: Context, username: str) -> str:
    _show_link(ctx, user_changes.reset(username), f"Send this link to {username}:")
    return ""


def _reset_factor(username: str) -> str:
    user_changes.reset_factor(username)
    return f"Second factor of {username} reset"


def _remove(username: str) -> str:
    user_changes.remove(username)
    return f"{username} removed"


def _revoke(username: str) -> str:
    user_changes.revoke(username)
    return f"Invitation of {username} revoked"


def _button(label: str, action: Callable[[], str]) -> None:
    key = f"users-{label.lower().replace(' ', '-')}"
    st.button(label, key=key, on_click=_attempt, args=(action,))


def _attempt(action: Callable[[], str]) -> None:
    """Run *action*, which returns a message, and keep the message or the error for the next run."""
    try:
        if message := action():
            st.session_state[_RESULT] = (True, message)
    except TrailError as error:
        st.session_state[_RESULT] = (False, str(error))
