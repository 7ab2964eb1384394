"""Settings that owners change: each with its current source; retention with a preview."""

import datetime as dt
from typing import Any, Literal, get_args, get_origin

import streamlit as st

from trail.core import settings as core_settings
from trail.core.clock import naive_utc, utc_now
from trail.core.errors import TrailError
from trail.retention import expiry, policy
from trail.runtime import configuration, stored_secrets
from trail.runtime.configuration import Editable
from ui import setting_change, text, url_state
from ui.audit import record_action
from ui.page import Context, acts

GROUPS = {
    "Workspace": ("workspace", "timezone", "week_start"),
    "Collection": ("segment.every_minutes", "sources.silent_hours", "push.accept_unverified"),
    "Alerts": (
        "forward.public_url",
        "forward.working_hours",
        "forward.alert_hours",
        "forward.log_days",
    ),
    "Sign-in": ("auth.require_second_factor", "auth.mask_emails"),
    "Exports and backups": ("export.csv_bom", "backup.keep"),
}
RETENTION = ("store.retention_days", "store.archive", "store.archive_days")
# Those on Connect, where they are tested.
ELSEWHERE = (
    "segment.token",
    "segment.tokens",
    "segment.regions",
    "segment.backfill",
    "segment.region",
    "push.webhook_secrets",
    "push.write_keys",
    "setup.skipped",
)
_CARD_WIDTH = 420
_NUMBER_WIDTH = 320
_RESULT = "settings-result"
_SECRETS = "Stored secrets"


def draw(ctx: Context) -> None:
    """Draw the groups; the result of a change is below its group."""
    for problem in ctx.runtime.settings.problems:
        st.warning(text.escape(problem), icon=":material/warning:")
    with st.grid(2, min_column_width=_CARD_WIDTH, gap="small"):
        with st.container(border=True, gap="small", height="stretch"):
            st.subheader("Retention", anchor=False)
            _retention(ctx)
        for title, names in GROUPS.items():
            with st.container(border=True, gap="small", height="stretch"):
                st.subheader(title, anchor=False)
                _group(title, names)
        with st.container(border=True, gap="small", height="stretch"):
            _secrets(ctx)


def _secrets(ctx: Context) -> None:
    """Draw the names of the stored secrets, never their values; remove them and rotate the key."""
    st.subheader(_SECRETS, anchor=False)
    rows = stored_secrets.stored(ctx.runtime.settings)
    if not rows:
        st.caption("None. Tokens and keys entered in the browser are listed here.")
    for row in rows:
        left, right = st.columns([4, 1], vertical_alignment="center")
        at = text.timestamp(naive_utc(dt.datetime.fromisoformat(row.at)), url_state.timezone())
        left.text(f"{row.name}\n{row.state}. Entered by {row.by}, {at}")
        right.button("Remove", key=f"remove-{row.name}", on_click=_remove, args=(ctx, row.name))
    if rows:
        st.button("Rotate key", key="rotate-key", on_click=_rotate, args=(ctx,))
        st.caption("Encrypts all secrets with a new key. Their values stay the same.")
    _result(_SECRETS)


@acts("configure")
def _remove(ctx: Context, name: str) -> None:
    stored_secrets.remove(ctx.runtime.settings, name)
    record_action("settings", ctx.user, name, "set → not set")
    st.session_state[_RESULT] = (_SECRETS, True, f"{name} removed")


@acts("configure")
def _rotate(ctx: Context) -> None:
    rotation = stored_secrets.rotate_key(ctx.runtime.users, ctx.runtime.settings)
    record_action("settings", ctx.user, "key of the stored secrets", "replaced")
    st.session_state[_RESULT] = (_SECRETS, not rotation.unreadable, rotation.sentence())


def _group(title: str, names: tuple[str, ...]) -> None:
    described = [configuration.describe(name) for name in names]
    with st.form(f"settings-{title}", border=False):
        for setting in described:
            _control(setting)
        st.form_submit_button("Save", on_click=_save, args=(title, described))
    _result(title)


def _retention(ctx: Context) -> None:
    described = [configuration.describe(name) for name in RETENTION]
    for setting in described:
        _control(setting)
    days, _, archive_days = (int(st.session_state[_key(name)]) for name in RETENTION)
    store = ctx.runtime.settings.store
    changed = any(st.session_state[_key(item.name)] != item.value for item in described)
    if days != store.retention_days:
        wanted = store.model_copy(update={"retention_days": days})
        settings = ctx.runtime.settings.model_copy(update={"store": wanted})
        preview = policy.preview(ctx.runtime.store, settings, utc_now())
        removed = text.count(preview.events, "event")
        span = f" from {preview.first} to {preview.last} (UTC days)" if preview.events else ""
        st.text(f"With {text.count(days, 'day')}, the next run removes {removed}{span}.")
    if archive_days != store.archive_days and archive_days:
        wanted = store.model_copy(update={"archive_days": archive_days})
        settings = ctx.runtime.settings.model_copy(update={"store": wanted})
        going = sum(events for _, events, _ in expiry.due(ctx.runtime.store, settings, utc_now()))
        st.text(
            f"With {text.count(archive_days, 'day')}, the next run removes "
            f"{text.count(going, 'archived event')}."
        )
    st.button(
        "Save",
        key="settings-retention-save",
        disabled=not changed,
        on_click=_save,
        args=("Retention", described),
    )
    _result("Retention")


def _control(setting: Editable) -> None:
    """Draw the control of *setting*, by its type, with its description and source."""
    field, key, seen = core_settings.field_of(setting.name), _key(setting.name), _seen(setting.name)
    # A value that was not edited here follows changes by others.
    if key not in st.session_state or st.session_state[key] == st.session_state.get(seen):
        st.session_state[key] = st.session_state[seen] = setting.value
    common: dict[str, Any] = {
        "label": field.title or setting.name,
        "key": key,
        "help": field.description,
        "disabled": bool(setting.fixed_by),
    }
    kind = field.annotation
    if kind is bool:
        st.toggle(**common)
    elif get_origin(kind) is Literal:
        st.selectbox(options=get_args(kind), format_func=str.capitalize, **common)
    elif get_origin(kind) is tuple:
        st.multiselect(options=get_args(get_args(kind)[0]), format_func=str.capitalize, **common)
    elif kind in (int, float):
        low, high = _bounds(field.metadata, kind)
        st.session_state[key] = kind(st.session_state[key])
        shown: dict[str, Any] = {"step": 1.0, "format": "%g"} if kind is float else {}
        st.number_input(min_value=low, max_value=high, **shown, **common, width=_NUMBER_WIDTH)
    else:
        st.text_input(**common)
    if origin := setting_change.origin(setting):
        st.caption(text.escape(origin))


def _bounds(constraints: list[Any], kind: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest allowed value; a value must exceed `gt`."""
    low = high = None
    for item in constraints:
        low = getattr(item, "ge", None) if low is None else low
        high = getattr(item, "le", None) if high is None else high
        if (above := getattr(item, "gt", None)) is not None:
            low = above + (1 if kind is int else 0.5)
    return (None if low is None else kind(low)), (None if high is None else kind(high))


def _key(name: str) -> str:
    return f"setting-{name}"


def _seen(name: str) -> str:
    """Return the key of the value that the control of *name* began with."""
    return f"setting-seen-{name}"


def _save(group: str, described: list[Editable]) -> None:
    """Store what the user has changed, unless someone else has changed it since."""
    done = []
    try:
        for setting in described:
            value, seen = (st.session_state[key(setting.name)] for key in (_key, _seen))
            if value != seen and not setting.fixed_by:
                change = setting_change.change(setting.name, value, seen=seen)
                st.session_state[_seen(setting.name)] = value
                title = core_settings.field_of(setting.name).title
                done.append(f"{title}: {change.before} → {change.after}")
    except TrailError as error:
        st.session_state[_RESULT] = (group, False, str(error))
        return
    st.session_state[_RESULT] = (group, True, "; ".join(done) or "Nothing changed")


def _result(group: str) -> None:
    shown = st.session_state.get(_RESULT)
    if shown and shown[0] == group:
        del st.session_state[_RESULT]
        (st.success if shown[1] else st.error)(text.escape(shown[2]))
